"""Where candidates are from frame to frame: they were seen in some frames, and lie between."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from streamguard.analysis.records import StoredCandidate
from streamguard.geometry import Box

MARGIN = 0.5
"""Seconds that a candidate counts before and after it was seen: looks lie apart."""
_BUCKET = 64
"""Frames that are looked up together."""


def margin_of(rate: float) -> int:
    """Return the frames that a candidate counts before and after it was seen."""
    return max(1, round(MARGIN * rate))


def is_beside(candidate: Box, box: Box) -> bool:
    """Return whether a candidate is somebody else, and not what is in a box seen once more."""
    x, y = candidate.center
    return not (box.x1 <= x < box.x2 and box.y1 <= y < box.y2)


class CandidatePlaces:
    """Looks up the candidates of a frame.

    Args:
        candidates: What was seen and is not covered.
        rate: Frames a second.
    """

    def __init__(self, candidates: Iterable[StoredCandidate], rate: float) -> None:
        self._margin = margin_of(rate)
        self._frames: dict[int, list[int]] = {}
        self._candidates: dict[int, StoredCandidate] = {}
        self._buckets: dict[int, list[int]] = {}
        for each in candidates:
            frames = sorted(each.boxes)
            if not frames:
                continue
            self._candidates[each.number], self._frames[each.number] = each, frames
            first, last = frames[0] - self._margin, frames[-1] + self._margin
            for bucket in range(first // _BUCKET, last // _BUCKET + 1):
                self._buckets.setdefault(bucket, []).append(each.number)

    def at(self, frame: int) -> list[tuple[int, Box]]:
        """Return the number and the place of each candidate of a frame, in coded pixels.

        Before it was first seen and after it was last seen it counts as if it stood still.
        """
        return [(number, self._place(number, frame)) for number in self._near(frame, self._margin)]

    def followed_at(self, frame: int) -> list[Box]:
        """Return where candidates are that were seen both before and after a frame, or in it."""
        return [
            self._place(number, frame)
            for number in self._near(frame, 0)
            if len(self._frames[number]) > 1
        ]

    def _near(self, frame: int, margin: int) -> Iterator[int]:
        for number in self._buckets.get(frame // _BUCKET, ()):
            frames = self._frames[number]
            if frames[0] - margin <= frame <= frames[-1] + margin:
                yield number

    def _place(self, number: int, frame: int) -> Box:
        frames, boxes = self._frames[number], self._candidates[number].boxes
        later = bisect_right(frames, frame)
        before = frames[max(0, later - 1)]
        after = frames[min(later, len(frames) - 1)]
        weight = (frame - before) / (after - before) if after > before else 0.0
        start, end = Box(*map(float, boxes[before])), Box(*map(float, boxes[after]))
        return start.mix(end, min(max(weight, 0.0), 1.0))
