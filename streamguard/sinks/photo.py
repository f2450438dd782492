"""Photos."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from streamguard.settings import Settings
from streamguard.sinks.fitting import to_format
from streamguard.sinks.local import LocalSink
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


class PhotoSink(LocalSink[FileSource | PhotoSource]):
    """Encodes one redacted frame as a photo: lossless formats without loss, others nearly so."""

    def _start(self, source: FileSource | PhotoSource, settings: Settings) -> None:
        self._encoder = _ENCODERS[self.path.suffix.lower()]
        self._data = b""
        if settings.keep_metadata:
            self.notes.append("a photo's tags are never kept")

    def _encode(self, picture: av.VideoFrame) -> None:
        self._data = _encoded(self._encoder, picture)

    def _finish(self) -> None:
        self._target.part.write_bytes(self._data)


def _encoded(name: str, picture: av.VideoFrame) -> bytes:
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
