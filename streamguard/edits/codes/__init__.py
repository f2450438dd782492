"""Codes for reasons: lists as files, with samples for the GDPR and the FOIA."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from streamguard.edits.edit import HIDING, UNCOVERING, Edit
from streamguard.edits.edit_json import text_of
from streamguard.errors import EditError, UsageError, unreadable

SAMPLES = ("gdpr", "foia")
"""Lists that come with the package."""

_USES = {"clear": UNCOVERING, "cover": HIDING}
_MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Code:
    """One reason that has a code.

    Attributes:
        name: The list's name, a colon, and the code: ``gdpr:consent``.
        use: ``clear`` for what is left clear, ``cover`` for what is covered.
        text: What it means.
    """

    name: str
    use: str
    text: str


@dataclass(slots=True)
class Codes:
    """The codes that may be used.

    Attributes:
        known: Every code by its name.
    """

    known: dict[str, Code] = field(default_factory=dict)

    @classmethod
    def load(cls, paths: Iterable[Path] = ()) -> Codes:
        """Return the samples' codes and those of files of one's own.

        Raises:
            UsageError: A file is no list of codes.
            SourceError: A file cannot be read.
        """
        codes = cls()
        for name in SAMPLES:
            text = (files(__package__) / f"{name}.json").read_text("utf-8")
            codes.add(text, f"the list {name}")
        for path in paths:
            codes.add(_text(path), str(path))
        return codes

    def add(self, text: str, where: str) -> None:
        """Take in a list of codes.

        Args:
            text: JSON: ``name``, ``title``, and ``codes`` with ``code``, ``for`` and ``text``.
            where: What it is called in errors.

        Raises:
            UsageError: It is no list of codes.
        """
        try:
            said = json.loads(text)
            prefix = _word(said["name"])
            for entry in said["codes"]:
                self._add(prefix, entry)
        except (ValueError, TypeError, KeyError, RecursionError, EditError) as error:
            problem = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise UsageError(
                f"{where} is no list of codes: {problem}", "See docs/edits.md for its form"
            ) from None

    def check(self, edit: Edit) -> None:
        """Refuse a code that is not known, or that is for something else.

        Raises:
            EditError: It is one of these.
        """
        if not edit.code:
            return
        code = self.known.get(edit.code)
        if code is None:
            raise EditError(
                f"no list has the code {edit.code!r}", "streamguard edit codes lists them"
            )
        others = [kinds for use, kinds in _USES.items() if use != code.use]
        if any(isinstance(edit.act, kinds) for kinds in others):
            raise EditError(
                f"the code {code.name!r} is for something else: {code.text}",
                f"{edit.kind!r} needs one that is not for {code.use!r}",
            )

    def _add(self, prefix: str, entry: Mapping[str, Any]) -> None:
        name = f"{prefix}:{_word(entry['code'])}"
        if entry["for"] not in _USES:
            raise EditError(f"{name} is for {entry['for']!r}, not for clear or cover")
        if name in self.known:
            raise EditError(f"{name} is there twice")
        self.known[name] = Code(name, entry["for"], text_of("reason", entry["text"]))


def _word(value: Any) -> str:
    text = text_of("label", value)
    if not text or ":" in text or text.split() != [text]:
        raise EditError(f"{value!r} is not one word")
    return text


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode("utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8") from error
