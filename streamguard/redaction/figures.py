"""Polygons and bit masks: how far they reach, and which pixels they take in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.errors import RedactionError
from streamguard.geometry import Box
from streamguard.outlines import BitMask, Point, Polygon

Figure = Polygon | BitMask
"""An outline that is covered as it is, without padding."""

_CORNERS = 3
_FIXED_POINT = 4  # fractional bits of cv2's drawing coordinates
_MARGIN = 2
"""Pixels that a polygon grows by: one for its corners, which were rounded to whole pixels, and
one for the pixels that an edge only touches."""
_ROOM = 8
"""Pixels round the window that polygons are drawn on: far out cv2's numbers overflow."""
_MASK_MARGIN = 1
"""Pixels that a bit mask grows by beside its one cell: its box was rounded to whole pixels."""


def extent_of(figure: Figure) -> Box:
    """Return the box of all that `filled` may fill, in pixels.

    Raises:
        RedactionError: The figure makes no sense, so nobody knows what to cover.
    """
    if isinstance(figure, Polygon):
        if len(figure.points) < _CORNERS:
            raise RedactionError(f"a polygon to cover has {len(figure.points)} corners only")
        _check_finite(*(side for point in figure.points for side in point))
        return _grown(figure.box, _MARGIN + 1, _MARGIN + 1)
    box, columns, rows = figure.box, figure.columns, figure.rows
    _check_finite(box.x1, box.y1, box.x2, box.y2)
    is_inside_out = box.x2 < box.x1 or box.y2 < box.y1
    if is_inside_out or min(columns, rows) < 1 or len(figure.bits) * 8 < columns * rows:
        raise RedactionError(f"a mask to cover is not {columns} x {rows} cells over {box}")
    more = _MASK_MARGIN + 1
    return _grown(box, box.width / columns + more, box.height / rows + more)


def moved(figure: Figure, dx: int, dy: int) -> Figure:
    """Return the same figure elsewhere."""
    if isinstance(figure, Polygon):
        return Polygon(tuple((x + dx, y + dy) for x, y in figure.points))
    return replace(figure, box=figure.box.shift(dx, dy))


def filled(figure: Figure, window: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Return which pixels of a window a figure takes in, if only in part: 255, else 0.

    Args:
        figure: In pixels of the picture; `extent_of` has found it sensible.
        window: ``x1, y1, x2, y2`` in pixels of the picture, the far corner exclusive.
    """
    if isinstance(figure, Polygon):
        return _filled_polygon(figure.points, window)
    grid = np.unpackbits(np.frombuffer(figure.bits, np.uint8), count=figure.columns * figure.rows)
    # A set cell takes its neighbours along, those beyond the edges too.
    cells = cv2.dilate(
        cv2.copyMakeBorder(
            grid.reshape(figure.rows, figure.columns), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0
        ),
        np.ones((3, 3), np.uint8),
    )
    x1, y1, x2, y2 = window
    box = _grown(figure.box, figure.box.width / figure.columns, figure.box.height / figure.rows)
    rows = _any_within(np.asarray(cells), y1 - box.y1, y2 - box.y1, box.height)
    both = _any_within(rows.T, x1 - box.x1, x2 - box.x1, box.width).T
    return np.where(both, 255, 0).astype(np.uint8)


def _filled_polygon(
    points: Sequence[Point], window: tuple[int, int, int, int]
) -> NDArray[np.uint8]:
    x1, y1, x2, y2 = window
    # Cut a little beyond the window, so that the margin reaches in from there.
    corners = _clipped(points, _grown(Box(x1, y1, x2, y2), _ROOM - 2, _ROOM - 2))
    canvas = np.zeros((y2 - y1 + 2 * _ROOM, x2 - x1 + 2 * _ROOM), np.uint8)
    if corners:
        # cv2 counts from the middle of the first pixel, outlines from its edge.
        placed = np.array(corners) - (x1 - _ROOM + 0.5, y1 - _ROOM + 0.5)
        whole = np.rint(placed * (1 << _FIXED_POINT)).astype(np.int32)
        cv2.fillPoly(canvas, [whole], 255, shift=_FIXED_POINT)  # by the even-odd rule
    size = 2 * _MARGIN + 1
    grown = cv2.dilate(canvas, np.ones((size, size), np.uint8))
    return np.asarray(grown[_ROOM:-_ROOM, _ROOM:-_ROOM], np.uint8)


def _any_within(cells: NDArray[Any], start: float, end: float, length: float) -> NDArray[np.bool_]:
    """Return for each row of pixels which columns of a grid are set in any row that it touches.

    Args:
        cells: The grid, shape ``(rows, columns)``.
        start: Where the first pixel begins, in pixels from the grid's first edge.
        end: Where the last one ends.
        length: Of the grid across its rows, in pixels.
    """
    edges = np.arange(round(end - start) + 1) + start
    per_pixel = len(cells) / length if length > 0 else 0.0
    first = np.floor((edges[:-1] - _MASK_MARGIN) * per_pixel)
    last = np.ceil((edges[1:] + _MASK_MARGIN) * per_pixel)
    if length <= 0:  # all cells lie on one line
        inside = (edges[:-1] - _MASK_MARGIN <= 0) & (edges[1:] + _MASK_MARGIN >= 0)
        first, last = np.zeros(len(inside)), np.where(inside, len(cells), 0)
    sums = np.concatenate([np.zeros((1, cells.shape[1]), int), np.cumsum(cells, 0, int)])
    low, high = (np.clip(side, 0, len(cells)).astype(int) for side in (first, last))
    return np.asarray(sums[high] > sums[low])


def _clipped(points: Sequence[Point], window: Box) -> list[Point]:
    """Cut a polygon at a window (Sutherland and Hodgman, 1974); what it fills inside stays."""
    corners = list(points)
    corners = _cut(corners, 0, window.x1, 1)
    corners = _cut(corners, 0, window.x2, -1)
    corners = _cut(corners, 1, window.y1, 1)
    return _cut(corners, 1, window.y2, -1)


def _cut(points: Sequence[Point], axis: int, line: float, sign: int) -> list[Point]:
    """Keep what lies beyond a line along an axis, or before it where the sign is -1."""
    kept: list[Point] = []
    for index, here in enumerate(points):
        before = points[index - 1]
        a, b = sign * (before[axis] - line), sign * (here[axis] - line)
        if (a < 0) != (b < 0):
            share = a / (a - b)
            kept.append(
                (
                    before[0] + (here[0] - before[0]) * share,
                    before[1] + (here[1] - before[1]) * share,
                )
            )
        if b >= 0:
            kept.append(here)
    return kept


def _grown(box: Box, dx: float, dy: float) -> Box:
    return Box(box.x1 - dx, box.y1 - dy, box.x2 + dx, box.y2 + dy)


def _check_finite(*numbers: float) -> None:
    if not all(map(math.isfinite, numbers)):
        raise RedactionError(f"an outline to cover is not finite: {numbers[:8]}")
