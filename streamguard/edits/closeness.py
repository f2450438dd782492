"""Where a track may have become somebody else: it touches another, or was lost for a while."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from streamguard.analysis.records import StoredTrack
from streamguard.edits.edited_tracks import Part
from streamguard.edits.stretches import Stretch, runs, within
from streamguard.geometry import Box

LEAST_PADDING = 0.3
"""Padding of covers that is reckoned with at least, as a share of the box's size."""
_NEAR = 0.1
"""Share of a face's size beyond the padding in which flow's points may jump to another face."""
_JUMP = 0.6
"""Share of the mean size that a box moves in one frame: a detection so far off is still matched."""
_GROWTH = 1.6
"""Factor by which a box's side changes in one frame."""
_BLIND = 0.3
"""Share of a track's frames without flow from which on nothing vouches for it."""
_MOST = 250_000
"""Pairs of boxes that are compared in a frame; with more, each counts as touching all others."""
_MERGED = 0.5
"""Seconds between two stretches that a person looks at as one."""


@dataclass(frozen=True, slots=True)
class Break:
    """A stretch of a part that shows the same thing only if a person says so.

    Attributes:
        first: Index of its first frame.
        last: Index of its last frame.
        causes: Why, in words. What it touches is in ``others``.
        others: Numbers of the parts that it touches.
    """

    first: int
    last: int
    causes: tuple[str, ...] = ()
    others: tuple[int, ...] = ()

    @property
    def stretch(self) -> Stretch:
        """Its frames."""
        return self.first, self.last

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in words."""
        if not self.others:
            return self.causes
        numbers = ", ".join(map(str, self.others))
        tracks = "track" if len(self.others) == 1 else "tracks"
        return f"it touches {tracks} {numbers}", *self.causes


class Closeness:
    """Looks at the boxes of frame after frame for what some parts touch.

    Args:
        parts: Every part by its number.
        watched: Numbers of the parts to look after.
        padding: Share of a box's size that covers reach beyond it.
    """

    def __init__(self, parts: Mapping[int, Part], watched: Iterable[int], padding: float) -> None:
        self._parts = parts
        self._reach = max(LEAST_PADDING, padding) + _NEAR
        self._places: dict[int, dict[int, Box]] = {number: {} for number in watched}
        self._touched: dict[int, dict[int, set[int]]] = {number: {} for number in watched}

    def add(self, frame: int, boxes: Sequence[tuple[int, Box]]) -> None:
        """Take in one frame.

        Args:
            frame: Its index; frames come in order, each once.
            boxes: Number of a part and where it is; a part may be in several places.
        """
        mine = [(number, box) for number, box in boxes if number in self._places]
        if not mine:
            return
        padded = [(number, box.pad(self._reach)) for number, box in boxes]
        is_crowded = len(mine) * len(boxes) > _MOST
        for number, box in mine:
            before = self._places[number].get(frame)
            self._places[number][frame] = before.union(box) if before else box
            near = () if is_crowded else self._near(number, box.pad(self._reach), padded)
            if near:
                self._touched[number].setdefault(frame, set()).update(near)
        if is_crowded:
            everybody = {number for number, _ in boxes}
            for number in everybody & self._places.keys():
                self._touched[number][frame] = everybody - {number}

    def _near(self, number: int, own: Box, padded: Sequence[tuple[int, Box]]) -> set[int]:
        person = self._parts[number].person
        return {
            other
            for other, box in padded
            if other != number
            and own.x1 < box.x2
            and box.x1 < own.x2
            and own.y1 < box.y2
            and box.y1 < own.y2
            and not (person and other in self._parts and self._parts[other].person == person)
        }

    def breaks(self, number: int, track: StoredTrack | None, rate: float) -> list[Break]:
        """Return the stretches of a part that a person has to confirm, in order.

        Args:
            number: The part.
            track: The track of the decision that it is part of; None if a person drew it.
            rate: Frames a second.
        """
        part = self._parts[number]
        if track and (track.blind > _BLIND or not track.hits):
            return [Break(part.first, part.last, ("its motion was lost",))]
        places, touched = self._places[number], self._touched[number]
        lost = [f for f in range(part.first, part.last + 1) if f not in places]
        found = [Break(a, b, ("it is not covered here",)) for a, b in runs(lost)]
        found += [Break(f, f, ("it jumps",)) for f in _jumps(places)]
        away = within(track.lost if track else (), part.stretch)
        found += [Break(a, b, ("it was lost",)) for a, b in away]
        for first, last in runs(sorted(touched)):
            others = set().union(*(touched[frame] for frame in range(first, last + 1)))
            found.append(Break(first, last, others=tuple(sorted(others))))
        return _merged(found, round(_MERGED * rate))


def _merged(found: Iterable[Break], gap: int) -> list[Break]:
    """Join stretches that a person would look at as one."""
    result: list[Break] = []
    for item in sorted(found, key=lambda b: b.stretch):
        if result and item.first <= result[-1].last + gap + 1:
            last = result.pop()
            causes = dict.fromkeys((*last.causes, *item.causes))
            others = sorted({*last.others, *item.others})
            end = max(last.last, item.last)
            result.append(Break(last.first, end, tuple(causes), tuple(others)))
        else:
            result.append(item)
    return result


def _jumps(places: Mapping[int, Box]) -> list[int]:
    """Return the frames to which a box came by a jump."""
    frames = list(places)
    return [
        now
        for before, now in pairwise(frames)
        if now == before + 1 and _is_jump(places[before], places[now])
    ]


def _is_jump(a: Box, b: Box) -> bool:
    (ax, ay), (bx, by) = a.center, b.center
    size = (a.width + a.height + b.width + b.height) / 4
    if math.hypot(ax - bx, ay - by) > _JUMP * size:
        return True
    ratio = max(b.width, 1) / max(a.width, 1), max(b.height, 1) / max(a.height, 1)
    return any(not 1 / _GROWTH <= r <= _GROWTH for r in ratio)
