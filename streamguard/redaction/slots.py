"""Where a redacted frame lies between two processes: its picture, and a stamp that vouches for it.

Only a redacted frame can be put into a slot, and only a picture whose stamp is right comes out
of it as one. So a sink in another process is given redacted frames, and nothing else, too.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from streamguard.frames import RedactedFrame
from streamguard.geometry import Box
from streamguard.media.planes import native_layout

if TYPE_CHECKING:
    import av

PIX_FMT = "yuv420p"

_HEAD = 192
_SLATE, _STAMP = slice(64, 128), slice(128, 144)
_SEQUENCE, _CAPTURED, _WRITTEN = range(3)
_FULL_RANGE = 2
_BLACK = (16, 128, 128)

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MailboxFrame:
    """One redacted frame out of a slot.

    Attributes:
        sequence: Counts the frames written, from 1; also the frame's ``index``.
        frame: A copy of its pixels, ``yuv420p``.
        captured: `time.monotonic_ns` when the frame came in from the source.
        written: `time.monotonic_ns` when it was put in.
    """

    sequence: int
    frame: RedactedFrame
    captured: int
    written: int


def slot_size(width: int, height: int) -> int:
    """Return the bytes that a slot takes."""
    return _HEAD + (width * height * 3 // 2 + 63) // 64 * 64


class Slot:
    """Room for one frame in memory that processes share.

    Args:
        room: The memory.
        start: Where the slot begins in it.
        size: Width and height of the frame in pixels, even.
        name: Of the memory; a stamp made for another one does not count here.
    """

    def __init__(self, room: memoryview, start: int, size: tuple[int, int], name: str) -> None:
        self._key = hashlib.blake2s(f"{name} {size}".encode()).digest()
        head = np.frombuffer(room, np.uint8, _HEAD, start)
        self._numbers = head[:64].view(np.int64)
        self._slate, self._stamp = head[_SLATE], head[_STAMP]
        self._planes = _planes(room, start + _HEAD, *size)

    def write(self, frame: RedactedFrame, sequence: int, captured: int) -> int:
        """Put a frame in and stamp it; return when, as of `time.monotonic_ns`.

        Args:
            frame: What redaction made; other sizes are fitted between black bars.
            sequence: Its number, more than 0.
            captured: `time.monotonic_ns` when it came in from the source.
        """
        # Until the stamp is there, the slot is empty.
        self._numbers[_SEQUENCE] = 0
        _paste(frame.picture, self._planes)
        words = frame.slate.encode("ascii", "replace")[:64].ljust(64, b"\0")
        now = time.monotonic_ns()
        self._slate[...] = np.frombuffer(words, np.uint8)
        self._numbers[_CAPTURED], self._numbers[_WRITTEN] = captured, now
        self._stamp[...] = np.frombuffer(self._seal(sequence, self._planes), np.uint8)
        self._numbers[_SEQUENCE] = sequence
        return now

    def read(self, sequence: int) -> MailboxFrame | None:
        """Return a copy of the frame of that number; None if another one or no valid one is here.

        The stamp is checked on the copy: whoever writes meanwhile cannot change that any more.
        """
        if self._numbers[_SEQUENCE] != sequence:
            return None
        captured, written = int(self._numbers[_CAPTURED]), int(self._numbers[_WRITTEN])
        slate = bytes(self._slate).rstrip(b"\0").decode("ascii", "replace")
        picture, copied = _copy(self._planes)
        if self._seal(sequence, copied) != bytes(self._stamp):
            return None
        boxes = (Box(0, 0, picture.width, picture.height),) if slate else ()
        frame = RedactedFrame(picture, sequence, boxes, slate)
        return MailboxFrame(sequence, frame, captured, written)

    def _seal(self, sequence: int, planes: list[Plane]) -> bytes:
        """Return the stamp that these pixels and the head's words must have."""
        checksum = 0
        for plane in planes:
            checksum = zlib.crc32(np.ascontiguousarray(plane).data, checksum)
        words = (sequence, *self._numbers[_CAPTURED : _WRITTEN + 1].tolist(), checksum)
        text = f"{words}".encode() + bytes(self._slate)
        return hashlib.blake2s(text, key=self._key, digest_size=16).digest()


def _planes(room: memoryview, start: int, width: int, height: int) -> list[Plane]:
    planes = []
    for columns, rows in ((width, height), (width // 2, height // 2), (width // 2, height // 2)):
        count = columns * rows
        planes.append(np.frombuffer(room, np.uint8, count, start).reshape(rows, columns))
        start += count
    return planes


def _paste(picture: av.VideoFrame, planes: list[Plane]) -> None:
    height, width = planes[0].shape
    fitted = _fitted(picture, width, height)
    x, y = (width - fitted.width) // 4 * 2, (height - fitted.height) // 4 * 2
    for number, (plane, view) in enumerate(zip(planes, _views(fitted), strict=True)):
        if view.shape == plane.shape:
            plane[...] = view
            continue
        half = 2 if number else 1
        plane[...] = _BLACK[number]
        rows, columns = view.shape
        plane[y // half : y // half + rows, x // half : x // half + columns] = view


def _fitted(picture: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """Return the picture in this format, limited range, as large as fits."""
    full = picture.format.name.startswith("yuvj") or picture.color_range == _FULL_RANGE
    full = full and not picture.format.is_rgb
    scale = min(width / picture.width, height / picture.height)
    columns, rows = _room(picture.width, width, scale), _room(picture.height, height, scale)
    same = (picture.width, picture.height) == (columns, rows)
    if same and picture.format.name == PIX_FMT and not full:
        return picture
    return picture.reformat(
        columns,
        rows,
        PIX_FMT,
        src_color_range="JPEG" if full else None,
        dst_color_range="MPEG" if full else None,
        interpolation="BICUBIC",
    )


def _room(side: int, room: int, scale: float) -> int:
    """Return a side once scaled, even; a pixel of difference comes of rounding: no bars for it."""
    return room if abs(side * scale - room) < 2 else max(2, int(side * scale) // 2 * 2)


def _copy(planes: list[Plane]) -> tuple[av.VideoFrame, list[Plane]]:
    """Return a picture of one's own, and views of its planes."""
    import av

    height, width = planes[0].shape
    picture = av.VideoFrame(width, height, PIX_FMT)
    views = _views(picture)
    for plane, view in zip(planes, views, strict=True):
        view[...] = plane
    return picture, views


def _views(picture: av.VideoFrame) -> list[Plane]:
    # One byte a sample, in this format.
    return cast("list[Plane]", native_layout(PIX_FMT).views(picture))
