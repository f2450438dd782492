"""One clock for all tracks of a file, also where the file's own clock jumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.stream import Stream

_BACK = Fraction(1, 20)
"""Seconds that a decoding time may lie behind its predecessor: less is jitter, more is a jump."""
_GUESSED_BACK = Fraction(3, 10)
"""The same for formats that store no decoding time: FFmpeg guesses it, badly at times."""
_REORDERED = 6
"""Pictures that a guessed decoding order may lie behind."""
_GAP = Fraction(10)
"""Seconds without a packet that a broadcast never has."""
_NEAR = Fraction(3, 100)
"""Seconds from where a packet is expected within which no other offset is tried."""

_BROADCASTS = frozenset(("mpegts", "mpeg", "flv", "live_flv"))
"""Formats, by FFmpeg's names, that are often joined from pieces, and have no pauses."""
_PRIMING = Fraction(-1, 10)


@dataclass(slots=True)
class _TrackClock:
    """Where one track is: the offset it uses, and the time its next packet is due."""

    epoch: int
    due: Fraction


class ClockJoiner:
    """Tells what to add to a packet's times so that the time of all tracks goes on steadily.

    A jump is found by the track that sees it first. Its offset counts for all tracks, so that
    picture and sound stay together; each takes it over when its own packets have jumped.

    Args:
        start: Time of the first packet in seconds; it becomes zero.
        broadcast: Whether every packet bears its decoding time, and a gap is a fault, not a pause.
    """

    def __init__(self, start: Fraction, *, broadcast: bool = False) -> None:
        self._broadcast = broadcast
        self._offsets = [-start]
        self._clocks: dict[int, _TrackClock] = {}
        self._end: Fraction | None = None

    @property
    def jumps(self) -> int:
        """How often the clock jumped so far."""
        return len(self._offsets) - 1

    def shift(
        self,
        track: int,
        dts: Fraction | None,
        pts: Fraction | None,
        duration: Fraction = Fraction(0),
        *,
        sparse: bool = False,
    ) -> Fraction:
        """Return the seconds to add to the times of a track's next packet.

        Args:
            track: Which track it is.
            dts: Decoding time in seconds, or None if not told.
            pts: Presentation time in seconds, or None if not told.
            duration: Seconds it lasts; 0 if not told.
            sparse: Whether the track is silent for long (subtitles), and so tells no jump.
        """
        stamp = dts if dts is not None else pts
        shown = pts if pts is not None else stamp
        if stamp is None or shown is None:
            return self._offsets[-1]
        clock = self._clocks.get(track)
        if clock is None:
            # How far apart tracks are stored tells nothing: the first packet of each is believed.
            clock = _TrackClock(self.jumps, stamp + self._offsets[-1])
            self._clocks[track] = clock
        end = clock.due if self._end is None else self._end
        if sparse:
            clock.due = end
        clock.epoch = self._nearest(clock, stamp)
        if not sparse and not self._fits(clock, stamp, duration, end):
            self._offsets.append(end - shown)
            clock.epoch = self.jumps
        offset = self._offsets[clock.epoch]
        clock.due = stamp + offset + duration
        self._end = max(end, shown + offset + duration)
        return offset

    def epoch_of(self, track: int) -> int | None:
        """Return how many jumps a track has made; None before its first packet."""
        clock = self._clocks.get(track)
        return None if clock is None else clock.epoch

    def _nearest(self, clock: _TrackClock, stamp: Fraction) -> int:
        """Return the offset that brings a packet nearest to where it is expected."""

        def distance(epoch: int) -> Fraction:
            return abs(stamp + self._offsets[epoch] - clock.due)

        if distance(clock.epoch) <= _NEAR:
            return clock.epoch
        return min(range(len(self._offsets)), key=lambda epoch: (distance(epoch), -epoch))

    def _fits(self, clock: _TrackClock, stamp: Fraction, duration: Fraction, end: Fraction) -> bool:
        shifted = stamp + self._offsets[clock.epoch]
        back = _BACK if self._broadcast else max(_GUESSED_BACK, _REORDERED * duration)
        if shifted < clock.due - back:
            return False
        return not self._broadcast or shifted <= max(clock.due, end) + _GAP


def joiner_of(container: InputContainer, tracks: Sequence[Stream], cut: Fraction) -> ClockJoiner:
    """Return the offsets for some tracks of a file.

    Args:
        container: The file.
        tracks: Those that are read.
        cut: Seconds from the file's start that become zero.
    """
    broadcast = not _BROADCASTS.isdisjoint(container.format.name.split(","))
    return ClockJoiner(start_of(tracks) + cut, broadcast=broadcast)


def start_of(tracks: Sequence[Stream]) -> Fraction:
    """Return when the first of some tracks starts, in seconds; 0 where that is a little before."""
    starts = [
        track.start_time * track.time_base
        for track in tracks
        if track.start_time is not None and track.time_base
    ]
    start = min(starts, default=Fraction(0))
    # Sound often begins a few milliseconds early on purpose: its decoder needs them.
    return Fraction(0) if _PRIMING < start < 0 else Fraction(start)


def shift_packet(joiner: ClockJoiner, packet: av.Packet[Any]) -> bool:
    """Bring the times of a track's next packet onto the one clock.

    Returns:
        Whether the track's own clock jumped here.
    """
    unit = packet.time_base
    if not unit:
        return False
    before = joiner.epoch_of(packet.stream_index)
    dts, pts = packet.dts, packet.pts
    offset = joiner.shift(
        packet.stream_index,
        None if dts is None else dts * unit,
        None if pts is None else pts * unit,
        (packet.duration or 0) * unit,
        sparse=packet.stream.type == "subtitle",
    )
    ticks = round(offset / unit)
    packet.dts = None if dts is None else dts + ticks
    packet.pts = None if pts is None else pts + ticks
    return before not in (None, joiner.epoch_of(packet.stream_index))
