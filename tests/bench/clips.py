"""Clips made from photos, with boxes that move along."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from annotated import Picture
from numpy.typing import NDArray

Move = NDArray[np.float64]
"""Shape ``(2, 3)``: where each point of a photo comes to lie."""
_CRF = "14"
_INSIDE = 0.5


def write_clip(path: Path, views: Iterable[Picture], rate: float = 25) -> None:
    """Write pictures, blue first, as H.264; an odd last row or column is left out."""
    with av.open(str(path), "w") as container:
        stream = None
        for view in views:
            height, width = (side // 2 * 2 for side in view.shape[:2])
            if stream is None:
                fraction = Fraction(rate).limit_denominator(1001)
                stream = container.add_stream("libx264", rate=fraction)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.options = {"crf": _CRF, "preset": "veryfast"}
            whole = np.ascontiguousarray(view[:height, :width])
            frame = av.VideoFrame.from_ndarray(whole, format="bgr24")
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode())


def faces_in(
    boxes: Iterable[Iterable[float]], move: Move, size: tuple[int, int]
) -> tuple[list[list[float]], list[list[float]]]:
    """Return where boxes lie in a view of a photo.

    Args:
        boxes: x, y, width, height in the photo.
        move: From the photo to the view.
        size: Width and height of the view.

    Returns:
        The boxes at least half inside, and the others of which anything is inside.
    """
    faces: list[list[float]] = []
    ignored: list[list[float]] = []
    for x, y, w, h in boxes:
        corners = np.array([[x, y, 1], [x + w, y, 1], [x, y + h, 1], [x + w, y + h, 1]]) @ move.T
        (left, top), (right, bottom) = corners.min(0), corners.max(0)
        across = min(right, size[0]) - max(left, 0)
        down = min(bottom, size[1]) - max(top, 0)
        if across <= 0 or down <= 0:
            continue
        box = [round(float(v), 1) for v in (left, top, right - left, bottom - top)]
        inside = across * down >= _INSIDE * (right - left) * (bottom - top)
        (faces if inside else ignored).append(box)
    return faces, ignored
