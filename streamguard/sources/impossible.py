"""What no encoder writes: found in packets that decoders take without a word."""

from __future__ import annotations

import re

_ADAPTED, _PAYLOAD, _STARTS, _ANEW = 0x20, 0x10, 0x40, 0x80
_SYNC = 0x47
_TRANSPORT_SIZES = (188, 192, 204)
FAR = 4 * 2**20
"""Bytes that are sure to hold the first picture of a broadcast."""

# ITU-T H.264 and H.265, 7.4.2: within a NAL unit these bytes are escaped.
_IN_UNIT = re.compile(rb"\x00\x00[\x00-\x02]")
_IN_STREAM = re.compile(rb"\x00\x00(?:\x02|\x00+[^\x00\x01])")
_ENDS = (b"\0\0\1\x0a", b"\0\0\1\x0b", b"\0\0\1\x48\1", b"\0\0\1\x4a\1")
"""End of sequence and of stream, in H.264 and H.265."""
_EMPTY = bytes(256)
"""Arithmetic coding gives no such run; sectors that were never written do."""


class PacketCheck:
    """Looks at packets of one stream before they are decoded.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: The decoder's configuration.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self._codec = codec
        self._length = _length_size(codec, extradata or b"")

    def is_impossible(self, data: bytes) -> bool:
        """Whether a packet holds what its codec rules out."""
        if self._codec in ("vp8", "vp9"):
            return _EMPTY in data.rstrip(b"\0")
        if self._codec not in ("h264", "hevc"):
            return False
        if not self._length or data[:4] == b"\0\0\0\1":
            return self._stream_is_impossible(data)
        at = 0
        while at + self._length < len(data):
            start = at + self._length
            at = start + int.from_bytes(data[at:start], "big")
            if at > len(data):
                return True
            if at == start or not self._holds_picture(data[start]):
                continue
            if _IN_UNIT.search(data, start, start + _length_of(data[start:at])):
                return True
        return False

    def _stream_is_impossible(self, data: bytes) -> bool:
        for found in _IN_STREAM.finditer(data):
            start = data.rfind(b"\0\0\1", 0, found.start() + 1)
            if start >= 0 and self._holds_picture(data[start + 3]):
                return True
        return False

    def _holds_picture(self, header: int) -> bool:
        # What else there is some encoders write carelessly, and nothing is predicted from it.
        return 1 <= header & 31 <= 5 if self._codec == "h264" else header >> 1 & 63 < 32


def _length_of(unit: bytes) -> int:
    """Return the length of a NAL unit without what some writers leave behind it."""
    unit = unit.rstrip(b"\0")
    for end in _ENDS:
        unit = unit.removesuffix(end).rstrip(b"\0")
    return len(unit)


def _length_size(codec: str, extradata: bytes) -> int:
    """Return how many bytes tell a NAL unit's size; 0 for start codes between them."""
    at = {"h264": 4, "hevc": 21}.get(codec)
    if at is None or len(extradata) <= at or extradata[0] != 1:
        return 0
    return (extradata[at] & 3) + 1


def first_piece_is_cut(data: bytes, pid: int) -> bool:
    """Whether counters jump within the first piece of a track of MPEG-TS.

    FFmpeg watches them, but for that first one, which most often is the first key picture.

    Args:
        data: The beginning of the file.
        pid: The track.
    """
    size = next((size for size in _TRANSPORT_SIZES if _is_transport(data, size)), 0)
    if not size:
        return False
    last: int | None = None
    for at in range(data.find(_SYNC), len(data) - 188, size):
        head = data[at : at + 6]
        if head[0] != _SYNC or (head[1] & 31) << 8 | head[2] != pid or not head[3] & _PAYLOAD:
            continue
        counter, starts = head[3] & 15, bool(head[1] & _STARTS)
        if last is None:
            last = counter if starts else None
            continue
        anew = head[3] & _ADAPTED and head[4] and head[5] & _ANEW
        if not anew and counter not in (last, (last + 1) % 16):
            return True
        if starts:
            return False
        last = counter
    return False


def _is_transport(data: bytes, size: int) -> bool:
    start = data.find(_SYNC)
    marks = data[start : start + 8 * size : size]
    return start >= 0 and len(marks) >= 4 and set(marks) == {_SYNC}
