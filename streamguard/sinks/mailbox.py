"""The newest redacted frame, and sound where it is wanted, in memory that processes share.

One process writes; any number read. Nobody ever waits for anybody, and every one of them may
be killed at any moment: the writer turns through three slots and names the newest one last,
a reader that was overtaken reads again. What is in a mailbox has been through redaction.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from fractions import Fraction
from multiprocessing.shared_memory import SharedMemory
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from streamguard.frames import RedactedFrame
from streamguard.planes import native_layout
from streamguard.sinks import soundring
from streamguard.sinks.soundring import SoundRing

if TYPE_CHECKING:
    import av

TIME_BASE = Fraction(1, 90_000)
PIX_FMT = "yuv420p"

_SLOTS = 3
_HEADER = 256
_REASON = slice(64, 192)
_NEWEST, _BEAT, _SHOWN = range(3)
_SEQUENCE, _CAPTURED, _WRITTEN, _COVERED = range(4)
_FULL_RANGE = 2
_TRIES = 4
_BLACK = (16, 128, 128)

Plane = NDArray[np.uint8]
Picture: TypeAlias = "av.VideoFrame"


@dataclass(frozen=True, slots=True)
class Letter:
    """One redacted frame out of a mailbox.

    Attributes:
        sequence: Counts the frames written, from 1.
        picture: A copy of its pixels, ``yuv420p``.
        captured: `time.monotonic` when the frame came in from the source.
        written: `time.monotonic` when it was put into the mailbox.
        whole: Whether the whole frame is covered.
    """

    sequence: int
    picture: av.VideoFrame
    captured: float
    written: float
    whole: bool


class Mailbox:
    """Room for frames of one size in shared memory; make it with `create` or `attach`.

    Attributes:
        width: Width of every frame in pixels, even.
        height: Height of every frame, even.
        sound: Encoded sound; empty unless it is to be copied.
    """

    def __init__(self, memory: SharedMemory, width: int, height: int, *, owner: bool) -> None:
        self.width, self.height = width, height
        self._memory = memory
        self._owner = owner
        room = memory.buf
        if room is None:
            raise ValueError("the shared memory is closed")
        self._header = np.frombuffer(room, np.int64, _HEADER // 8)
        self._reason = np.frombuffer(room, np.uint8, _HEADER)[_REASON]
        size = _slot_size(width, height)
        starts = [_HEADER + number * size for number in range(_SLOTS)]
        self._heads = [np.frombuffer(room, np.int64, 8, start) for start in starts]
        self._pictures = [_planes(room, start + 64, width, height) for start in starts]
        self.sound = SoundRing(room, starts[-1] + size)

    @classmethod
    def create(cls, width: int, height: int) -> Mailbox:
        """Make an empty mailbox; its size is rounded down to even numbers."""
        width, height = max(2, width // 2 * 2), max(2, height // 2 * 2)
        size = _HEADER + _SLOTS * _slot_size(width, height) + soundring.SIZE
        return cls(SharedMemory(create=True, size=size), width, height, owner=True)

    @classmethod
    def attach(cls, name: str, width: int, height: int) -> Mailbox:
        """Open the mailbox that another process made."""
        return cls(SharedMemory(name), width, height, owner=False)

    @property
    def name(self) -> str:
        """What `attach` needs, beside the size."""
        return self._memory.name

    @property
    def reason(self) -> str:
        """Why there is no newer frame, in a few words for the slate; empty if there is none."""
        return bytes(self._reason).rstrip(b"\0").decode("ascii", "replace")

    @reason.setter
    def reason(self, words: str) -> None:
        room = np.zeros(len(self._reason), np.uint8)
        text = words.encode("ascii", "replace")[: len(room)]
        room[: len(text)] = np.frombuffer(text, np.uint8)
        self._reason[...] = room

    @property
    def beat(self) -> float:
        """`time.monotonic` when the writing process last gave a sign of life."""
        return float(self._header[_BEAT]) / 1e9

    def alive(self) -> None:
        """Give a sign of life."""
        self._header[_BEAT] = time.monotonic_ns()

    @property
    def newest(self) -> int:
        """Number of the newest frame; 0 while there is none."""
        return int(self._header[_NEWEST])

    @property
    def shown(self) -> float:
        """`time.monotonic` when the newest frame that is no slate was put in; 0 before."""
        return float(self._header[_SHOWN]) / 1e9

    def write(self, frame: RedactedFrame, captured: float) -> None:
        """Put a frame in; an older one goes. Other sizes are fitted between black bars.

        Args:
            frame: What redaction made.
            captured: `time.monotonic` when it came in from the source.
        """
        sequence = self.newest + 1
        head, planes = self._heads[sequence % _SLOTS], self._pictures[sequence % _SLOTS]
        head[_SEQUENCE] = 0
        _paste(frame.picture, planes)
        now = time.monotonic_ns()
        head[_CAPTURED], head[_WRITTEN] = round(captured * 1e9), now
        head[_COVERED] = bool(frame.slate)
        head[_SEQUENCE] = sequence
        self._header[_NEWEST] = sequence
        self._header[_BEAT] = now
        if not frame.slate:
            self._header[_SHOWN] = now

    def read(self) -> Letter | None:
        """Return the newest frame, or None while there is none."""
        for _ in range(_TRIES):
            sequence = self.newest
            head, planes = self._heads[sequence % _SLOTS], self._pictures[sequence % _SLOTS]
            if not sequence:
                return None
            captured, written = int(head[_CAPTURED]) / 1e9, int(head[_WRITTEN]) / 1e9
            whole = bool(head[_COVERED])
            picture = _picture_of(planes)
            if head[_SEQUENCE] == sequence:
                return Letter(sequence, picture, captured, written, whole)
        return None

    def close(self) -> None:
        """Let go of the memory; whoever made it also gives it back."""
        if self._pictures:
            self._heads.clear()
            self._pictures.clear()
            self._header = np.zeros(_HEADER // 8, np.int64)
            self._reason = np.zeros(128, np.uint8)
            self.sound.close()
            with contextlib.suppress(BufferError):
                self._memory.close()
            if self._owner:
                self._memory.unlink()


def _slot_size(width: int, height: int) -> int:
    return 64 + (width * height * 3 // 2 + 63) // 64 * 64


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


def _picture_of(planes: list[Plane]) -> av.VideoFrame:
    import av

    height, width = planes[0].shape
    picture = av.VideoFrame(width, height, PIX_FMT)
    for plane, view in zip(planes, _views(picture), strict=True):
        view[...] = plane
    return picture


def _views(picture: av.VideoFrame) -> list[Plane]:
    # One byte a sample, in this format.
    return cast("list[Plane]", native_layout(PIX_FMT).views(picture))
