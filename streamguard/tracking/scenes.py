"""Scene cuts, from luma alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIZE = (32, 18)
_CHANGED = 28.0
"""Mean change of luma, 0 to 255, that a cut exceeds; fast pans on the clips stayed below 20."""
_JUMP = 2.5
"""And by how much it exceeds the change one frame earlier, so that shaking is no cut."""


class CutFinder:
    """Tells whether a frame starts a new scene. Frames must come in order."""

    def __init__(self) -> None:
        self._last: NDArray[np.int16] | None = None
        self._last_change = 0.0

    def is_cut(self, luma: NDArray[np.uint8]) -> bool:
        """Return whether this frame has little to do with the one before.

        Args:
            luma: The frame's luma, any size; the same size every time is not needed.
        """
        small = cv2.resize(luma, _SIZE, interpolation=cv2.INTER_AREA).astype(np.int16)
        if self._last is None:
            self._last = small
            return False
        change = float(np.abs(small - self._last).mean())
        is_cut = change > _CHANGED and change > _JUMP * self._last_change
        self._last, self._last_change = small, change
        return is_cut
