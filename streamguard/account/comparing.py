"""What a decision and its render rest on, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from streamguard.account.markup import section, table, text
from streamguard.edits.account import Account
from streamguard.report import Report

_MACHINE = ("memory_limit", "stall_timeout", "overwrite", "input.max_", "input.open_")
_NO_DECISION = (*_MACHINE, "encoding.", "keep_metadata")
_NO_RENDER = (*_MACHINE, "hide", "quality", "threshold", "lookahead", "detector", "zones.")
"""Settings that have no part in a decision, or in a render."""


def settings_of(report: Report, account: Account) -> str:
    """Return a section of all settings that had a part in the decision or in the render."""
    decided = {k: v for k, v in _flat(account.settings) if not k.startswith(_NO_DECISION)}
    rendered = {k: v for k, v in _flat(report.settings) if not k.startswith(_NO_RENDER)}
    return section("Settings", compared(decided, rendered))


def compared(decided: Mapping[str, str], rendered: Mapping[str, str]) -> str:
    """Return a table of values by name, those of the decision beside those of the render."""
    rows = (
        (text(name), text(decided.get(name, "")), text(rendered.get(name, "")))
        for name in {**decided, **rendered}
    )
    return table(("", "Decision", "Render"), rows)


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _plain(value)


def _plain(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(_plain, value)) or "–"
        case _:
            return str(value)
