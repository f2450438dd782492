"""The part of a video that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamguard.errors import UsageError
from streamguard.frames import VideoInfo
from streamguard.settings import InputSettings

if TYPE_CHECKING:
    import av
    from av.stream import Stream

_TOLERANCE = Fraction(1, 2000)
"""Seconds by which a time stamp may be rounded."""
_INTERLEAVING = 10
"""Seconds that sound may be stored behind its picture."""


class Cut:
    """Tells what belongs to the part from ``start`` to ``end``, whose own time starts at zero.

    Args:
        options: Which part.
        tracks: The tracks of sound that have to reach the end.

    Attributes:
        start: Seconds from the beginning of the file.
    """

    def __init__(self, options: InputSettings, tracks: Sequence[Stream]) -> None:
        self.start = _exact(options.start)
        self._end = None if options.end is None else _exact(options.end)
        self._length = None if self._end is None else self._end - self.start
        self._sounding = {track.index for track in tracks if track.type == "audio"}
        self._shown = Fraction(0)
        self._first: Fraction | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.start and self._length is None

    @property
    def is_over(self) -> bool:
        """Whether nothing that belongs to the part can still come."""
        if self._length is None or self._shown < self._length:
            return False
        return not self._sounding or self._shown > self._length + _INTERLEAVING

    def place(self, time: Fraction) -> float | None:
        """Return the milliseconds from the part's first picture to this one.

        Args:
            time: The picture's time in seconds, counted from the part's start.

        Returns:
            None for a picture that does not belong to the part.
        """
        self._shown = max(self._shown, time)
        if not self._contains(time):
            return None
        if self._first is None:
            self._first = time
        return float((time - self._first) * 1000)

    def keeps(self, packet: av.Packet[Any]) -> bool:
        """Whether a packet of sound or text belongs to the part."""
        if self.is_whole or not packet.size:
            return bool(packet.size)
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            return False
        time = Fraction(stamp * packet.time_base)
        if self._length is not None and time >= self._length:
            self._sounding.discard(packet.stream_index)
        return self._contains(time)

    def info(self, info: VideoInfo) -> VideoInfo:
        """Return what is known of the part, from what is known of the whole."""
        if self.is_whole:
            return info
        end = info.duration if self._end is None else float(self._end)
        if end is not None and info.duration is not None:
            end = min(end, info.duration)
        duration = None if end is None else max(0.0, end - float(self.start))
        rate = info.frame_rate
        frames = None if duration is None or rate is None else round(duration * float(rate))
        return replace(info, duration=duration, frames=frames or None)

    def check(self, path: Path) -> None:
        """Check that there was a picture in the part, where not all of the file was asked for.

        Raises:
            UsageError: The file ends before.
        """
        if not self.is_whole and self._first is None:
            raise UsageError(
                f"no picture of {path} lies in the part that starts at {float(self.start):g} s",
                "Choose a part within the video; streamguard probe tells its duration",
            )

    def _contains(self, time: Fraction) -> bool:
        if time < -_TOLERANCE:
            return self.is_whole
        return self._length is None or time < self._length - _TOLERANCE


def _exact(seconds: float) -> Fraction:
    return Fraction(seconds).limit_denominator(1_000_000)
