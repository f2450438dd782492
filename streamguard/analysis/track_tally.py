"""What is gathered of each track over many frames: from when to when, and how it moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from streamguard.analysis.doubts import FAST_STEP, LEAST_STEP, CoverSummary, doubts_of_track
from streamguard.analysis.records import Doubt, FrameRecord, FrameState, StoredTrack
from streamguard.frames import Cover, TrackFacts
from streamguard.geometry import Box

_EXACT = 4
"""Decimals of what is not a whole number."""
_CALM = 5
"""Frames between two fast ones that still count as fast."""
_MOST_STRETCHES = 100
"""Fast stretches of one track; further ones become one with the last."""


class TrackTally:
    """Tells from when to when each track is covered, where it is largest, and what is doubtful."""

    def __init__(self) -> None:
        self._open: dict[int, _Extent] = {}
        self._done: list[tuple[StoredTrack, list[Doubt]]] = []
        self._damage: tuple[int, int] | None = None

    def add(self, record: FrameRecord) -> None:
        """Take in the next frame."""
        if record.state is not FrameState.JUDGED:
            first, last = self._damage or (0, -2)
            begins = first if last == record.index - 1 else record.index
            self._damage = begins, record.index
            return
        for cover in record.covers:
            extent = self._open.get(cover.track_id)
            if extent is None:
                extent = _Extent(cover.label, record.index)
                self._open[cover.track_id] = extent
            if self._damage and self._damage[1] == record.index - 1:
                extent.border(self._damage)
            extent.add(record.index, cover)

    def end(self, facts: TrackFacts) -> None:
        """Take in the facts of a track that is not covered any more."""
        extent = self._open.pop(facts.track_id, None)
        if extent is None:
            return
        if self._damage and self._damage[0] == extent.last + 1:
            extent.border(self._damage)
        track = extent.stored(facts)
        self._done.append((track, doubts_of_track(track, extent.course(facts))))

    def end_all(self) -> None:
        """End the tracks of which nothing is known but their covers."""
        for track_id in sorted(self._open):
            self.end(TrackFacts(track_id=track_id, label=self._open[track_id].label))

    def take(self) -> Sequence[tuple[StoredTrack, list[Doubt]]]:
        """Return tracks that have ended since the last call, and what is doubtful about each."""
        done, self._done = self._done, []
        return done


@dataclass(slots=True)
class _Extent:
    label: str
    first: int
    last: int = -1
    best: int = -1
    area: float = -1.0
    box: Box | None = None
    heights: float = 0.0
    count: int = 0
    fast: list[tuple[int, int]] = field(default_factory=list)
    damaged: list[tuple[int, int]] = field(default_factory=list)

    def course(self, facts: TrackFacts) -> CoverSummary:
        height, stretches = self.heights / self.count, (tuple(self.fast), tuple(self.damaged))
        return CoverSummary(height, *stretches, facts.never_moves)

    def add(self, index: int, cover: Cover) -> None:
        box = cover.box
        if self.last < index:
            # The first box of a frame is the track's own; others are repairs.
            if self.box and self.last == index - 1 and _is_fast(self.box, box):
                self._hurry(index)
            self.box, self.last = box, index
            self.heights += box.height
            self.count += 1
        if box.area > self.area:
            self.best, self.area = index, box.area

    def border(self, damage: tuple[int, int]) -> None:
        if damage not in self.damaged[-1:]:
            self.damaged.append(damage)

    def _hurry(self, index: int) -> None:
        is_full = len(self.fast) == _MOST_STRETCHES
        if self.fast and (is_full or index - self.fast[-1][1] <= _CALM):
            self.fast[-1] = self.fast[-1][0], index
        else:
            self.fast.append((index, index))

    def stored(self, facts: TrackFacts) -> StoredTrack:
        return StoredTrack(
            track_id=facts.track_id,
            label=facts.label,
            first=self.first,
            last=self.last,
            best=self.best,
            confidence=round(facts.confidence, _EXACT),
            sources=facts.sources,
            hits=facts.hits,
            misses=facts.misses,
            blind=round(facts.blind, _EXACT),
            luma=round(facts.luma, _EXACT),
            lost=facts.lost,
        )


def _is_fast(before: Box, after: Box) -> bool:
    (ax, ay), (bx, by) = before.center, after.center
    step = math.hypot(bx - ax, by - ay)
    return step >= max(LEAST_STEP, FAST_STEP * min(before.height, after.height))
