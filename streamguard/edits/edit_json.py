"""Edits as JSON: strict when read, since the text may come from anybody."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from typing import Any, TextIO

from streamguard.edits.acts import Act
from streamguard.edits.edit import KINDS, Edit, arguments_of
from streamguard.errors import EditError
from streamguard.settings import Effect, SoundChange

FORMAT = 1
"""Version of the JSON lines."""

MAX_POINTS = 1000
_MAX_NUMBER = 2**53
_MAX_LINE = 16 * 2**20
_LONGEST = {"label": 40, "code": 80, "actor": 200, "reason": 4000, "time": 40}
"""Characters that a text may have."""


def act_of(kind: Any, arguments: Any) -> Act:
    """Return the act of a kind with these arguments.

    Raises:
        EditError: There is no such kind, or an argument is missing, unknown or of no sense.
    """
    if not isinstance(kind, str) or kind not in KINDS:
        raise EditError(f"no edit is called {kind!r}", f"There are: {', '.join(KINDS)}")
    if not isinstance(arguments, dict):
        raise EditError(f"the arguments of {kind!r} are no object")
    known = {field.name: field for field in fields(KINDS[kind])}
    if unknown := sorted(arguments.keys() - known.keys()):
        raise EditError(f"{kind!r} has no argument {unknown[0]!r}", f"It has {', '.join(known)}")
    values = {}
    for name, field in known.items():
        if arguments.get(name) is not None:
            values[name] = _value(name, arguments[name])
        elif field.default is MISSING:
            raise EditError(f"{kind!r} lacks its {name!r}")
    return KINDS[kind](**values)


def text_of(name: str, value: Any) -> str:
    """Return a text that may be shown on a terminal: not too long, nothing but print.

    Args:
        name: Which one: ``label``, ``code``, ``actor``, ``reason`` or ``time``.
        value: The text.

    Raises:
        EditError: It is no text, too long, or holds control characters.
    """
    if not isinstance(value, str) or len(value) > _LONGEST[name]:
        raise EditError(f"the {name} is no text of at most {_LONGEST[name]} characters")
    if not value.isprintable():
        raise EditError(f"the {name} holds characters that cannot be printed")
    return value


def canonical(value: Any) -> str:
    """Return JSON that is the same for the same value, whoever writes it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def line_of(edit: Edit) -> str:
    """Return an edit as one line of JSON."""
    said = {
        "number": edit.number,
        "time": edit.time,
        "actor": edit.actor,
        "kind": edit.kind,
        "arguments": arguments_of(edit.act),
        "reason": edit.reason,
        "code": edit.code,
    }
    return json.dumps(said, ensure_ascii=False)


def heading_of(decision: str) -> str:
    """Return the first line of a file of edits: it names the decision they belong to."""
    return json.dumps({"streamguard_edits": FORMAT, "decision": decision})


def export_lines(decision: str, edits: Iterable[Edit]) -> Iterator[str]:
    """Yield edits as lines of JSON, without line ends.

    Args:
        decision: Digest of the decision they belong to.
        edits: The edits.
    """
    yield heading_of(decision)
    yield from map(line_of, edits)


def lines_of(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file; one that is too long comes in pieces, which are no edits."""
    return iter(lambda: file.readline(_MAX_LINE + 1), "")


def import_lines(decision: str, lines: Iterable[str]) -> list[Edit]:
    """Return the edits that lines of JSON hold.

    Args:
        decision: Digest of the decision they are for.
        lines: As `export_lines` makes them; empty lines are passed over.

    Raises:
        EditError: A line is no edit, or they belong to another decision.
    """
    edits: list[Edit] = []
    numbered = ((n, line) for n, line in enumerate(lines, 1) if line.strip())
    _check_heading(decision, next(numbered, (1, "{}"))[1])
    for number, line in numbered:
        try:
            edits.append(_edit_of(_object(line)))
        except EditError as error:
            raise EditError(f"line {number}: {error.what}", error.hint) from None
    return edits


def _check_heading(decision: str, line: str) -> None:
    heading = _object(line)
    if "streamguard_edits" not in heading:
        raise EditError(
            "the first line does not name the decision the edits belong to",
            f"Begin with {heading_of('...')}",
        )
    if heading["streamguard_edits"] != FORMAT:
        raise EditError(f"edits of format {heading['streamguard_edits']!r} are not known")
    if heading.get("decision") != decision:
        raise EditError(
            "the edits belong to another decision",
            "Its numbers of tracks mean other people; make the edits anew",
        )


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line) if len(line) <= _MAX_LINE else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise EditError("this is no line of JSON with an edit")
    return value


def _edit_of(said: dict[str, Any]) -> Edit:
    if unknown := sorted(said.keys() - _EDIT_KEYS):
        raise EditError(f"an edit has no {unknown[0]!r}")
    actor, reason = said.get("actor"), said.get("reason", "")
    return Edit(
        number=_count(said.get("number", 0)),
        time=_time(text_of("time", said["time"])) if said.get("time") else "",
        actor=None if actor is None else text_of("actor", actor),
        act=act_of(said.get("kind"), said.get("arguments", {})),
        reason=None if reason is None else text_of("reason", reason),
        code=text_of("code", said.get("code", "")),
    )


_EDIT_KEYS = {"number", "time", "actor", "kind", "arguments", "reason", "code"}


def _time(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise EditError(f"{text!r} is no time as in 2026-01-31T12:00:00+00:00") from None
    if moment.tzinfo is None:
        raise EditError(f"{text!r} does not say its time zone", "End it with +00:00")
    return moment.astimezone(UTC).isoformat()


def _value(name: str, value: Any) -> Any:
    try:
        return _PARSERS[name](value)
    except (TypeError, ValueError):
        raise EditError(f"{value!r} makes no sense as {name!r}") from None


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_NUMBER:
        raise EditError(f"{value!r} is no number from 0 on")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**31:
        raise EditError(f"{value!r} is no whole number of pixels")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise EditError(f"{value!r} is neither true nor false")
    return value


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EditError(f"{value!r} is no number of seconds")
    return float(value)


def _label(value: Any) -> str:
    text = text_of("label", value)
    if not text or text != text.strip().lower():
        raise EditError(f"{value!r} is no label", "Take a word in small letters, such as face")
    return text


def _box(value: Any) -> tuple[int, ...]:
    x1, y1, x2, y2 = map(_whole, value)
    return x1, y1, x2, y2


def _boxes(value: Any) -> tuple[tuple[int, ...], ...]:
    return tuple((_count(frame), *_box(box)) for frame, *box in value)


def _points(value: Any) -> tuple[tuple[int, int], ...]:
    if len(value) > MAX_POINTS:
        raise EditError(f"a polygon of {len(value)} corners is too much; {MAX_POINTS} are allowed")
    return tuple((_whole(x), _whole(y)) for x, y in value)


def _pairs(value: Any) -> tuple[tuple[int, int], ...]:
    return tuple((_count(old), _count(new)) for old, new in value)


def _tracks(value: Any) -> tuple[int, ...]:
    return tuple(map(_count, value))


_PARSERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("track", "person", "candidate", "edit", "new"), _count),
    **dict.fromkeys(("first", "last", "at", "frame"), _count),
    "confirm": _flag,
    "box": _box,
    "boxes": _boxes,
    "corrections": _boxes,
    "points": _points,
    "tracks": _tracks,
    "parts": _pairs,
    "label": _label,
    "effect": Effect,
    "sound": SoundChange,
    "start": _seconds,
    "end": _seconds,
}
