"""Scene cuts, from luma alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIZE = (32, 18)
_REACH = 6
"""The camera may move by one part in this of the picture's sides between two frames."""
_BAR = 24
"""Luma of the bars beside a picture of another shape, which belong to no scene."""
_LEAST = 6
"""Cells per side that what lies between the bars has at least."""
_FLAT = 2.0
"""Standard deviation of luma below which there is no structure to compare."""
_UNLIKE = 0.65
"""Correlation below which two frames show different scenes. Measured with the camera's motion
taken out: 0.31 in the median from scene to scene, below 0.6 for 24 cuts in 25, but 0.61 in a
dark one; within a scene not below 0.71, however the camera moved, but for cars close by, which
come gradually."""
_FAINT = 4.0
"""Mean change of luma, 0 to 255, up to which nothing happened."""
_ALIKE = 0.85
"""Correlation from which a change is one of light, or of where the camera looks, however great."""
_CHANGED = 28.0
"""Mean change of luma beyond which less than that likeness makes a cut."""
_JUMP = 2.0
"""And by how much less alike than the two frames before they must be: shaking is no cut."""

Thumbnail = NDArray[np.uint8]


class CutFinder:
    """Tells whether a frame starts a new scene. Frames must come in order."""

    def __init__(self) -> None:
        self._last: Thumbnail | None = None
        self._last_difference = 0.0

    def is_cut(self, luma: Thumbnail) -> bool:
        """Return whether this frame has little to do with the one before.

        Args:
            luma: The frame's luma, any size; the same size every time is not needed.
        """
        new = np.asarray(cv2.resize(luma, _SIZE, interpolation=cv2.INTER_AREA), np.uint8)
        old, self._last = self._last, new
        if old is None:
            return False
        old, new = _between_bars(old, new)
        change = float(cv2.absdiff(old, new).mean())
        likeness = 1.0 if change <= _FAINT else max(_found_in(old, new), _found_in(new, old))
        jumped = 1 - likeness > _JUMP * self._last_difference
        self._last_difference = 1 - likeness
        return jumped and likeness < (_ALIKE if change > _CHANGED else _UNLIKE)


def _between_bars(old: Thumbnail, new: Thumbnail) -> tuple[Thumbnail, Thumbnail]:
    """Return both without the black that frames both: it is alike in all scenes."""
    lit = cv2.max(old, new) > _BAR
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if not rows.size or min(np.ptp(rows), np.ptp(columns)) < _LEAST - 1:
        return old, new
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return old[part], new[part]


def _found_in(whole: Thumbnail, other: Thumbnail) -> float:
    """Return how well the middle of another picture correlates with its best place in this one."""
    height, width = other.shape
    y, x = height // _REACH, width // _REACH
    middle = other[y : height - y, x : width - x]
    if min(whole.std(), middle.std()) < _FLAT:
        return 0.0
    return float(cv2.matchTemplate(whole, middle, cv2.TM_CCOEFF_NORMED).max())
