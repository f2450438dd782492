"""Clips made from photos, with boxes that move along."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from annotated import Picture
from numpy.typing import NDArray

Boxes = list[list[float]]
"""x, y, width, height of each."""
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
) -> tuple[Boxes, Boxes]:
    """Return where boxes lie in a view of a photo; they are not turned with it.

    Args:
        boxes: x, y, width, height in the photo.
        move: From the photo to the view.
        size: Width and height of the view.

    Returns:
        The boxes at least half inside, and the others of which anything is inside.
    """
    faces: Boxes = []
    ignored: Boxes = []
    scale = float(np.sqrt(abs(np.linalg.det(move[:, :2]))))
    for x, y, w, h in boxes:
        center = move @ (x + w / 2, y + h / 2, 1)
        width, height = w * scale, h * scale
        left, top = center[0] - width / 2, center[1] - height / 2
        across = min(left + width, size[0]) - max(left, 0)
        down = min(top + height, size[1]) - max(top, 0)
        if across <= 0 or down <= 0:
            continue
        box = [round(float(v), 1) for v in (left, top, width, height)]
        inside = across * down >= _INSIDE * width * height
        (faces if inside else ignored).append(box)
    return faces, ignored
