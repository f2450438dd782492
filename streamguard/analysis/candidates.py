"""Candidates as compressed columns, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamguard.analysis.columns import (
    damaged,
    pack_columns,
    parsed,
    printed,
    typed,
    unpack_columns,
)
from streamguard.analysis.packing import MAX_COVERS, corners
from streamguard.analysis.records import StoredCandidate
from streamguard.frames import Candidate, Uncovered
from streamguard.geometry import Box

CHUNK_CANDIDATES = 512
"""Candidates in one row of the table."""
_SURE = 1000
"""Confidence is stored in thousandths."""


@dataclass(frozen=True, slots=True)
class PackedCandidates:
    """Some candidates as they stand in the file.

    Attributes:
        first: Number of the first.
        count: Number of candidates.
        places: Number of boxes of all of them.
        data: Columns of the candidates.
        place_data: Columns of their boxes.
        words: Labels and reasons, as JSON.
    """

    first: int
    count: int
    places: int
    data: bytes
    place_data: bytes
    words: str


def packed_row(row: Sequence[Any]) -> PackedCandidates:
    """Return a row of the table.

    Raises:
        AnalysisError: A value of it has the wrong type.
    """
    types = (int, int, int, bytes, bytes, str)
    return PackedCandidates(*typed(row, types, "candidates"))


def pack_candidates(candidates: Sequence[StoredCandidate]) -> PackedCandidates:
    """Return candidates of consecutive numbers as they stand in the file."""
    words: dict[str, int] = {}
    rows, places = [], []
    for stored in candidates:
        seen = stored.candidate
        label, reason = (words.setdefault(w, len(words)) for w in (seen.label, str(seen.reason)))
        sure = round(seen.confidence * _SURE)
        rows.append((len(stored.boxes), label, reason, seen.track_id, sure, *corners(seen.box)))
        places += [(frame, *box) for frame, box in sorted(stored.boxes.items())]
    return PackedCandidates(
        candidates[0].number,
        len(rows),
        len(places),
        pack_columns(rows, 9, np.int32),
        pack_columns(places, 5, np.int32),
        json.dumps(list(words), ensure_ascii=False),
    )


def unpack_candidates(packed: PackedCandidates) -> Iterator[StoredCandidate]:
    """Yield the candidates.

    Raises:
        AnalysisError: They are damaged, or made to look so.
    """
    if not 0 < packed.count <= MAX_COVERS or not 0 < packed.places <= MAX_COVERS:
        raise damaged("candidates")
    rows = unpack_columns(packed.data, 9, packed.count, np.int32)
    places = unpack_columns(packed.place_data, 5, packed.places, np.int32)
    words = [printed(word) for word in parsed(packed.words)]
    if rows[0].min() < 1 or rows[0].sum(dtype=np.int64) != packed.places:
        raise damaged("candidates")
    if places[0].min() < 0 or rows[1:3].min() < 0 or rows[1:3].max() >= len(words):
        raise damaged("candidates")
    start, frames = 0, places[0].tolist()
    boxes_of = list(zip(*places[1:].tolist(), strict=True))
    for number, row in enumerate(rows.T.tolist(), packed.first):
        count, label, reason, track_id, sure, *sides = row
        part = slice(start, start + count)
        boxes = dict(zip(frames[part], boxes_of[part], strict=True))
        start += count
        candidate = Candidate(
            Box(*map(float, sides)),
            sure / _SURE,
            _reason(words[reason]),
            track_id,
            words[label],
        )
        yield StoredCandidate(number, min(boxes), max(boxes), candidate, boxes)


def _reason(word: str) -> Uncovered:
    try:
        return Uncovered(word)
    except ValueError as error:
        raise damaged("a candidate's reason") from error
