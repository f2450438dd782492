"""Redacted frames as arrays, for callers who show or write them by themselves."""

from __future__ import annotations

import numpy as np

from streamguard.frames import RedactedFrame
from streamguard.protocols import Image


def array_of(frame: RedactedFrame) -> Image:
    """Return a redacted frame as RGB, shape ``(height, width, 3)``, dtype ``uint8``."""
    return np.asarray(frame.picture.to_ndarray(format="rgb24"), dtype=np.uint8)
