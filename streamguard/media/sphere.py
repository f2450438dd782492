"""Equirectangular pictures: all round the camera, from pole to pole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from streamguard.geometry import Box

_ASPECT = 0.75
"""Least width of a face per unit of height, before the projection stretches it."""
_MARGIN = 0.3
"""Share of a box's height that its cover may reach beyond it towards a pole."""
_STACKED = 0.05
"""How far from square two spheres above each other may be."""
_HIGHEST = 0.6
"""Height in widths of a sphere, which has 0.5: what is higher is marked as one, but hardly is."""
_ROUND, _EDGE = 0.25, 32
"""How far an ellipse reaches beyond its box without padding, and its soft edge in pixels."""
_POLE = 0.02
"""Cosine of a latitude from which on the whole width is covered."""


@dataclass(frozen=True, slots=True)
class Sphere:
    """The surface that the frames of one video show.

    Faces are looked for in the unrolled picture: the frame, and after its last column the first
    half of it again. A face across the seam stands whole in there.

    Attributes:
        width: Coded width of the frame in pixels.
        height: Coded height.
        turns: Clockwise quarter turns that bring it upright.
    """

    width: int
    height: int
    turns: int = 0

    @property
    def half(self) -> tuple[float, float]:
        """Half a turn round, in coded pixels."""
        return (0.0, self.height / 2) if self.turns % 2 else (self.width / 2, 0.0)

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of the unrolled picture."""
        return self.width + self.half[0], self.height + self.half[1]

    def places(self, box: Box, margin: float = _MARGIN) -> Iterator[Box]:
        """Yield what to cover of a face: as wide as the projection makes it, on either side.

        Args:
            box: In coded pixels of the unrolled picture.
            margin: Share of the box's height that its cover will reach beyond it.
        """
        upright = box.rotate(self.turns, self.width, self.height)
        width, height = (self.height, self.width) if self.turns % 2 else (self.width, self.height)
        wide = _widened(upright, width, height, max(margin, _MARGIN))
        if wide.width >= width:
            yield Box(0, wide.y1, width, wide.y2).rotate(-self.turns, width, height)
            return
        for turn in (-1, 0, 1):
            place = wide.shift(turn * width, 0)
            reach = max(margin, _ROUND) * place.width + _EDGE
            if place.x2 + reach > 0 and place.x1 - reach < width:
                yield place.rotate(-self.turns, width, height)


def _widened(box: Box, width: float, height: float, margin: float) -> Box:
    """Widen a box to what a face there can take in at the latitude where it is widest."""
    if height > _HIGHEST * width and not _is_stacked(width, height):
        return box
    top, bottom = box.y1 - margin * box.height, box.y2 + margin * box.height
    eye = height / 2 if _is_stacked(width, height) else height
    least = min(_cosine(top, width, height), _cosine(bottom, width, height))
    if least < _POLE or top // eye != bottom // eye:
        return Box(0, box.y1, width, box.y2)
    x, y = box.center
    wide = max(box.width * _cosine(y, width, height), _ASPECT * box.height) / least
    wide = min(max(wide, box.width), width)
    return Box(x - wide / 2, box.y1, x + wide / 2, box.y2)


def _cosine(y: float, width: float, height: float) -> float:
    """Return the cosine of a row's latitude, never below 0.

    A picture that is too low for a sphere lacks as much above as below; one twice as high holds
    a sphere for each eye, one above the other.
    """
    whole = width / 2
    if _is_stacked(width, height):
        height, y = height / 2, y % (height / 2)
    missing = max(0.0, whole - height)
    share = (y + missing / 2) / (height + missing)
    return max(0.0, math.sin(math.pi * min(max(share, 0.0), 1.0)))


def _is_stacked(width: float, height: float) -> bool:
    return abs(height / width - 1) < _STACKED
