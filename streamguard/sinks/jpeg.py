"""Single redacted pictures for browsers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamguard.errors import SinkError
from streamguard.frames import RedactedFrame

_QUALITY = 80


def jpeg_of(frame: RedactedFrame, longest: int | None = None, quarter_turns: int = 0) -> bytes:
    """Return a redacted frame as JPEG, without any metadata.

    Args:
        frame: The frame.
        longest: Long side in pixels that it is made smaller to; its own size when None.
        quarter_turns: Clockwise quarter turns that bring it upright.

    Raises:
        SinkError: It cannot be encoded.
    """
    import cv2

    pixels: NDArray[Any] = frame.picture.to_ndarray(format="bgr24")
    scale = longest / max(frame.picture.width, frame.picture.height) if longest else 1.0
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    pixels = np.ascontiguousarray(np.rot90(pixels, -quarter_turns))
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise SinkError("a picture could not be encoded as JPEG")
    return data.tobytes()
