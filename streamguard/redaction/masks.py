"""Where to cover: one region for each outline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from streamguard.errors import RedactionError
from streamguard.geometry import Box
from streamguard.outlines import Outline
from streamguard.redaction.figures import Figure, extent_of, moved
from streamguard.settings import Effect, RedactionSettings, Shape

Rect = tuple[int, int, int, int]
"""``x1, y1, x2, y2`` in whole pixels, the far corner exclusive."""

MAX_CELLS = 8
MIN_CELL = 8.0
_FEATHER = 0.04
_MAX_FEATHER = 8
_SMALLEST_ELLIPSE = 8.0
# cv2.ellipse draws a polygon; half a pixel and 0.2 % keep the true ellipse inside its chords.
_CHORD_MARGIN, _CHORD_RATIO = 0.5, 1.002
FIXED_POINT = 4  # fractional bits of cv2's drawing coordinates
_GRID = 4
_COARSER = 256
"""Pixels of a cover's side from which on its size is rounded to about 1 % and not to `_GRID`."""
_LARGEST_WHOLE = 2**21
"""Pixels of a region up to which it is drawn whole where the picture shows a part of it."""


@dataclass(frozen=True, slots=True)
class Region:
    """One area to cover.

    Attributes:
        core: Extent of what is hidden wholly, in pixels; may reach beyond the picture.
        outer: ``x1, y1, x2, y2`` in whole pixels, feather included, on whole chroma samples;
            may reach beyond the picture.
        rect: The part of it inside the picture.
        columns: Number of area averages across.
        rows: Number of area averages down.
        feather: Width of the soft edge outside the core, in pixels.
        round: Whether the core is the ellipse inscribed in `core`, or all of it.
        figure: What is hidden wholly, if it is neither of the two.
        effect: What it is covered with.
    """

    core: Box
    outer: Rect
    rect: Rect
    columns: int
    rows: int
    feather: int
    round: bool
    figure: Figure | None = None
    effect: Effect = Effect.BLUR

    @property
    def order(self) -> tuple[object, ...]:
        """Sorting key for painting: the largest last, so that coarse hides fine."""
        core = self.core
        corners = core.x1, core.y1, core.x2, core.y2
        return core.area, *corners, self.effect, repr(self.figure) if self.figure else ""

    @property
    def is_small(self) -> bool:
        """Whether what lies beyond the picture is worth drawing, to be used again."""
        x1, y1, x2, y2 = self.outer
        return self.figure is None and (x2 - x1) * (y2 - y1) <= _LARGEST_WHOLE

    @property
    def form(self) -> tuple[object, ...]:
        """All that the cover of `rect` depends on; equal for regions that only lie elsewhere."""
        core, (x1, y1, x2, y2) = self.core, self.rect
        return (
            *(core.x1 - x1, core.y1 - y1, core.x2 - x1, core.y2 - y1),
            *(x2 - x1, y2 - y1, self.feather, self.round),
            moved(self.figure, -x1, -y1) if self.figure else None,
        )


@dataclass(frozen=True, slots=True)
class _Stencil:
    """A region whose box has its corner at the origin, in a picture without edges."""

    core: Box
    outer: Rect
    feather: int
    round: bool


def region_of(
    outline: Outline, width: int, height: int, settings: RedactionSettings, align: tuple[int, int]
) -> Region | None:
    """Return the region that covers an outline, or None if none of it lies in the picture.

    The cover of a box is the box with its padding. An ellipse is never smaller than the one
    through the corners of the box itself (semi-axes of width / √2 and height / √2), so that
    no padding, however small, leaves a corner bare. Covers are rounded outward to
    a grid of places and sizes, so that the few there are can be kept from frame to frame.

    Other outlines are covered as they are, with a margin for having been rounded to whole pixels
    or cells, and without padding.

    Raises:
        RedactionError: The outline is not made of numbers, so nobody knows what to cover.
    """
    if isinstance(outline, Box):
        if not outline.is_finite:
            raise RedactionError(f"a box to cover is not finite: {outline}")
        core, is_round = _core(outline, width, height, settings)
        left, across = _snap(core.x1, core.x2, align[0])
        top, down = _snap(core.y1, core.y2, align[1])
        stencil, figure = _stencil(across, down, is_round, settings, align), None
    else:
        left, top, figure = 0, 0, outline
        stencil = _around(extent_of(outline), (width, height), settings, align)
    x1, y1, x2, y2 = stencil.outer
    outer = left + x1, top + y1, left + x2, top + y2
    rect = max(outer[0], 0), max(outer[1], 0), min(outer[2], width), min(outer[3], height)
    if rect[0] >= rect[2] or rect[1] >= rect[3]:
        return None
    return Region(
        stencil.core.shift(left, top),
        outer,
        rect,
        cells(rect[2] - rect[0], x2 - x1),
        cells(rect[3] - rect[1], y2 - y1),
        stencil.feather,
        stencil.round,
        figure,
        settings.effect,
    )


def _around(
    extent: Box, size: tuple[int, int], settings: RedactionSettings, align: tuple[int, int]
) -> _Stencil:
    """Return what a figure of this extent takes up; cut far outside, as boxes are."""
    width, height = size
    core = Box(
        min(max(extent.x1, -4.0 * width), 5.0 * width),
        min(max(extent.y1, -4.0 * height), 5.0 * height),
        min(max(extent.x2, -4.0 * width), 5.0 * width),
        min(max(extent.y2, -4.0 * height), 5.0 * height),
    )
    feather = _feather_of(core, settings)
    return _Stencil(core, _outer(core, feather, align), feather, round=False)


def _core(face: Box, width: int, height: int, settings: RedactionSettings) -> tuple[Box, bool]:
    """Return the extent of the cover of a box, and whether it is the ellipse inscribed in it."""
    x1, x2 = _whole(face.x1, face.x2, width)
    y1, y2 = _whole(face.y1, face.y2, height)
    face = Box(x1, y1, x2, y2)
    core = face.pad(settings.padding)
    is_round = settings.shape is Shape.ELLIPSE and min(core.width, core.height) / 2 >= (
        _SMALLEST_ELLIPSE
    )
    if is_round:
        core = core.union(face.resize(math.sqrt(2))).resize(_CHORD_RATIO)
        core = grow(core, _CHORD_MARGIN)
    return core, is_round


@lru_cache(maxsize=4096)
def _stencil(
    width: int, height: int, is_round: bool, settings: RedactionSettings, align: tuple[int, int]
) -> _Stencil:
    core = Box(0, 0, width, height)
    feather = _feather_of(core, settings)
    return _Stencil(core, _outer(core, feather, align), feather, is_round)


def _feather_of(core: Box, settings: RedactionSettings) -> int:
    if settings.effect is Effect.SOLID:
        return 0
    return round(min(max(_FEATHER * min(core.width, core.height), 2), _MAX_FEATHER))


def _outer(core: Box, feather: int, align: tuple[int, int]) -> Rect:
    outer = grow(core, feather)
    x1, x2 = _widen(outer.x1, outer.x2, align[0])
    y1, y2 = _widen(outer.y1, outer.y2, align[1])
    return x1, y1, x2, y2


def _widen(start: float, end: float, align: int) -> tuple[int, int]:
    """Round a stretch outward to whole chroma samples, and where it can be to whole cells."""
    first, last = math.floor(start / align), math.ceil(end / align)
    parts = cells((last - first) * align, (last - first) * align)
    missing = -(last - first) % parts
    first -= missing // 2
    return first * align, (last + missing - missing // 2) * align


def cells(visible: float, whole: float) -> int:
    """Return how many area averages describe one side of a region.

    A cell is an eighth of the region, but never less than 8 pixels, since an eighth of a
    10 pixel face would be the face itself. With the default padding a large face keeps 6
    averages from ear to ear and a 20 pixel one 2; recognition by people and by networks
    needs about three times as many. What lies beyond the picture takes its cells along.

    Args:
        visible: Length inside the picture, in pixels.
        whole: Length with what lies beyond the picture, in pixels.
    """
    return min(max(int(visible / max(MIN_CELL, whole / MAX_CELLS)), 1), MAX_CELLS)


def _whole(start: float, end: float, length: int) -> tuple[int, int]:
    """Round a stretch outward to whole pixels, one at least; far outside it is cut."""
    # So that drawing cannot overflow.
    least, most = -4 * length, 5 * length
    first = math.floor(min(max(min(start, end), least), most))
    last = math.ceil(min(max(start, end, least), most))
    return first, max(last, first + 1)


def _snap(start: float, end: float, align: int) -> tuple[int, int]:
    """Round a stretch outward to one that starts on a whole chroma sample.

    Returns:
        Where it starts, and how long it is: a multiple of twice the alignment, so that its
        middle lies on a whole chroma sample, too.
    """
    first = math.floor(start)
    size = math.ceil(end) - first
    step = max(_GRID, 2 * align) * max(1, size // _COARSER)
    longer = -(-(size + align - 1) // step) * step
    spare = longer - size - (align - 1)
    return (first - spare // 2) // align * align, longer


def grow(box: Box, pixels: float) -> Box:
    """Return the box with its edges moved outward."""
    return Box(box.x1 - pixels, box.y1 - pixels, box.x2 + pixels, box.y2 + pixels)
