"""What something looks like: small pictures of it, and where else in a picture they fit."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.geometry import Box
from streamguard.tracking.flow import Gray

_SIDE = 24
"""Side in pixels of a patch: detail enough to tell two faces apart, and no noise."""
_CORE = 0.9
"""Share of a box that a patch shows: the rim shows background."""
_LEAST_SHOWN = 0.35
"""Share of a patch that must lie in the picture to be compared."""
_FLAT = 3.0
"""Standard deviation of brightness, 0 to 255, below which there is nothing to compare."""
_SCALES = (0.9, 1.0, 1.1)
_REACH = 0.5
"""Sizes of it beyond its centre that have to lie in what is searched."""
_LARGEST = 48
"""Pixels of a box's long side beyond which a search is done at a smaller size."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A small picture of something.

    Attributes:
        pixels: Brightness, shape ``(_SIDE, _SIDE)``.
        shown: Which of them lie in the picture, same shape.
    """

    pixels: NDArray[np.float32]
    shown: NDArray[np.bool_]


def patch_of(luma: Gray, box: Box) -> Patch:
    """Return a patch of what a box shows, whatever its size.

    Args:
        luma: The picture, shape ``(height, width)``.
        box: In its pixels; may reach beyond its edges.
    """
    core = box.resize(_CORE)
    sx, sy = max(core.width, 1.0) / _SIDE, max(core.height, 1.0) / _SIDE
    to_picture = np.array(
        [[sx, 0, core.x1 + sx / 2 - 0.5], [0, sy, core.y1 + sy / 2 - 0.5]], np.float64
    )
    source = luma
    # Where the patch is far smaller than the box, single pixels of it would be noise.
    while min(sx, sy) > 2:
        source = np.asarray(
            cv2.resize(source, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8
        )
        sx, sy, to_picture = sx / 2, sy / 2, _halved(to_picture)
    pixels = cv2.warpAffine(
        source,
        to_picture,
        (_SIDE, _SIDE),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    across = to_picture[0, 0] * np.arange(_SIDE) + to_picture[0, 2]
    down = to_picture[1, 1] * np.arange(_SIDE) + to_picture[1, 2]
    height, width = source.shape
    shown = ((down > -0.5) & (down < height - 0.5))[:, None] & (
        (across > -0.5) & (across < width - 0.5)
    )
    return Patch(np.asarray(pixels, np.float32), np.asarray(shown))


def _halved(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the same places in a picture of half the size; pixel centres lie at 0.5."""
    half = matrix / 2
    half[:, 2] = (matrix[:, 2] + 0.5) / 2 - 0.5
    return half


def likeness(a: Patch, b: Patch) -> float | None:
    """Return the correlation of two patches, -1 to 1, or None where too little can be compared."""
    both = a.shown & b.shown
    if both.mean() < _LEAST_SHOWN:
        return None
    x, y = a.pixels[both], b.pixels[both]
    x, y = x - x.mean(), y - y.mean()
    spread = float(np.sqrt((x * x).mean() * (y * y).mean()))
    if spread < _FLAT * _FLAT:
        return None
    return float((x * y).mean()) / spread


def search(luma: Gray, patch: Patch, near: Box, size: Box) -> tuple[Box, float]:
    """Return where in a region something looks most like a patch, and how alike it is.

    Args:
        luma: The picture.
        patch: What to look for.
        near: The region its centre must lie in, in pixels.
        size: A box of its last known size.
    """
    shrink = min(1.0, _LARGEST / max(size.width, size.height, 1.0))
    reach_x, reach_y = _REACH * size.width, _REACH * size.height
    region = Box(near.x1 - reach_x, near.y1 - reach_y, near.x2 + reach_x, near.y2 + reach_y)
    height, width = luma.shape
    x1, y1, x2, y2 = region.pixels(width, height)
    best, likest = size, -1.0
    if x2 <= x1 or y2 <= y1:
        return best, likest
    part = luma[y1:y2, x1:x2]
    if shrink < 1:
        part = np.asarray(
            cv2.resize(part, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8
        )
    for scale in _SCALES:
        core = size.resize(scale * _CORE)
        shape = max(3, round(core.width * shrink)), max(3, round(core.height * shrink))
        if shape[0] > part.shape[1] or shape[1] > part.shape[0]:
            continue
        wanted = cv2.resize(patch.pixels, shape, interpolation=cv2.INTER_AREA).astype(np.uint8)
        if wanted.std() < _FLAT:
            continue
        scores = cv2.matchTemplate(part, wanted, cv2.TM_CCOEFF_NORMED)
        _, score, _, (x, y) = cv2.minMaxLoc(scores)
        if score > likest:
            cx = x1 + (x + shape[0] / 2) / shrink
            cy = y1 + (y + shape[1] / 2) / shrink
            sized = size.resize(scale)
            (ox, oy), likest = sized.center, float(score)
            best = sized.shift(cx - ox, cy - oy)
    return best, likest


class Looks:
    """What a thing looks like: when it was drawn, and of late.

    Args:
        luma: The picture it was drawn in.
        box: Where.
        time: When, in seconds.
    """

    def __init__(self, luma: Gray, box: Box, time: float) -> None:
        self._drawn = self._recent = patch_of(luma, box)
        self._time = time

    def renew(self, luma: Gray, box: Box, time: float) -> None:
        """Remember what it looks like now."""
        self._recent, self._time = patch_of(luma, box), time

    def age(self, time: float) -> float:
        """Return the seconds since it was last remembered."""
        return abs(time - self._time)

    def likeness(self, luma: Gray, box: Box) -> float | None:
        """Return how much a place looks like it, or None where that cannot be told."""
        shown = patch_of(luma, box)
        told = [likeness(shown, known) for known in (self._recent, self._drawn)]
        return max((score for score in told if score is not None), default=None)

    def find(self, luma: Gray, near: Box, size: Box, enough: float) -> Box | None:
        """Return where in a region it is, if something there is alike enough."""
        found, score = search(luma, self._recent, near, size)
        return found if score >= enough else None

    def find_as_drawn(self, luma: Gray, near: Box, size: Box, enough: float) -> Box | None:
        """Return the same, looking like of late or like when it was drawn."""
        found = self.find(luma, near, size, enough)
        if found is None:
            place, score = search(luma, self._drawn, near, size)
            found = place if score >= enough else None
        return found
