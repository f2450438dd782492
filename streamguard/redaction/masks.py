"""Where a cover lies: one region for each box, and how much of each pixel it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.errors import RedactionError
from streamguard.geometry import Box
from streamguard.settings import Effect, RedactionSettings, Shape

Cover = NDArray[np.uint8]
"""Share of the cover in each pixel: 255 hides it wholly, 0 leaves it untouched."""

MAX_CELLS = 8
MIN_CELL = 8.0
_FEATHER = 0.04
_MAX_FEATHER = 8
_LEVELS = 3
_SMALLEST_ELLIPSE = 8.0
# cv2.ellipse draws a polygon; one pixel and 0.2 % keep the true ellipse inside its chords.
_CHORD_MARGIN, _CHORD_RATIO = 1.0, 1.002
_FIXED_POINT = 4  # fractional bits of cv2's drawing coordinates


@dataclass(frozen=True, slots=True)
class Region:
    """One area to cover.

    Attributes:
        core: Extent of what is hidden wholly, in pixels; may reach beyond the picture.
        rect: ``x1, y1, x2, y2`` in whole pixels inside the picture, feather included, and
            starting on a whole chroma sample.
        columns: Number of area averages across.
        rows: Number of area averages down.
        feather: Width of the soft edge outside the core, in pixels.
        round: Whether the core is the ellipse inscribed in `core`, or all of it.
    """

    core: Box
    rect: tuple[int, int, int, int]
    columns: int
    rows: int
    feather: int
    round: bool

    @property
    def order(self) -> tuple[float, ...]:
        """Sorting key for painting: the largest last, so that coarse hides fine."""
        return self.core.area, self.core.x1, self.core.y1, self.core.x2, self.core.y2


def region_of(
    box: Box, width: int, height: int, settings: RedactionSettings, align: tuple[int, int]
) -> Region | None:
    """Return the region that covers a box, or None if none of it lies in the picture.

    The cover is the box with its padding. An ellipse is never smaller than the one
    through the corners of the box itself (semi-axes of width / √2 and height / √2), so that
    no padding, however small, leaves a corner bare.

    Raises:
        RedactionError: The box is not a number, so nobody knows what to cover.
    """
    if not box.is_finite:
        raise RedactionError(f"a box to cover is not finite: {box}")
    face = _whole_pixels(box, width, height)
    core = face.pad(settings.padding)
    is_round = settings.shape is Shape.ELLIPSE and min(core.width, core.height) / 2 >= (
        _SMALLEST_ELLIPSE
    )
    if is_round:
        core = core.union(face.resize(math.sqrt(2))).resize(_CHORD_RATIO)
        core = _grow(core, _CHORD_MARGIN)
    feather = 0
    if settings.effect is not Effect.SOLID:
        feather = round(min(max(_FEATHER * min(core.width, core.height), 2), _MAX_FEATHER))
    outer = _grow(core, feather)
    if not outer.clip(width, height).area:
        return None
    rect = _aligned(outer, width, height, align)
    columns = cells(rect[2] - rect[0], core.width + 2 * feather)
    rows = cells(rect[3] - rect[1], core.height + 2 * feather)
    return Region(core, rect, columns, rows, feather, is_round)


def cells(visible: float, whole: float) -> int:
    """Return how many area averages describe one side of a region.

    A cell is an eighth of the region, but never less than 8 pixels, since an eighth of a
    10 pixel face would be the face itself. With the default padding a large face keeps 5
    averages from ear to ear and a 20 pixel one 2; recognition by people and by networks
    needs about three times as many. What lies beyond the picture takes its cells along.

    Args:
        visible: Length inside the picture, in pixels.
        whole: Length with what lies beyond the picture, in pixels.
    """
    return min(max(int(visible / max(MIN_CELL, whole / MAX_CELLS)), 1), MAX_CELLS)


def cover_of(region: Region) -> Cover:
    """Return the cover of a region, shape ``(rows, columns)`` of its rectangle."""
    x1, y1, x2, y2 = region.rect
    cover = np.zeros((y2 - y1, x2 - x1), np.uint8)
    levels = min(region.feather, _LEVELS)
    core = region.core.shift(-x1, -y1)
    for level in range(levels, -1, -1):
        grown = _grow(core, region.feather * level / levels) if level else core
        value = 255 * (levels + 1 - level) // (levels + 1)
        if region.round:
            _draw_ellipse(cover, grown, value)
        else:
            left, top, right, bottom = grown.pixels(x2 - x1, y2 - y1)
            cover[top:bottom, left:right] = value
    return cover


def shrink_cover(cover: Cover, sub_x: int, sub_y: int) -> Cover:
    """Return the cover for a subsampled plane: each sample takes its most covered pixel."""
    if sub_x == sub_y == 1:
        return cover
    # Anchored at its first pixel, the kernel looks ahead over just the pixels of one sample.
    most = cv2.dilate(cover, np.ones((sub_y, sub_x), np.uint8), anchor=(0, 0))
    return np.ascontiguousarray(most[::sub_y, ::sub_x], np.uint8)


def _whole_pixels(box: Box, width: int, height: int) -> Box:
    """Round outward to at least one pixel; far outside is cut, so that drawing cannot overflow."""
    x1, x2 = sorted((box.x1, box.x2))
    y1, y2 = sorted((box.y1, box.y2))
    x1, x2 = (min(max(x, -4.0 * width), 5.0 * width) for x in (x1, x2))
    y1, y2 = (min(max(y, -4.0 * height), 5.0 * height) for y in (y1, y2))
    left, top = math.floor(x1), math.floor(y1)
    return Box(left, top, max(math.ceil(x2), left + 1), max(math.ceil(y2), top + 1))


def _grow(box: Box, pixels: float) -> Box:
    return Box(box.x1 - pixels, box.y1 - pixels, box.x2 + pixels, box.y2 + pixels)


def _aligned(
    box: Box, width: int, height: int, align: tuple[int, int]
) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = box.pixels(width, height)
    step_x, step_y = align
    return (
        x1 // step_x * step_x,
        y1 // step_y * step_y,
        min(-(-x2 // step_x) * step_x, width),
        min(-(-y2 // step_y) * step_y, height),
    )


def _draw_ellipse(cover: Cover, extent: Box, value: int) -> None:
    scale = 1 << _FIXED_POINT
    x, y = extent.center
    # cv2 counts from the middle of the first pixel, boxes from its edge.
    center = (round((x - 0.5) * scale), round((y - 0.5) * scale))
    axes = (math.ceil(extent.width / 2 * scale), math.ceil(extent.height / 2 * scale))
    cv2.ellipse(cover, center, axes, 0, 0, 360, value, cv2.FILLED, shift=_FIXED_POINT)
