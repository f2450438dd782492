"""Edits as rows of SQLite, and the check of the chain of digests over them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from types import UnionType
from typing import Any

from streamguard.analysis.schema import EDITS, tables_of
from streamguard.edits.acts import BoxAt, Follow
from streamguard.edits.chain import Sealed, next_digest, seal, start_of
from streamguard.edits.edit import Edit, arguments_of
from streamguard.edits.edit_json import act_of, canonical, text_of
from streamguard.errors import EditError

_HINT = "Somebody changed the file in another way; take a copy of it that is whole"


def read(connection: sqlite3.Connection, decision: str) -> tuple[tuple[Edit, ...], str]:
    """Return every edit in order, and the digest over them.

    Args:
        connection: Of a file whose tables were checked.
        decision: Digest of the decision.

    Raises:
        EditError: A row is not what was written.
    """
    digest = start_of(decision)
    there = EDITS.keys() & tables_of(connection)
    if not there:
        return (), digest
    if missing := EDITS.keys() - there:
        raise EditError(f"the log of edits lacks its table {min(missing)}", _HINT)
    actors = {
        row[0]: _true(Sealed(*_typed(row, _ACTOR)[1:]), f"actor {row[0]}")
        for row in connection.execute("SELECT number, name, salt, seal FROM actors")
    }
    drawn = _drawn(connection)
    edits: list[Edit] = []
    for found in connection.execute(f"SELECT {_COLUMNS}, digest FROM edits ORDER BY number"):
        row = _typed(found, _EDIT)
        number, _, actor = row[:3]
        if number != len(edits) + 1 or actor not in actors:
            raise EditError(f"edit {len(edits) + 1} is missing", _HINT)
        boxes = drawn.pop(number, ())
        digest = next_digest(digest, _said(row[:-1], actors[actor]), boxes)
        if digest != row[-1]:
            raise EditError(f"edit {number} is not what was written", _HINT)
        edits.append(_edit(row, actors[actor], boxes))
    if drawn:
        raise EditError(f"there are boxes of edit {min(drawn)}, which is not there", _HINT)
    return tuple(edits), digest


_COLUMNS = "number, time, actor, kind, arguments, code, reason, reason_salt, reason_seal"
_EDIT = (int, str, int, str, str, str, str | None, str | None, str, str)
_ACTOR = (int, str | None, str | None, str)
_DRAWN = (int,) * 6


def write(connection: sqlite3.Connection, edit: Edit, reason: Sealed, before: str) -> str:
    """Add an edit; return its digest.

    Args:
        connection: In a transaction.
        edit: With its number and time.
        reason: Its reason, sealed.
        before: Digest of the edit before it.
    """
    number, actor = _actor(connection, edit.actor)
    arguments = arguments_of(edit.act)
    boxes: tuple[BoxAt, ...] = ()
    if isinstance(edit.act, Follow):
        boxes = edit.act.boxes
        arguments.pop("boxes", None)
    row = (
        edit.number,
        edit.time,
        number,
        edit.kind,
        canonical(arguments),
        edit.code,
        reason.text,
        reason.salt,
        reason.seal,
    )
    digest = next_digest(before, _said(row, actor), boxes)
    places = ", ".join("?" * (len(row) + 1))
    connection.execute(f"INSERT INTO edits ({_COLUMNS}, digest) VALUES ({places})", (*row, digest))
    connection.executemany(
        "INSERT INTO drawn VALUES (?, ?, ?, ?, ?, ?)", ((edit.number, *box) for box in boxes)
    )
    return digest


def erase_actor(connection: sqlite3.Connection, name: str) -> bool:
    """Erase a name and its salt; return whether there was one."""
    sql = "UPDATE actors SET name = NULL, salt = NULL WHERE name = ?"
    return connection.execute(sql, (name,)).rowcount > 0


def erase_reason(connection: sqlite3.Connection, number: int) -> bool:
    """Erase the reason of an edit and its salt; return whether there is such an edit."""
    sql = "UPDATE edits SET reason = NULL, reason_salt = NULL WHERE number = ?"
    return connection.execute(sql, (number,)).rowcount > 0


def _actor(connection: sqlite3.Connection, name: str | None) -> tuple[int, Sealed]:
    """Return the number of an actor, a new one where the name is new or erased."""
    row = connection.execute(
        "SELECT number, name, salt, seal FROM actors WHERE name = ?", (name,)
    ).fetchone()
    if row:
        return row[0], Sealed(*row[1:])
    sealed = seal(name)
    number = connection.execute(
        "INSERT INTO actors (name, salt, seal) VALUES (?, ?, ?)",
        (sealed.text, sealed.salt, sealed.seal),
    ).lastrowid
    return number or 0, sealed


def _said(row: tuple[Any, ...], actor: Sealed) -> list[Any]:
    """Return what the digest covers: all but the texts that may be erased."""
    number, time, actor_number, kind, arguments, code, _, _, reason_seal = row
    return [number, time, actor_number, actor.seal, kind, arguments, code, reason_seal]


def _edit(row: tuple[Any, ...], actor: Sealed, boxes: tuple[BoxAt, ...]) -> Edit:
    number, time, actor_number, kind, arguments, code, *reason = row[:-1]
    try:
        said = json.loads(arguments)
    except (ValueError, TypeError, RecursionError):
        raise EditError(f"the arguments of edit {number} are no JSON", _HINT) from None
    if boxes and isinstance(said, dict):
        said["boxes"] = boxes
    why = _true(Sealed(*reason), f"the reason of edit {number}").text
    return Edit(
        number=number,
        time=text_of("time", time),
        actor=None if actor.text is None else text_of("actor", actor.text),
        actor_number=actor_number,
        act=act_of(kind, said),
        reason=None if why is None else text_of("reason", why),
        code=text_of("code", code),
    )


def _drawn(connection: sqlite3.Connection) -> dict[int, tuple[BoxAt, ...]]:
    found: dict[int, list[BoxAt]] = {}
    for row in connection.execute("SELECT * FROM drawn ORDER BY edit, frame"):
        edit, frame, x1, y1, x2, y2 = _typed(row, _DRAWN)
        found.setdefault(edit, []).append((frame, x1, y1, x2, y2))
    return {edit: tuple(boxes) for edit, boxes in found.items()}


def _typed(row: tuple[Any, ...], types: Sequence[type | UnionType]) -> tuple[Any, ...]:
    """Return a row once each value has the type of its column, which SQLite lets be."""
    if not all(map(isinstance, row, types)):
        raise EditError("an edit is not what was written", _HINT)
    return row


def _true(sealed: Sealed, what: str) -> Sealed:
    if not sealed.is_true:
        raise EditError(f"{what} is not what was written", _HINT)
    return sealed
