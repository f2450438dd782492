"""How many cores detection may take beside a decoder and an encoder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def sharing_cores() -> Iterator[None]:
    """Hold OpenCV to half of the cores: beside an encoder its threads cost more than they gain."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(max(1, (os.cpu_count() or 1) // 2))
    try:
        yield
    finally:
        cv2.setNumThreads(before)
