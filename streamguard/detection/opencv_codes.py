"""QR and bar codes, found by OpenCV's own detectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import cv2
import numpy as np

from streamguard.detection.layers import Gray
from streamguard.geometry import CODE, Box, Detection
from streamguard.protocols import Image

_BAR_SIDE = 960
"""Long side in pixels of a picture in which bar codes of 4 pixels a bar are found; in larger ones
some of these are missed, but smaller ones are found."""
_ANY_SIDE = 2.0**20
"""Pixels above which the detector of bar codes may reduce pictures by itself."""
_LEAST_SIDE = 24
"""Pixels below which no code fits that could be read."""
_CONFIDENCE = 1.0
"""The detectors tell none; what they find looks like a code and hardly like anything else."""


class CodeDetector:
    """Finds QR codes from about 2 pixels a module, and bar codes from 1 pixel a bar.

    It finds codes, it does not read them.
    """

    name = "opencv-codes"

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        """Find the codes in one RGB picture, whatever way up; see `protocols.Detector`."""
        if min(image.shape[:2]) < _LEAST_SIDE:
            return []
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        corners = [*_corners(self._squares, gray), *_corners(self._bars, gray)]
        if max(gray.shape) > _BAR_SIDE:
            corners.extend(_corners(self._bars, *_shrunk(gray)))
        return [Detection(_box(four), _CONFIDENCE, CODE) for four in corners]

    def close(self) -> None:
        """Let go of the detectors; may be called twice."""
        self.__dict__.pop("_squares", None)
        self.__dict__.pop("_bars", None)

    @cached_property
    def _squares(self) -> cv2.QRCodeDetectorAruco:
        # Measured, it finds QR codes of half the size that OpenCV's first detector does.
        return cv2.QRCodeDetectorAruco()

    @cached_property
    def _bars(self) -> cv2.barcode.BarcodeDetector:
        bars = cv2.barcode.BarcodeDetector()
        bars.setDownsamplingThreshold(_ANY_SIDE)
        return bars


def _shrunk(gray: Gray) -> tuple[Gray, float]:
    """Return a picture of the size that large bar codes need, and by how much it was reduced."""
    height, width = gray.shape
    scale = _BAR_SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8), 1 / scale


def _corners(
    detector: cv2.QRCodeDetectorAruco | cv2.barcode.BarcodeDetector,
    gray: Gray,
    enlarge: float = 1.0,
) -> Iterable[np.ndarray]:
    found, corners = detector.detectMulti(gray)
    return np.asarray(corners, float).reshape(-1, 4, 2) * enlarge if found else ()


def _box(corners: np.ndarray) -> Box:
    (x1, y1), (x2, y2) = corners.min(axis=0), corners.max(axis=0)
    return Box(float(x1), float(y1), float(x2), float(y2))
