"""Tells a film of JPEG pictures, one after the other in a file, from a photo."""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from pathlib import Path

_START = b"\xff\xd8\xff"
_END, _SCAN = 0xD9, 0xDA
_SIZES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SECOND_PICTURES = (b"MPF\0", b"hdrgm:", b"GContainer", b"http://ns.google.com/photos/")
"""Marks of photos that carry further pictures: of a burst, a stereo pair, gain or depth maps."""
_PADDING = 64


@dataclass(frozen=True, slots=True)
class _Picture:
    """One JPEG in a file: where it ends, its height and width as bytes, and its head."""

    end: int
    size: bytes
    head: bytes


def is_jpeg_film(path: Path) -> bool:
    """Whether a file that starts as a JPEG goes on with another of the same size.

    A photo with further pictures in it says so in its head, and stays a photo.

    Raises:
        OSError: It cannot be read.
    """
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        first = _picture(data, 0)
        if first is None or any(mark in first.head for mark in _SECOND_PICTURES):
            return False
        at = data.find(_START, first.end, first.end + _PADDING)
        second = _picture(data, at) if at >= 0 else None
        return second is not None and second.size == first.size


def _picture(data: mmap.mmap, at: int) -> _Picture | None:
    """Walk from marker to marker through one picture; None if it is not whole."""
    begin, size, head_end = at, b"", 0
    at += 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        if kind == _END:
            return _Picture(at + 2, size, data[begin : head_end or at])
        length = int.from_bytes(data[at + 2 : at + 4])
        if kind in _SIZES:
            size = data[at + 5 : at + 9]
        at += 2 + length
        if kind == _SCAN:
            head_end = head_end or at
            found = _AFTER_SCAN.search(data, at)
            if found is None:
                return None
            at = found.start()
    if data[at : at + 2] == b"\xff\xd9":
        return _Picture(at + 2, size, data[begin : head_end or at])
    return None
