"""What a net marks many times over, as one box each."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.geometry import Box, Detection

_OVERLAP = 0.3
"""Overlap (IoU) from which two boxes are the same face."""


def separated(
    center_x: NDArray[np.float32],
    center_y: NDArray[np.float32],
    widths: NDArray[np.float32],
    heights: NDArray[np.float32],
    confidences: NDArray[np.float32],
    rolls: NDArray[np.float32] | None = None,
) -> list[Detection]:
    """Return the most confident of boxes that overlap, most confident first.

    Args:
        center_x: Their centres in pixels, shape ``(n,)``.
        center_y: The same downward.
        widths: Their widths in pixels.
        heights: Their heights.
        confidences: How sure the net is of each, 0 to 1.
        rolls: Degrees by which each is turned clockwise, if the net tells.
    """
    corners = np.stack(
        [center_x - widths / 2, center_y - heights / 2, widths, heights], axis=1
    ).astype(np.float64)
    if rolls is None:
        rolls = np.zeros_like(confidences)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), confidences.astype(float).tolist(), 0.0, _OVERLAP)
    return [
        Detection(Box(x, y, x + w, y + h), float(confidences[i]), roll=float(rolls[i]))
        for i in np.asarray(kept, int).ravel()
        for x, y, w, h in [corners[i].tolist()]
    ]
