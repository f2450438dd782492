"""What a cover is laid over: the box of a thing, a polygon, or a small bit mask."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streamguard.geometry import Box

Point = tuple[float, float]
"""``(x, y)`` in pixels."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """An area with straight edges, filled by the even-odd rule.

    Attributes:
        points: At least three corners in order; the last is joined to the first.
    """

    points: tuple[Point, ...]

    @property
    def box(self) -> Box:
        """The smallest box that holds it."""
        xs, ys = zip(*self.points, strict=True)
        return Box(min(xs), min(ys), max(xs), max(ys))


@dataclass(frozen=True, slots=True)
class BitMask:
    """An area of any form: a grid of cells laid over a box, each of them covered or not.

    Attributes:
        box: What the grid is laid over.
        columns: Cells across.
        rows: Cells down.
        bits: One bit a cell, rows from the top, each from the left; the first cell is the
            highest bit of the first byte (the order of `numpy.packbits`).
    """

    box: Box
    columns: int
    rows: int
    bits: bytes


Outline = Box | Polygon | BitMask
"""A box stands for the thing in it: it is drawn as settings say, as an ellipse round it."""


def bounds(outline: Outline) -> Box:
    """Return the smallest box that holds an outline."""
    return outline if isinstance(outline, Box) else outline.box


def to_pixels(outline: Outline) -> Outline:
    """Return an outline in whole pixels that hides at least as much.

    Boxes are rounded outward; corners of polygons to the nearest pixel, since the painter adds
    a margin of one pixel round them.
    """
    match outline:
        case Box():
            return outward(outline)
        case Polygon():
            return Polygon(tuple((float(round(x)), float(round(y))) for x, y in outline.points))
        case BitMask():
            return BitMask(outward(outline.box), outline.columns, outline.rows, outline.bits)


def outward(box: Box) -> Box:
    """Return the smallest box of whole pixels that holds another."""
    return Box(
        float(math.floor(box.x1)),
        float(math.floor(box.y1)),
        float(math.ceil(box.x2)),
        float(math.ceil(box.y2)),
    )
