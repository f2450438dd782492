"""What a second look found: candidates that are added to an analysis after it was whole.

The decision's digest does not cover them. A chain of digests does, as it covers edits.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, replace
from pathlib import Path

from streamguard.analysis import schema
from streamguard.analysis.candidates import (
    PackedCandidates,
    pack_candidates,
    packed_row,
    unpack_candidates,
)
from streamguard.analysis.changing import changing
from streamguard.analysis.columns import damaged
from streamguard.analysis.decision_digest import row_line
from streamguard.analysis.records import StoredCandidate
from streamguard.geometry import Box, iou

_SAME = 0.5
"""Least IoU in one frame of what was found before."""
_COLUMNS = "first, count, places, data, place_data, words"


def read_found(
    connection: sqlite3.Connection, decision: str
) -> tuple[tuple[StoredCandidate, ...], str]:
    """Return what second looks found, by number, and the digest over it.

    Args:
        connection: Of a file whose tables were checked.
        decision: Digest of the decision.

    Raises:
        AnalysisError: It is not what was written.
    """
    digest = hashlib.sha256(f"found {decision}".encode()).hexdigest()
    found: list[StoredCandidate] = []
    if not set(schema.FOUND) <= schema.tables_of(connection):
        return (), digest
    for *row, told in connection.execute(f"SELECT {_COLUMNS}, digest FROM found ORDER BY first"):
        packed = packed_row(row)
        digest = _next_digest(digest, packed)
        if digest != told:
            raise damaged("what a second look found")
        found += unpack_candidates(packed)
    return tuple(found), digest


def add_found(path: Path, decision: str, seen: Sequence[StoredCandidate]) -> int:
    """Add what a second look found; what an earlier one found there is left out.

    Args:
        path: The analysis.
        decision: Digest of the decision that was looked at.
        seen: What was found, with any numbers.

    Returns:
        How many were added.

    Raises:
        AnalysisError: It is damaged, or another decision.
        SinkError: It cannot be written.
    """
    with changing(path, schema.FOUND) as connection:
        if connection.execute("SELECT digest FROM seal LIMIT 2").fetchall() != [(decision,)]:
            raise damaged("its decision: it is another one than was looked at")
        known, digest = read_found(connection, decision)
        new = [one for one in seen if not any(_is_same(one, other) for other in known)]
        if not new:
            return 0
        number = 1 + _last_number(connection)
        packed = pack_candidates([replace(one, number=number + n) for n, one in enumerate(new)])
        row = (*astuple(packed), _next_digest(digest, packed))
        connection.execute("INSERT INTO found VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return len(new)


def _last_number(connection: sqlite3.Connection) -> int:
    query = "SELECT max(first + count - 1) FROM {}"
    ends = (connection.execute(query.format(t)).fetchone()[0] for t in ("candidates", "found"))
    return max(end or 0 for end in ends)


def _next_digest(before: str, packed: PackedCandidates) -> str:
    return hashlib.sha256(row_line(before, astuple(packed))).hexdigest()


def _is_same(one: StoredCandidate, other: StoredCandidate) -> bool:
    shared = one.boxes.keys() & other.boxes.keys()
    return any(
        iou(Box(*map(float, one.boxes[n])), Box(*map(float, other.boxes[n]))) >= _SAME
        for n in shared
    )
