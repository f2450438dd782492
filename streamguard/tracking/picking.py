"""Which of the things that a detector sees is the one that is followed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from streamguard.geometry import Box, Detection, containment, intersection, iou, nms
from streamguard.tracking.association import match
from streamguard.tracking.flow import Moved

_DUPLICATE = 0.25
"""IoU from which two detections are of one face: at low confidence there are several."""
_AGREES = 0.3
"""IoU from which a detection shows it where it is thought to be."""
_INSIDE = 0.8
"""Share of the smaller of two boxes that must be shared where they differ in size."""
_CLEAR = 0.2
"""Confidence of a detection away from where it is thought to be."""
_CERTAIN = 0.4
"""Confidence from which a detection beside it is a neighbour, and no echo of its own."""
_NEAR, _SPEED = 0.6, 3.0
"""Sizes of it by which such a detection may lie away, and more for each second unseen."""
_SIZES = 1.8
"""Ratio of sizes up to which such a detection may show it."""
_MEMORY = 1.1
"""Seconds that a neighbour is remembered."""


@dataclass(frozen=True, slots=True)
class _Neighbour:
    box: Box
    seen: float


class Neighbours:
    """What else was seen near the thing, and must not be taken for it."""

    def __init__(self) -> None:
        self._known: list[_Neighbour] = []

    @property
    def boxes(self) -> list[Box]:
        """Where they are."""
        return [one.box for one in self._known]

    def carry(self, moved: Sequence[Moved]) -> None:
        """Move them to where flow has carried each."""
        self._known = [
            _Neighbour(step.box, one.seen) for one, step in zip(self._known, moved, strict=True)
        ]

    def assign(
        self, own: Box, seen: Sequence[Detection], time: float
    ) -> tuple[Detection | None, list[Detection]]:
        """Tell the neighbours among detections from the thing itself.

        Args:
            own: Where the thing is thought to be.
            seen: What a detector saw.
            time: Now, in seconds.

        Returns:
            The detection that shows the thing where it is thought to be, if one does, and those
            that nothing known accounts for.
        """
        seen = nms(seen, _DUPLICATE)
        known = [one for one in self._known if abs(time - one.seen) <= _MEMORY]
        pairs = dict(match([own, *(one.box for one in known)], [d.box for d in seen]))
        found = seen[pairs[0]] if 0 in pairs and _agree(own, seen[pairs[0]].box) else None
        theirs = {d for t, d in pairs.items() if t}
        free = [one for d, one in enumerate(seen) if d not in theirs and one is not found]
        self._known = [one for t, one in enumerate(known, 1) if t not in pairs]
        self._known += [_Neighbour(seen[d].box, time) for d in theirs]
        return found, free

    def add(self, seen: Sequence[Detection], own: Box, time: float) -> None:
        """Remember detections that are certainly not the thing, which is seen elsewhere."""
        self._known += [
            _Neighbour(one.box, time)
            for one in seen
            if one.confidence >= _CERTAIN and not intersection(own, one.box)
        ]


def _agree(own: Box, seen: Box) -> bool:
    if not own.area or not seen.area:
        return False
    ratio = math.sqrt(seen.area / own.area)
    is_inside = containment(own, seen) > _INSIDE and 1 / _SIZES <= ratio <= _SIZES
    return is_inside or iou(own, seen) >= _AGREES


def size_of(box: Box) -> float:
    """Return the side of a square as large as a box, at least a hundredth of a pixel."""
    return math.sqrt(max(box.area, 1e-4))


def reach(place: Box, seen: Detection, unseen: float) -> float:
    """Return how likely it is that the thing has gone where a detection is, 0 to 1.

    Args:
        place: Where it was thought to be.
        seen: The detection.
        unseen: Seconds since it was last seen.
    """
    if seen.confidence < _CLEAR or not place.area:
        return 0.0
    size = size_of(place)
    if not 1 / _SIZES <= size_of(seen.box) / size <= _SIZES:
        return 0.0
    (ax, ay), (bx, by) = place.center, seen.box.center
    return max(0.0, 1 - math.hypot(ax - bx, ay - by) / (size * (_NEAR + _SPEED * unseen)))
