"""Where a track may have become somebody else: it touches another, or was lost for a while."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from streamguard.analysis.records import StoredTrack
from streamguard.edits.candidate_places import is_beside
from streamguard.edits.edited_tracks import Part
from streamguard.edits.stretches import Stretch, runs, within
from streamguard.geometry import Box

_LEAST_PADDING = 0.3
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


def reach_of(padding: float) -> float:
    """Return how far covers are reckoned to reach beyond a box, in shares of its size."""
    return max(_LEAST_PADDING, padding)


@dataclass(frozen=True, slots=True)
class Break:
    """A stretch of a part that shows the same thing only if a person says so.

    Attributes:
        first: Index of its first frame.
        last: Index of its last frame.
        causes: Why, in words. What it touches is in ``others``.
        others: Numbers of the parts that it touches.
        candidates: Numbers of the candidates that it touches.
    """

    first: int
    last: int
    causes: tuple[str, ...] = ()
    others: tuple[int, ...] = ()
    candidates: tuple[int, ...] = ()

    @property
    def stretch(self) -> Stretch:
        """Its frames."""
        return self.first, self.last

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in words."""
        touched = [
            f"it touches {_listed(word, numbers)}"
            for word, numbers in (("track", self.others), ("candidate", self.candidates))
            if numbers
        ]
        return *touched, *self.causes


def _listed(word: str, numbers: Sequence[int]) -> str:
    return f"{word if len(numbers) == 1 else f'{word}s'} {', '.join(map(str, numbers))}"


class Closeness:
    """Looks at the boxes of frame after frame for what some parts touch.

    Args:
        parts: Every part by its number.
        watched: Numbers of the parts to look after.
        padding: Share of a box's size that covers reach beyond it.
        margin: Frames that something counts after it was covered: it may still be there.
    """

    def __init__(
        self, parts: Mapping[int, Part], watched: Iterable[int], padding: float, margin: int
    ) -> None:
        self._parts = parts
        self._reach = reach_of(padding) + _NEAR
        self._margin = margin
        self._last: dict[int, tuple[int, Box]] = {}
        self._places: dict[int, dict[int, Box]] = {number: {} for number in watched}
        self._touched: dict[int, dict[int, set[int]]] = {number: {} for number in watched}

    def add(
        self,
        frame: int,
        boxes: Sequence[tuple[int, Box]],
        candidates: Sequence[tuple[int, Box]] = (),
    ) -> None:
        """Take in one frame.

        Args:
            frame: Its index; frames come in order, each once.
            boxes: Number of a part and where it is; a part may be in several places.
            candidates: Number of each candidate and where it is.
        """
        here: dict[int, Box] = {}
        for number, box in boxes:
            here[number] = here[number].union(box) if number in here else box
        self._last = {n: (f, b) for n, (f, b) in self._last.items() if frame - f <= self._margin}
        gone = [(n, box) for n, (_, box) in self._last.items() if n not in here]
        self._last.update((n, (frame, box)) for n, box in here.items())
        for number in here.keys() & self._places.keys():
            self._places[number][frame] = here[number]
        mine = [(number, box) for number, box in boxes if number in self._places]
        covered = [(number, box.pad(self._reach)) for number, box in (*boxes, *gone)]
        # Candidates have numbers of their own, so they count downward here. No cover is theirs.
        self._touch(frame, mine, [*covered, *((-number, box) for number, box in candidates)])

    def _touch(
        self, frame: int, mine: Sequence[tuple[int, Box]], others: Sequence[tuple[int, Box]]
    ) -> None:
        if not mine or not others:
            return
        is_crowded = len(mine) * len(others) > _MOST
        everybody = {number for number, _ in others} if is_crowded else set()
        for number, box in mine:
            near = self._near(number, box, others) if not is_crowded else everybody
            if near - {number}:
                self._touched[number].setdefault(frame, set()).update(near - {number})

    def _near(self, number: int, box: Box, others: Sequence[tuple[int, Box]]) -> set[int]:
        part, own = self._parts[number], box.pad(self._reach)
        return {
            other
            for other, there in others
            if own.x1 < there.x2
            and there.x1 < own.x2
            and own.y1 < there.y2
            and there.y1 < own.y2
            and (other >= 0 or is_beside(there, box))
            and not (other in self._parts and part.belongs_to(self._parts[other]))
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
            near = sorted(set().union(*(touched[frame] for frame in range(first, last + 1))))
            others, seen = tuple(n for n in near if n >= 0), tuple(-n for n in near if n < 0)
            found.append(Break(first, last, others=others, candidates=seen[::-1]))
        return _merged(found, round(_MERGED * rate))


def _merged(found: Iterable[Break], gap: int) -> list[Break]:
    """Join stretches that a person would look at as one."""
    result: list[Break] = []
    for item in sorted(found, key=lambda b: b.stretch):
        if result and item.first <= result[-1].last + gap + 1:
            last = result.pop()
            causes = dict.fromkeys((*last.causes, *item.causes))
            others = sorted({*last.others, *item.others})
            seen = sorted({*last.candidates, *item.candidates})
            end = max(last.last, item.last)
            result.append(Break(last.first, end, tuple(causes), tuple(others), tuple(seen)))
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
