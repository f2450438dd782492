"""Spans of sound that are muted or bleeped, and the lines of text that may tell what was said."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, inf
from typing import TYPE_CHECKING, Any

import numpy as np

from streamguard.media.traits import codec_of
from streamguard.settings import SoundChange, SoundSpan

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream
    from numpy.typing import NDArray

MOST_CHANNELS = 8
"""PyAV reads beyond the end of a frame of more, where each has a plane of its own."""
_TONE, _LOUDNESS = 1000, 0.125
"""Hertz of a bleep, and its peak as a share of the loudest sound there is."""
_ROUNDING = 0.005
"""Seconds by which a span is widened at least: many containers count in milliseconds."""
_WINDOW = 0.05
"""Seconds by which it is widened at least where sound is lossy: long blocks of most codecs."""
_SAMPLES = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}


class SoundSpans:
    """Where an output's sound is muted or bleeped.

    Args:
        spans: Spans, in seconds from the first picture. Where they overlap, the last one counts.

    Attributes:
        is_placed: Whether it is known when the first picture is shown.
    """

    def __init__(self, spans: Sequence[SoundSpan]) -> None:
        self._kinds = [span.kind for span in spans]
        self._first = np.array([span.start if span.start else -inf for span in spans], np.float64)
        self._last = np.array([span.end for span in spans], np.float64)
        self.is_placed = False

    def __len__(self) -> int:
        return len(self._kinds)

    def place(self, begin: Fraction) -> None:
        """Say when the first picture is shown, in seconds on the clock of all packets."""
        self._first += float(begin)
        self._last += float(begin)
        self.is_placed = True

    def touching(self, start: float, end: float) -> list[tuple[float, float, SoundChange]]:
        """Return the spans that touch a time, as seconds on the clock of all packets.

        A span that starts with the first picture takes in what is heard before it.
        """
        found = np.flatnonzero((self._first <= end) & (self._last >= start))
        return [(float(self._first[n]), float(self._last[n]), self._kinds[n]) for n in found]

    def tell(self, packet: av.Packet[Any]) -> bool:
        """Whether a line of text may tell what is said in a span.

        One that does not say how long it lasts counts as lasting for ever.
        """
        if packet.pts is None or not packet.time_base:
            return True
        start = float(packet.pts * packet.time_base)
        lasts = float(packet.duration * packet.time_base) if packet.duration else inf
        return bool(self.touching(start, start + lasts))


class SpanReplacer:
    """Replaces what one track says in spans, once it is decoded and before it is encoded.

    Spans are widened: a lossy decoder spreads a sound over the window of its transform.

    Args:
        spans: Where.
        track: The track.
    """

    def __init__(self, spans: SoundSpans, track: AudioStream) -> None:
        self._spans = spans
        self._blocks = not _is_exact(track)
        self._reach = _WINDOW if self._blocks else _ROUNDING

    def apply(self, frame: av.AudioFrame, told: Fraction | None) -> None:
        """Replace the samples that lie in a span.

        Args:
            frame: Decoded sound, with the time at which it will be heard; changed in place.
            told: When it was to be heard in the source, in seconds; None if that is not known.
                What lies in a span by either time is replaced.
        """
        lasts = frame.samples / frame.sample_rate
        if self._blocks:
            # Its own block and the one that overlaps it.
            self._reach = max(self._reach, 2 * lasts)
        for start in {frame.time or 0.0, float(told if told is not None else frame.time or 0.0)}:
            spans = self._spans.touching(start - self._reach, start + lasts + self._reach)
            for first, last, kind in spans:
                self._replace(frame, first - self._reach - start, last + self._reach - start, kind)

    def silence(self, frame: av.AudioFrame) -> None:
        """Replace all of it."""
        self._replace(frame, -inf, inf, SoundChange.MUTE)

    def _replace(self, frame: av.AudioFrame, start: float, end: float, change: SoundChange) -> None:
        """Replace the samples between two times, in seconds from the frame's first sample."""
        count, rate = frame.samples, frame.sample_rate
        first, last = max(0, floor(max(start, -1) * rate)), min(count, ceil(min(end, 1e6) * rate))
        if first >= last:
            return
        kind = np.dtype(_SAMPLES[frame.format.packed.name])
        new = _samples(kind, (frame.pts or 0) + np.arange(first, last), rate, change)
        for samples in _writable(frame, kind):
            samples[first:last] = new[:, None]


def _writable(frame: av.AudioFrame, kind: np.dtype[Any]) -> list[NDArray[Any]]:
    """Return a frame's samples as arrays that change it, of shape ``(samples, channels)``.

    Raises:
        av.InvalidDataError: It has more channels than PyAV lays bare.
    """
    import av

    count, channels = frame.samples, frame.layout.nb_channels
    if channels > MOST_CHANNELS:
        raise av.error.InvalidDataError(errno.EINVAL, f"{channels} channels of sound")
    frame.make_writable()
    width = 1 if frame.format.is_planar else channels
    # Of eight planes PyAV names nine.
    planes = frame.planes[: channels // width]
    return [
        np.frombuffer(memoryview(plane), kind, count * width).reshape(count, width)
        for plane in planes
    ]


def _samples(
    kind: np.dtype[Any], at: NDArray[np.int64], rate: int, change: SoundChange
) -> NDArray[Any]:
    """Return what is heard instead, for samples counted from the beginning."""
    level = _LOUDNESS if change is SoundChange.BLEEP else 0.0
    wave = level * np.sin(2 * np.pi * _TONE * (at % rate) / rate)
    if kind.kind == "f":
        return wave.astype(kind)
    middle = 128 if kind.kind == "u" else 0
    return (middle + wave * 2.0 ** (8 * kind.itemsize - 1)).astype(kind)


def _is_exact(track: AudioStream) -> bool:
    """Whether each sample of a track tells of itself alone, or is as it was."""
    codec = track.codec_context.codec
    exact = codec.lossless and not codec.lossy
    return exact or codec_of(track).startswith(("pcm_", "adpcm_"))
