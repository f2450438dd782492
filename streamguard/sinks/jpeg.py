"""Single redacted pictures for browsers."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from streamguard.errors import SinkError
from streamguard.frames import RedactedFrame
from streamguard.media.orientation import upright
from streamguard.media.traits import Orientation

AS_CODED = Orientation()

_QUALITY = 80


def jpeg_of(
    frame: RedactedFrame, longest: int | None = None, orientation: Orientation = AS_CODED
) -> bytes:
    """Return a redacted frame as JPEG, without any metadata.

    Args:
        frame: The frame.
        longest: Long side in pixels that it is made smaller to; its own size when None.
        orientation: How it is brought upright.

    Raises:
        SinkError: It cannot be encoded.
    """
    import cv2

    picture = upright(frame.picture, orientation)
    pixels: NDArray[Any] = picture.to_ndarray(format="bgr24")
    scale = longest / max(picture.width, picture.height) if longest else 1.0
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise SinkError("a picture could not be encoded as JPEG")
    return data.tobytes()
