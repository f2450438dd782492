"""Photos of 16 bits for each colour, which Pillow cannot write: by FFmpeg, with their profile."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av

_ENCODERS = {
    "PNG": {"rgb48le": "rgb48be", "rgba64le": "rgba64be", "ya16le": "ya16be"},
    # Hardly anything reads a TIFF of grey and alpha with 16 bits.
    "TIFF": {"rgb48le": "rgb48le", "rgba64le": "rgba64le", "ya16le": "rgba64le"},
}
_OPTIONS = {"PNG": {"pred": "mixed"}, "TIFF": {"compression_algo": "deflate"}}
_AFTER_HEADER = 33  # bytes of a PNG's signature and its first chunk
_ENTRY = struct.Struct("<HHII")
_PROFILE_TAG, _BYTES = 34675, 7


def is_deep(frame: av.VideoFrame, kind: str) -> bool:
    """Whether a frame has 16 bits for each colour, and a format can hold them.

    Args:
        frame: The frame.
        kind: Pillow's name of the format.
    """
    return frame.format.name in _ENCODERS.get(kind, {})


def encode_deep(frame: av.VideoFrame, kind: str, profile: bytes) -> bytes:
    """Return a whole file of a frame for which `is_deep` is true.

    Args:
        frame: The frame.
        kind: ``PNG`` or ``TIFF``.
        profile: Colour profile to put into it; may be empty.
    """
    import av

    encoder = av.CodecContext.create(kind.lower(), "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = frame.width, frame.height
    encoder.time_base = Fraction(1, 25)
    encoder.pix_fmt = _ENCODERS[kind][frame.format.name]
    encoder.options = _OPTIONS[kind]
    fitted = frame.reformat(format=encoder.pix_fmt)
    fitted.pts = None
    data = b"".join(bytes(packet) for packet in [*encoder.encode(fitted), *encoder.encode(None)])
    if not profile:
        return data
    return _png_with(data, profile) if kind == "PNG" else _tiff_with(data, profile)


def _png_with(data: bytes, profile: bytes) -> bytes:
    """Put a profile behind the header, where the PNG standard wants it."""
    body = b"iCCP" + b"profile\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:_AFTER_HEADER] + chunk + data[_AFTER_HEADER:]


def _tiff_with(data: bytes, profile: bytes) -> bytes:
    """Write the directory again at the end, with the profile in it; the first one stays unused."""
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [_ENTRY.unpack_from(data, start + 2 + _ENTRY.size * i) for i in range(count)]
    data += bytes(len(data) % 2)
    entries.append((_PROFILE_TAG, _BYTES, len(profile), len(data)))
    data += profile + bytes(len(profile) % 2)
    directory = struct.pack("<H", len(entries))
    directory += b"".join(_ENTRY.pack(*entry) for entry in sorted(entries)) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + directory
