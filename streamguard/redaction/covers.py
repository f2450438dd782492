"""How much of each pixel of a region is covered."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.geometry import Box
from streamguard.redaction.figures import Figure, filled
from streamguard.redaction.masks import FIXED_POINT, Region, grow

Cover = NDArray[np.uint8]
"""Share of the cover in each pixel: 255 hides it wholly, 0 leaves it untouched."""

_LEVELS = 3


def cover_of(region: Region) -> Cover:
    """Return the cover of a region, shape ``(rows, columns)`` of its `rect`."""
    if region.figure is not None:
        return _figure_cover(region.figure, region)
    # Cut from the whole, so that it does not depend on where cv2 clips its lines.
    x, y, right, bottom = region.outer if region.is_small else region.rect
    cover = np.zeros((bottom - y, right - x), np.uint8)
    levels = min(region.feather, _LEVELS)
    core = region.core.shift(-x, -y)
    for level in range(levels, -1, -1):
        grown = grow(core, region.feather * level / levels) if level else core
        value = _value(level, levels)
        if region.round:
            _draw_ellipse(cover, grown, value)
        else:
            x1, y1, x2, y2 = grown.pixels(right - x, bottom - y)
            cover[y1:y2, x1:x2] = value
    x1, y1, x2, y2 = region.rect
    return np.ascontiguousarray(cover[y1 - y : y2 - y, x1 - x : x2 - x])


def _figure_cover(figure: Figure, region: Region) -> Cover:
    (x1, y1, x2, y2), soft = region.rect, region.feather
    # What lies beyond the picture's edge has a soft edge, too, that reaches in.
    core = filled(figure, (x1 - soft, y1 - soft, x2 + soft, y2 + soft))
    cover, levels = core, min(soft, _LEVELS)
    for level in range(1, levels + 1):
        size = 2 * round(soft * level / levels) + 1
        grown = cv2.dilate(core, np.ones((size, size), np.uint8))
        cover = np.maximum(cover, np.minimum(grown, _value(level, levels)))
    return np.ascontiguousarray(cover[soft : soft + y2 - y1, soft : soft + x2 - x1])


def _value(level: int, levels: int) -> int:
    """Return how much a level of the soft edge hides; level 0 is the core."""
    return 255 * (levels + 1 - level) // (levels + 1)


def shrink_cover(cover: Cover, sub_x: int, sub_y: int) -> Cover:
    """Return the cover for a subsampled plane: each sample takes its most covered pixel."""
    if sub_x == sub_y == 1:
        return cover
    # Anchored at its first pixel, the kernel looks ahead over just the pixels of one sample.
    most = cv2.dilate(cover, np.ones((sub_y, sub_x), np.uint8), anchor=(0, 0))
    return np.ascontiguousarray(most[::sub_y, ::sub_x], np.uint8)


def _draw_ellipse(cover: Cover, extent: Box, value: int) -> None:
    scale = 1 << FIXED_POINT
    x, y = extent.center
    # cv2 counts from the middle of the first pixel, boxes from its edge.
    center = (round((x - 0.5) * scale), round((y - 0.5) * scale))
    axes = (math.ceil(extent.width / 2 * scale), math.ceil(extent.height / 2 * scale))
    cv2.ellipse(cover, center, axes, 0, 0, 360, value, cv2.FILLED, shift=FIXED_POINT)
