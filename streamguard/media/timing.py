"""Time stamps that are there, and that only go up; and pictures that come when they are due."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

from streamguard.frames import VideoInfo

if TYPE_CHECKING:
    import av

SECOND = 1_000_000_000
"""Nanoseconds of a second: live time is counted in whole nanoseconds of `time.monotonic_ns`."""
NANOSECOND = Fraction(1, SECOND)
_FALLBACK_RATE = Fraction(25)
_CATCHES_UP = Fraction(3, 10)
"""Seconds that stamps may run behind and still be caught up with."""
_MOST_AHEAD = 2.0
"""Seconds of pictures in hand beyond which time stamps have jumped, and are not waited for."""


def converted(ticks: int, unit: Fraction, wanted: Fraction) -> int:
    """Return a time that counts ``unit`` in another unit, to the nearest; both in seconds."""
    return round(ticks * unit / wanted)


class Clock:
    """Gives every picture a time stamp later than the one before.

    Stamps that are missing are replaced by the one before plus its duration. Those that run
    backwards follow closely, until time has caught up with them: sound does not wait.

    Args:
        info: What the video is like.
        begin: Time of a first picture without a stamp, in seconds.
    """

    def __init__(self, info: VideoInfo, begin: Fraction = Fraction(0)) -> None:
        self._time_base = info.time_base
        step = 1 / ((info.frame_rate or _FALLBACK_RATE) * info.time_base)
        self._step = max(1, round(step))
        self._next = round(begin / info.time_base)
        self._last: int | None = None

    def stamp(self, picture: av.VideoFrame) -> Fraction:
        """Set the picture's ``pts`` if need be; return it in seconds."""
        pts = self._in_time_base(picture)
        if pts is None:
            pts = self._next
        elif self._last is not None and pts <= self._last:
            late = (self._last - pts) * self._time_base
            pts = self._last + max(1, self._step // 4) if late < _CATCHES_UP else self._next
        picture.pts = pts
        picture.time_base = self._time_base
        self._last = pts
        self._next = pts + (picture.duration or self._step)
        return pts * self._time_base

    def _in_time_base(self, picture: av.VideoFrame) -> int | None:
        if picture.pts is None or not picture.time_base:
            return picture.pts
        if picture.time_base == self._time_base:
            return picture.pts
        return converted(picture.pts, picture.time_base, self._time_base)


class Pace:
    """Slows down what comes faster than it is meant to be shown: files, and generated pictures."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._offset: float | None = None

    def seconds(self, picture: av.VideoFrame) -> float:
        """Return how long to wait before a picture is due."""
        if picture.pts is None or not picture.time_base:
            return 0.0
        due, now = float(picture.pts * picture.time_base), self._clock()
        ahead = 0.0 if self._offset is None else due + self._offset - now
        if self._offset is None or ahead < 0 or ahead > _MOST_AHEAD:
            self._offset = now - due
            return 0.0
        return ahead
