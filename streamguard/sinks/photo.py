"""Photos."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from streamguard.errors import SinkError
from streamguard.frames import PassthroughPacket, RedactedFrame
from streamguard.settings import Settings
from streamguard.sinks.fitting import to_format
from streamguard.sinks.target import Target, sink_errors
from streamguard.sources import FileSource, PhotoSource

if TYPE_CHECKING:
    import av

# FFmpeg's JPEG scale of 2 is a file about as large and as good as quality 95 elsewhere.
_JPEG_SCALE = 2
_LAMBDA = 118
_WEBP_QUALITY = 95
_ENCODERS = {
    ".jpg": "mjpeg",
    ".jpeg": "mjpeg",
    ".png": "png",
    ".webp": "libwebp",
    ".bmp": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
}
_LOSSLESS = {
    "png": {"gray": "gray", "gbrap": "rgba"},
    "bmp": {"gray": "gray", "gbrap": "bgra", "": "bgr24"},
    "tiff": {"gray": "gray", "gbrap": "rgba"},
}


class PhotoSink:
    """Encodes one redacted frame as a photo: lossless formats without loss, others nearly so.

    Args:
        path: The output.
        source: Where the frame comes from.
        settings: Whether to overwrite.

    Attributes:
        path: The output.
        notes: What could not be kept as it was, in words.

    Raises:
        UsageError: The output is the input.
        OutputExistsError: It exists and may not be replaced.
        SinkError: It cannot be written.
    """

    def __init__(self, path: Path, source: FileSource | PhotoSource, settings: Settings) -> None:
        self.path = path
        self.notes: list[str] = []
        if settings.keep_metadata:
            self.notes.append("a photo's tags are never kept")
        self._encoder = _ENCODERS[path.suffix.lower()]
        self._target = Target(path, source.path, settings.overwrite)
        self._lock = threading.Lock()
        self._data: bytes | None = None
        self._open = True

    def write(self, frame: RedactedFrame) -> None:
        """Encode the frame.

        Raises:
            SinkError: It could not be encoded.
        """
        with self._lock, sink_errors(self.path):
            self._data = _encode(self._encoder, frame.picture)

    def passthrough(self, packet: PassthroughPacket) -> None:
        """Do nothing: a photo has no sound."""

    def close(self) -> None:
        """Write the photo and give it its final name; the second call does nothing.

        Raises:
            SinkError: It could not be written, or there was no frame.
        """
        with self._lock:
            if not self._open:
                return
            self._open = False
            try:
                if self._data is None:
                    raise SinkError(f"no frame came for {self.path}, it is not written")
                with sink_errors(self.path):
                    self._target.part.write_bytes(self._data)
                self._target.commit()
            finally:
                self._target.discard()

    def abort(self) -> None:
        """Remove what was written so far, unless it was finished."""
        with self._lock:
            self._open = False
            self._target.discard()


def _encode(name: str, picture: av.VideoFrame) -> bytes:
    import av

    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = size = picture.width, picture.height
    encoder.time_base = Fraction(1, 25)
    encoder.pix_fmt = _pixel_format(name, picture.format.name)
    encoder.options = _options(name, encoder.pix_fmt)
    fitted = to_format(picture, encoder, size)
    fitted.pts = None
    packets = [*encoder.encode(fitted), *encoder.encode(None)]
    return b"".join(bytes(packet) for packet in packets)


def _pixel_format(encoder: str, name: str) -> str:
    """Return the encoder's format for a picture, without loss where it can."""
    is_yuv = name.startswith("yuv")
    match encoder:
        case "mjpeg":
            chroma = next((c for c in ("420", "422") if is_yuv and c in name), "444")
            return f"yuvj{'420' if name == 'gray' else chroma}p"
        case "libwebp":
            return "yuv420p" if is_yuv else "bgra"
        case _:
            formats = _LOSSLESS[encoder]
            return formats.get(name, formats.get("", "rgb24"))


def _options(encoder: str, pix_fmt: str) -> dict[str, str]:
    match encoder:
        case "mjpeg":
            # Bit-exact leaves out the comment that names the software.
            return {"flags": "+qscale+bitexact", "global_quality": str(_JPEG_SCALE * _LAMBDA)}
        case "libwebp":
            return {"quality": str(_WEBP_QUALITY), "lossless": "1" if pix_fmt == "bgra" else "0"}
        case "tiff":
            return {"compression_algo": "deflate"}
        case _:
            return {}
