"""How one thing moves: with the camera, on its own, and over the edge of the picture."""

from __future__ import annotations

from streamguard.geometry import Box
from streamguard.tracking.flow import Moved
from streamguard.tracking.framing import CutSides

Shift = tuple[float, float]
"""``(dx, dy)`` in pixels."""

_MEMORY = 0.7
_SLOWING = 0.93
"""Share of its own velocity, beyond the camera's, kept from picture to picture while hidden."""
MOSTLY = 0.8
"""Share of a box inside the picture from which its size can be told, and it can be recognised."""
_MAX_CHANGE = 1.25
"""Ratio by which one detection may change a side of the box."""
_MAX_SHRINKING = 1.12
"""The same for smaller: something in front of it leaves little to be seen."""


class Velocity:
    """How fast something moves on its own, beyond the motion of the camera."""

    def __init__(self) -> None:
        self._own: Shift = (0.0, 0.0)

    def expected(self, camera: Shift | None) -> Shift:
        """Return how far it should move in one picture."""
        dx, dy = camera or (0.0, 0.0)
        return self._own[0] + dx, self._own[1] + dy

    def learn(self, before: Box, after: Box, camera: Shift | None) -> None:
        """Take in a move from one picture to the next."""
        (ax, ay), (bx, by), (dx, dy) = before.center, after.center, camera or (0.0, 0.0)
        (vx, vy), keep = self._own, _MEMORY
        self._own = keep * vx + (1 - keep) * (bx - ax - dx), keep * vy + (1 - keep) * (by - ay - dy)

    def slow(self) -> None:
        """Trust it less: the thing is hidden."""
        self._own = _SLOWING * self._own[0], _SLOWING * self._own[1]


def share_shown(box: Box, shape: tuple[int, ...]) -> float:
    """Return the share of a box that lies in a picture of ``(height, width)``."""
    return box.clip(shape[1], shape[0]).area / max(box.area, 1e-3)


def carried(place: Box, shown: Box, step: Moved) -> Moved:
    """Return where a box went.

    Args:
        place: The box.
        shown: Its part inside the picture.
        step: Where flow has carried that part.
    """
    if not step.trusted:
        return Moved(place, False)
    # A sliver at the edge tells where it goes, but not how it grows.
    ratio = step.box.width / shown.width if shown.area >= MOSTLY * place.area else 1.0
    (x, y), (ax, ay), (bx, by) = place.center, shown.center, step.box.center
    dx, dy = bx - ax + (ratio - 1) * (x - ax), by - ay + (ratio - 1) * (y - ay)
    return Moved(place.resize(ratio).shift(dx, dy), True)


def whole(seen: Box, size: Box, shape: tuple[int, ...]) -> Box:
    """Return a box as large as the thing, about a detection that the edge may cut.

    Args:
        seen: The detection.
        size: The thing, as large as it was before.
        shape: ``(height, width)`` of the picture.
    """
    cut = CutSides.of(seen.union(size), shape)
    if seen.area < size.area:
        seen = seen.limit(size, _MAX_SHRINKING)
    seen = seen.limit(size, _MAX_CHANGE)
    x1, y1, x2, y2 = seen.x1, seen.y1, seen.x2, seen.y2
    if cut.left != cut.right:
        x1, x2 = _held(x1, x2, max(size.width, x2 - x1), cut.left)
    if cut.top != cut.bottom:
        y1, y2 = _held(y1, y2, max(size.height, y2 - y1), cut.top)
    return Box(x1, y1, x2, y2)


def _held(first: float, last: float, length: float, first_is_cut: bool) -> tuple[float, float]:
    """Return a stretch of a length, of which one end is known."""
    return (last - length, last) if first_is_cut else (first, first + length)
