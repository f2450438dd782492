"""Single redacted pictures for browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamguard.errors import SinkError

if TYPE_CHECKING:
    import av

_QUALITY = 80


def jpeg_of(picture: av.VideoFrame) -> bytes:
    """Return a picture as JPEG, without any metadata.

    Raises:
        SinkError: It cannot be encoded.
    """
    import cv2

    done, data = cv2.imencode(
        ".jpg", picture.to_ndarray(format="bgr24"), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not done:
        raise SinkError("a picture could not be encoded as JPEG")
    return data.tobytes()
