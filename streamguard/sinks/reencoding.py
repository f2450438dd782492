"""Sound decoded and encoded again, where a container cannot hold it as it is."""

from __future__ import annotations

import logging
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import av
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

log = logging.getLogger(__name__)

# Of sound that does not say where its channels are: FFmpeg's own defaults.
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_OUT_OF_STEP = Fraction(1, 20)
"""Seconds between a time stamp and the count of samples from which on the stamp is believed."""
# MXF takes this rate only.
_RATES = {"pcm_s16le": [48_000]}


class ConvertedAudio:
    """An audio track decoded and encoded again.

    Args:
        output: Where to.
        encoder: FFmpeg's name of the encoder.
        source: The track.

    Attributes:
        stream: The track of the output.
        source: The track of the input.
    """

    def __init__(self, output: OutputContainer, encoder: str, source: AudioStream) -> None:
        self.source = source
        self._decoder = source.codec_context
        rate = _rate_for(encoder, self._decoder.sample_rate)
        self.stream = cast("AudioStream", output.add_stream(encoder, rate=rate))
        self.stream.codec_context.layout = _layout_for(encoder, self._decoder)
        self.stream.codec_context.time_base = Fraction(1, rate)
        self._resampler: av.AudioResampler | None = None
        self._clock = SampleClock()

    def take(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Decode the packet; return what the encoder has ready.

        Raises:
            av.FFmpegError: The packet cannot be decoded.
        """
        return [out for frame in self._decoder.decode(packet) for out in self._encode(frame)]

    def finish(self) -> list[av.Packet[Any]]:
        """Flush decoder and encoder."""
        import av

        try:
            frames = list(self._decoder.decode(None))
        except av.FFmpegError:
            log.debug("the last of the sound cannot be decoded")
            frames = []
        packets = [out for frame in [*frames, None] for out in self._encode(frame)]
        return packets + list(self.stream.encode(None))

    def _encode(self, frame: av.AudioFrame | None) -> list[av.Packet[Any]]:
        import av

        if frame is not None and not self._clock.stamp(frame):
            return []
        context = self.stream.codec_context
        if self._resampler is None:
            if frame is None:
                return []
            self._resampler = av.AudioResampler(
                context.format, context.layout, context.sample_rate, context.frame_size or None
            )
        return [
            packet
            for resampled in self._resampler.resample(frame)
            for packet in self.stream.encode(resampled)
        ]


class SampleClock:
    """Counts sound by its samples, which is finer than the time stamps of many containers."""

    def __init__(self) -> None:
        self._due: Fraction | None = None

    def stamp(self, frame: av.AudioFrame) -> bool:
        """Set the frame's time; tell whether it is wanted, or lies where there is sound already."""
        rate = frame.sample_rate
        told = None
        if frame.pts is not None and frame.time_base:
            told = frame.pts * frame.time_base
        due = self._due
        if due is None:
            due = told if told is not None else Fraction(0)
        elif told is not None and told < due - _OUT_OF_STEP:
            return False
        elif told is not None and told > due + _OUT_OF_STEP:
            due = told
        frame.time_base = Fraction(1, rate)
        frame.pts = round(due * rate)
        self._due = due + Fraction(frame.samples, rate)
        return True


def _rate_for(encoder: str, rate: int) -> int:
    import av

    rates = _RATES.get(encoder) or av.Codec(encoder, "w").audio_rates
    if rates and rate not in rates:
        return min(rates, key=lambda known: (known < rate, abs(known - rate)))
    return rate


def _layout_for(encoder: str, decoder: AudioCodecContext) -> str:
    """Return the layout of channels to encode: the source's own where the encoder takes it."""
    channels = decoder.channels
    if encoder in ("libmp3lame", "mp2") and channels > 2:
        return "stereo"
    plain = _LAYOUTS.get(channels, "stereo")
    layout = decoder.layout.name
    return layout if layout in _LAYOUTS.values() else plain
