"""Single redacted pictures for browsers."""

from __future__ import annotations

from streamguard.errors import SinkError
from streamguard.frames import RedactedFrame

_QUALITY = 80


def jpeg_of(frame: RedactedFrame) -> bytes:
    """Return a redacted frame as JPEG, without any metadata.

    Raises:
        SinkError: It cannot be encoded.
    """
    import cv2

    done, data = cv2.imencode(
        ".jpg", frame.picture.to_ndarray(format="bgr24"), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not done:
        raise SinkError("a picture could not be encoded as JPEG")
    return data.tobytes()
