"""One statement for each table that a decision is written to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple

from streamguard.analysis.candidates import pack_candidates
from streamguard.analysis.packing import pack
from streamguard.analysis.records import Doubt, FrameRecord, StoredCandidate, StoredTrack


def store_frames(connection: sqlite3.Connection, records: Sequence[FrameRecord]) -> None:
    """Write consecutive frames as one chunk, in place of one that begins with the same frame."""
    _insert(connection, "INSERT OR REPLACE INTO chunks", astuple(pack(records)))


def store_track(connection: sqlite3.Connection, track: StoredTrack) -> None:
    """Write one track."""
    row = [
        json.dumps(value) if isinstance(value, tuple) else value
        for value in (getattr(track, name) for name in StoredTrack.__slots__)
    ]
    _insert(connection, "INSERT INTO tracks", row)


def store_candidates(connection: sqlite3.Connection, candidates: Sequence[StoredCandidate]) -> None:
    """Write candidates of consecutive numbers as one row."""
    _insert(connection, "INSERT INTO candidates", astuple(pack_candidates(candidates)))


def store_doubts(connection: sqlite3.Connection, doubts: Iterable[Doubt]) -> None:
    """Write doubts; they are numbered as they come."""
    for doubt in doubts:
        row = (
            None,
            doubt.first,
            doubt.last,
            doubt.score,
            json.dumps(doubt.reasons),
            doubt.track_id,
            doubt.candidate,
        )
        _insert(connection, "INSERT INTO doubts", row)


def store_seal(connection: sqlite3.Connection, frames: int, digest: str) -> None:
    """Mark the decision as whole."""
    _insert(connection, "INSERT INTO seal", (frames, digest))


def _insert(connection: sqlite3.Connection, begin: str, row: Sequence[object]) -> None:
    connection.execute(f"{begin} VALUES ({', '.join('?' * len(row))})", tuple(row))
