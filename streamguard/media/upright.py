"""Boxes and polygons between a picture as it is coded and as it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from streamguard.geometry import Box
from streamguard.outlines import Polygon


@dataclass(frozen=True, slots=True)
class Upright:
    """How one coded picture is shown: turned clockwise, then mirrored left to right.

    Attributes:
        quarter_turns: Clockwise quarter turns.
        mirrored: Whether it is mirrored after that.
        width: Coded width in pixels.
        height: Coded height in pixels.
    """

    quarter_turns: int
    mirrored: bool
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels as it is shown."""
        return (self.height, self.width) if self.quarter_turns % 2 else (self.width, self.height)

    def shown(self, box: Box) -> Box:
        """Return a box of the coded picture as it is shown."""
        turned = box.rotate(self.quarter_turns, self.width, self.height)
        return self._mirrored(turned) if self.mirrored else turned

    def coded(self, box: Box) -> Box:
        """Return a box of what is shown in the coded picture."""
        turned = self._mirrored(box) if self.mirrored else box
        return turned.rotate(-self.quarter_turns, *self.size)

    def shown_polygon(self, polygon: Polygon) -> Polygon:
        """Return a polygon of the coded picture as it is shown."""
        points = (self.shown(Box(x, y, x, y)) for x, y in polygon.points)
        return Polygon(tuple((point.x1, point.y1) for point in points))

    def coded_polygon(self, polygon: Polygon) -> Polygon:
        """Return a polygon of what is shown in the coded picture."""
        points = (self.coded(Box(x, y, x, y)) for x, y in polygon.points)
        return Polygon(tuple((point.x1, point.y1) for point in points))

    def _mirrored(self, box: Box) -> Box:
        width, _ = self.size
        return Box(width - box.x2, box.y1, width - box.x1, box.y2)
