"""Pictures the caller has already, as frames."""

from __future__ import annotations

from fractions import Fraction

from streamguard.frames import Frame
from streamguard.protocols import Image

TIME_BASE = Fraction(1, 1_000_000)
"""Unit of the frames' ``pts``: microseconds."""


def frame_of(picture: Image, index: int, seconds: float) -> Frame:
    """Return a copy of an RGB array as a frame.

    Args:
        picture: Shape ``(height, width, 3)``, dtype ``uint8``.
        index: Position in presentation order, from 0.
        seconds: Presentation time since the first picture.
    """
    import av

    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts = round(seconds / TIME_BASE)
    frame.time_base = TIME_BASE
    return Frame(frame, index, seconds * 1000)
