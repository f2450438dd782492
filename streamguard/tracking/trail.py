"""Where one thing was in each picture so far, and repairs once it is known better."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streamguard.geometry import Box, iou

_MAX_UNION = 3.0
"""Sides of a box that covers two places where it may be, in sizes of the thing."""
_NEAR = 0.3
"""IoU of two boxes of one place."""


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


class Trail:
    """The steps of one thing, in the order in which it is followed.

    Args:
        box: Where it was drawn.

    Attributes:
        steps: One for each picture; the first is of the one drawn in.
    """

    def __init__(self, box: Box) -> None:
        self.steps = [Step(box, box)]
        self._known = self._seen = 0

    @property
    def is_sure(self) -> bool:
        """Whether it is known where the thing is in the newest picture."""
        return self.steps[-1].is_sure

    def go_on(self) -> None:
        """Begin the next picture: until more is known, all is as before."""
        self.steps.append(self.steps[-1])

    def know(self, box: Box, place: Box) -> None:
        """Say where it is in the newest picture."""
        self.steps[-1] = Step(box, place)
        self._known = len(self.steps) - 1

    def guess(self, grown: Box, place: Box) -> None:
        """Say where it may be in the newest picture: cover both places."""
        self.steps[-1] = Step(_both(grown, place, place), place, False)

    def repair(self, seen: Box, before: Box) -> None:
        """Correct the steps since it was last seen, now that it is seen again.

        Args:
            seen: Where it is in the newest picture.
            before: Where it was thought to be there.
        """
        newest = len(self.steps) - 1
        if self.is_sure:
            since = self._seen
            for n in range(since + 1, newest):
                share = (n - since) / (newest - since)
                self.steps[n] = _corrected(self.steps[n], seen, before, share)
        else:
            since, start = self._known, self.steps[self._known].place
            for n in range(since + 1, newest):
                between = start.mix(seen, (n - since) / (newest - since))
                self.steps[n] = Step(_both(self.steps[n].box, between, between), between, False)
        self._seen = newest


def _both(first: Box, second: Box, size: Box) -> Box:
    """Return a box that holds both; the first alone where they lie too far apart."""
    union = first.union(second)
    is_near = union.width <= _MAX_UNION * size.width and union.height <= _MAX_UNION * size.height
    return union if is_near else first


def _corrected(step: Step, seen: Box, before: Box, share: float) -> Step:
    """Return a step with its share of the error that was found out later."""
    place, box = (_moved(one, seen, before, share) for one in (step.place, step.box))
    is_sure = step.is_sure and iou(place, step.place) >= _NEAR
    return Step(box if is_sure else _both(step.box, place, place), place, is_sure)


def _moved(box: Box, seen: Box, before: Box, share: float) -> Box:
    return Box(
        box.x1 + share * (seen.x1 - before.x1),
        box.y1 + share * (seen.y1 - before.y1),
        box.x2 + share * (seen.x2 - before.x2),
        box.y2 + share * (seen.y2 - before.y2),
    )
