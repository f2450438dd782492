"""Where a followed thing is in each picture, and how its box goes from one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from streamguard.geometry import Box, iou
from streamguard.tracking.flow import Moved

NEAR = 0.3
"""IoU of two boxes of one place."""
MOSTLY = 0.8
"""Share of a box inside the picture from which its size can be told, and it can be recognised."""
_GROWTH = 0.8
"""Growth of its box's width per second that it is not seen; half that in height."""
_MAX_GROWTH = 1.6
_MAX_UNION = 3.0
"""Sides of a box that covers two places where it may be, in sizes of the thing."""


class Ending(StrEnum):
    """Why following ended."""

    CUT = "cut"
    LEFT = "left the picture"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Step:
    """Where it is in one picture.

    Attributes:
        box: What to cover, grown where its place is uncertain.
        place: The likeliest place of the thing itself.
        is_sure: Whether something vouches for it: how it looks, or a detector.
    """

    box: Box
    place: Box
    is_sure: bool = True


def as_wide_as(box: Box, aspect: float) -> Box:
    """Return a box at least as wide, per unit of height, as asked for."""
    more = max(0.0, aspect * box.height - box.width) / 2
    return Box(box.x1 - more, box.y1, box.x2 + more, box.y2)


def carried(place: Box, shown: Box, step: Moved) -> Moved:
    """Return where a box went whose part inside the picture flow has carried."""
    if not step.trusted:
        return Moved(place, False)
    # A sliver at the edge tells where it goes, but not how it grows.
    ratio = step.box.width / shown.width if shown.area >= MOSTLY * place.area else 1.0
    (x, y), (ax, ay), (bx, by) = place.center, shown.center, step.box.center
    dx, dy = bx - ax + (ratio - 1) * (x - ax), by - ay + (ratio - 1) * (y - ay)
    return Moved(place.resize(ratio).shift(dx, dy), True)


def grown(box: Box, unseen: float) -> Box:
    """Return a box grown for the time that nobody has seen what is in it."""
    width = box.width * min(_MAX_GROWTH, 1 + _GROWTH * max(0.0, unseen))
    height = box.height * min(_MAX_GROWTH, 1 + _GROWTH / 2 * max(0.0, unseen))
    x, y = box.center
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def side_held(first: float, last: float, length: float, first_is_cut: bool) -> tuple[float, float]:
    """Return a stretch of a length, of which one end is known."""
    return (last - length, last) if first_is_cut else (first, first + length)


def both(first: Box, second: Box, size: Box) -> Box:
    """Return a box that holds both; the first alone where they lie too far apart."""
    union = first.union(second)
    is_near = union.width <= _MAX_UNION * size.width and union.height <= _MAX_UNION * size.height
    return union if is_near else first


def corrected(step: Step, seen: Box, predicted: Box, share: float) -> Step:
    """Return a step with its share of the error that was found out later."""
    change = [
        share * (end - start)
        for start, end in zip(
            (predicted.x1, predicted.y1, predicted.x2, predicted.y2),
            (seen.x1, seen.y1, seen.x2, seen.y2),
            strict=True,
        )
    ]
    place, box = _changed(step.place, change), _changed(step.box, change)
    is_sure = step.is_sure and iou(place, step.place) >= NEAR
    return Step(box if is_sure else both(step.box, place, place), place, is_sure)


def _changed(box: Box, change: Sequence[float]) -> Box:
    return Box(box.x1 + change[0], box.y1 + change[1], box.x2 + change[2], box.y2 + change[3])
