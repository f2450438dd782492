"""Where one thing is in every frame, put together from several boxes of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streamguard.geometry import Box, iou
from streamguard.tracking.trail import Step

_AGREE = 0.3
"""IoU from which the paths from two drawn boxes are taken for one."""


@dataclass(frozen=True, slots=True)
class FollowedPath:
    """Where one thing was followed to from one drawn box, in one direction of time.

    Attributes:
        steps: By the index of the frame.
        ending: Why it ended; empty if it went as far as it was to go.
        end: Index of the last frame it reached.
    """

    steps: Mapping[int, Step]
    ending: str
    end: int


def joined(
    earlier: tuple[int, Box], later: tuple[int, Box], on: FollowedPath, back: FollowedPath
) -> dict[int, Step]:
    """Return the path from one drawn box to the next. It passes exactly through both.

    Where both paths show the thing, each counts the more, the nearer its own box is. Where they
    lie apart, both are covered.

    Args:
        earlier: Index of the frame of the earlier box, and the box.
        later: The same of the later one.
        on: Followed from the earlier box.
        back: Followed from the later box.
    """
    (first, first_box), (last, last_box) = earlier, later
    found = {first: Step(first_box, first_box), last: Step(last_box, last_box)}
    for frame in range(first + 1, last):
        one, other = on.steps.get(frame), back.steps.get(frame)
        step = _mixed(one, other, (frame - first) / (last - first)) if one and other else None
        if (step := step or one or other) is not None:
            found[frame] = step
    return found


def _mixed(one: Step, other: Step, share: float) -> Step:
    place = one.place.mix(other.place, share)
    if iou(one.place, other.place) >= _AGREE:
        return Step(one.box.mix(other.box, share), place, one.is_sure or other.is_sure)
    if one.is_sure != other.is_sure:
        return one if one.is_sure else other
    return Step(one.box.union(other.box), place, False)


def unsure_spans(steps: Mapping[int, Step]) -> list[tuple[int, int]]:
    """Return the first and last frame of each stretch in which nothing vouches for the place."""
    spans: list[tuple[int, int]] = []
    for frame, step in sorted(steps.items()):
        if step.is_sure:
            continue
        if spans and spans[-1][1] == frame - 1:
            spans[-1] = spans[-1][0], frame
        else:
            spans.append((frame, frame))
    return spans
