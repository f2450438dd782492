"""What a net marks many times over, as one face each."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.detection.face_box import skin_to_face
from streamguard.geometry import Box, Detection

_OVERLAP = 0.3
"""Overlap (IoU) from which two boxes are the same face."""


def separated(
    centers: NDArray[np.float32],
    sizes: NDArray[np.float32],
    confidences: NDArray[np.float32],
    noses: NDArray[np.float32],
    rolls: NDArray[np.float32] | None = None,
) -> list[Detection]:
    """Return the faces in the most confident of boxes that overlap, most confident first.

    Args:
        centers: Their centres in pixels, across and down, shape ``(2, n)``.
        sizes: Their widths and heights in pixels, shape ``(2, n)``.
        confidences: How sure the net is of each, 0 to 1.
        noses: Where the tips of the noses are, in pixels from the left.
        rolls: Degrees by which each is turned clockwise, if the net tells.
    """
    corners = np.concatenate([centers - sizes / 2, sizes]).T.astype(np.float64)
    if rolls is None:
        rolls = np.zeros_like(confidences)
    kept = cv2.dnn.NMSBoxes(corners.tolist(), confidences.astype(float).tolist(), 0.0, _OVERLAP)
    found = []
    for i in np.asarray(kept, int).ravel():
        x, y, width, height = corners[i].tolist()
        face = skin_to_face(Box(x, y, x + width, y + height), float(noses[i]))
        found.append(Detection(face, float(confidences[i]), roll=float(rolls[i])))
    return found
