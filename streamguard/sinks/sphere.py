"""The mark of 360° videos in MP4 and MOV, which FFmpeg's muxer writes from data we cannot hand it.

Boxes: ISO/IEC 14496-12. The mark: Google's Spherical Video RFC, version 1, a ``uuid`` box at the
end of the video's ``trak``.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_UUID = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
_XML = b"""<?xml version="1.0"?>
<rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" \
xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">
<GSpherical:Spherical>true</GSpherical:Spherical>
<GSpherical:Stitched>true</GSpherical:Stitched>
<GSpherical:StitchingSoftware>unknown</GSpherical:StitchingSoftware>
<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>%b
</rdf:SphericalVideo>"""
STEREO_MODES = {1: b"left-right", 2: b"top-bottom"}
"""What the mark can say of two pictures in one, by FFmpeg's numbers."""
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def mark_as_sphere(path: Path, made: Path, stereo: int = 0) -> bool:
    """Copy a finished MP4 file, with its video marked as equirectangular.

    Args:
        path: The file; its ``moov`` box comes before the media.
        made: The copy.
        stereo: How two pictures lie in one, one of `STEREO_MODES`; 0 is a single picture.

    Returns:
        Whether there was a place for the mark; if not, nothing was made.
    """
    with path.open("rb") as file:
        boxes = list(_top_boxes(file))
        moov = next((box for box in boxes if box[0] == b"moov"), None)
        if moov is None:
            return False
        _, start, size = moov
        file.seek(start)
        marked = _marked(file.read(size), start, _mark(stereo))
        if marked is None:
            return False
        with made.open("wb") as output:
            file.seek(0)
            output.write(file.read(start))
            output.write(marked)
            file.seek(start + size)
            shutil.copyfileobj(file, output, 2**20)
    return True


def _top_boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and size in bytes of the boxes of a file."""
    at = 0
    end = file.seek(0, 2)
    while at + 8 <= end:
        file.seek(at)
        head = file.read(16)
        size, kind = struct.unpack(">I4s", head[:8])
        if size == 1 and len(head) == 16:
            size = struct.unpack(">Q", head[8:])[0]
        size = size or end - at
        if size < 8:
            return
        yield kind, at, size
        at += size


def _inner(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the boxes between two places."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > end:
            return
        yield kind, start, start + size
        start += size


def _mark(stereo: int) -> bytes:
    mode = STEREO_MODES.get(stereo, b"")
    text = _XML % (mode and b"\n<GSpherical:StereoMode>%b</GSpherical:StereoMode>" % mode)
    return struct.pack(">I4s", 24 + len(text), b"uuid") + _UUID + text


def _marked(moov: bytes, place: int, mark: bytes) -> bytes | None:
    """Return a ``moov`` box with the mark, its chunk offsets moved on accordingly."""
    track = next(
        (box for box in _inner(moov, 8, len(moov)) if box[0] == b"trak" and _is_video(moov, box)),
        None,
    )
    if track is None:
        return None
    _, start, end = track
    data = bytearray(moov)
    _move_chunks(data, 8, len(moov), place, len(mark))
    struct.pack_into(">I", data, 0, len(moov) + len(mark))
    struct.pack_into(">I", data, start, end - start + len(mark))
    return bytes(data[:end] + mark + data[end:])


def _is_video(moov: bytes, track: tuple[bytes, int, int]) -> bool:
    _, start, end = track
    return any(
        moov[at + 16 : at + 20] == b"vide"
        for kind, begin, stop in _inner(moov, start + 8, end)
        if kind == b"mdia"
        for name, at, _ in _inner(moov, begin + 8, stop)
        if name == b"hdlr"
    )


def _move_chunks(data: bytearray, start: int, end: int, place: int, by: int) -> None:
    for kind, begin, stop in list(_inner(bytes(data), start, end)):
        if kind in _CONTAINERS:
            _move_chunks(data, begin + 8, stop, place, by)
        elif kind in (b"stco", b"co64"):
            form = ">%d" + ("I" if kind == b"stco" else "Q")
            count = struct.unpack_from(">I", data, begin + 12)[0]
            offsets = struct.unpack_from(form % count, data, begin + 16)
            moved = [offset + by if offset > place else offset for offset in offsets]
            struct.pack_into(form % count, data, begin + 16, *moved)
