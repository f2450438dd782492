"""Sound decoded and encoded again, where a container cannot hold it as it is."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

from streamguard.sinks.hushing import SoundSpans, SpanReplacer

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
_BITS = {"aac": 96_000, "libmp3lame": 96_000, "libopus": 64_000, "wmav1": 64_000, "wmav2": 64_000}
"""Bits per second and channel, where an encoder's own choice is poor or missing."""
# MXF takes this rate only.
_RATES = {"pcm_s16le": [48_000]}


class ConvertedAudio:
    """An audio track decoded and encoded again.

    Args:
        output: Where to.
        encoder: FFmpeg's name of the encoder.
        source: The track.
        spans: Where it is muted or bleeped, if anywhere.

    Attributes:
        stream: The track of the output.
        source: The track of the input.
    """

    def __init__(
        self,
        output: OutputContainer,
        encoder: str,
        source: AudioStream,
        spans: SoundSpans | None = None,
    ) -> None:
        self.source = source
        self._decoder = source.codec_context
        rate = _rate_for(encoder, self._decoder.sample_rate)
        self.stream = cast("AudioStream", output.add_stream(encoder, rate=rate))
        _set_up(self.stream.codec_context, encoder, self._decoder)
        self._hush = SpanReplacer(spans, source) if spans else None
        self._resampler: av.AudioResampler | None = None
        self._clock = SampleClock()
        self._evener = _Evener()

    def take(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Decode the packet; return what the encoder has ready.

        Raises:
            av.FFmpegError: The packet cannot be decoded.
        """
        frames = self._decoder.decode(packet)
        return [out for frame in frames if self._place(frame) for out in self._encode(frame)]

    def finish(self) -> list[av.Packet[Any]]:
        """Flush decoder and encoder."""
        import av

        try:
            frames = list(self._decoder.decode(None))
        except av.FFmpegError:
            log.debug("the last of the sound cannot be decoded")
            frames = []
        packets = [out for frame in frames if self._place(frame) for out in self._encode(frame)]
        if self._resampler is not None:
            packets += self._encode_all(self._resampler.resample(None))
        return packets + list(self.stream.encode(None))

    def _encode(self, frame: av.AudioFrame) -> list[av.Packet[Any]]:
        import av

        context = self.stream.codec_context
        if self._resampler is None:
            self._resampler = av.AudioResampler(
                context.format, context.layout, context.sample_rate, context.frame_size or None
            )
        resample = self._resampler.resample
        return [
            packet
            for even in self._evener.take(frame)
            for packet in self._encode_all(resample(even))
        ]

    def _encode_all(self, frames: Iterable[av.AudioFrame]) -> list[av.Packet[Any]]:
        return [packet for frame in frames for packet in self.stream.encode(frame)]

    def _place(self, frame: av.AudioFrame) -> bool:
        """Give a frame its time, and replace what nobody shall hear; tell if it is wanted."""
        told = self._clock.told(frame)
        wanted = self._clock.stamp(frame)
        if self._hush is not None and wanted:
            if self._clock.is_sure:
                self._hush.apply(frame, told)
            else:
                self._hush.silence(frame)
        return wanted


def can_encode(encoder: str, source: AudioStream) -> bool:
    """Whether there is such an encoder, and it takes what a track sounds like."""
    import av

    try:
        context = cast("AudioCodecContext", av.CodecContext.create(encoder, "w"))
        if context.codec.experimental:
            return False
        _set_up(context, encoder, source.codec_context)
        context.open()
    except (av.FFmpegError, ValueError):
        log.debug("%s does not take this sound", encoder)
        return False
    return True


class _Evener:
    """Gives all sound the form of its first frame: broadcasts change theirs midway."""

    def __init__(self) -> None:
        self._form: tuple[Any, ...] = ()
        self._now: tuple[Any, ...] = ()
        self._resampler: av.AudioResampler | None = None

    def take(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        """Return a frame in the form of the first one, with the time it had."""
        import av

        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        self._form = self._form or form
        if form == self._form:
            self._now = form
            return [frame]
        if form != self._now or self._resampler is None:
            self._now = form
            self._resampler = av.AudioResampler(*self._form)
        return self._resampler.resample(frame)


class SampleClock:
    """Counts sound by its samples, which is finer than the time stamps of many containers.

    Attributes:
        is_sure: Whether any frame so far told its time.
    """

    def __init__(self) -> None:
        self._due: Fraction | None = None
        self.is_sure = False

    @staticmethod
    def told(frame: av.AudioFrame) -> Fraction | None:
        """Return the time that a frame tells, in seconds."""
        if frame.pts is None or not frame.time_base:
            return None
        return frame.pts * frame.time_base

    def stamp(self, frame: av.AudioFrame) -> bool:
        """Set the frame's time; tell whether it is wanted, or lies where there is sound already."""
        rate = frame.sample_rate
        told = self.told(frame)
        self.is_sure = self.is_sure or told is not None
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


def _set_up(context: AudioCodecContext, encoder: str, decoder: AudioCodecContext) -> None:
    """Let an encoder take what a decoder gives, as far as it can."""
    context.sample_rate = _rate_for(encoder, decoder.sample_rate)
    context.layout = _layout_for(encoder, decoder)
    context.format = _format_for(encoder, decoder)
    context.time_base = Fraction(1, context.sample_rate)
    if bits := _BITS.get(encoder):
        context.bit_rate = bits * context.channels


def _format_for(encoder: str, decoder: AudioCodecContext) -> str:
    """Return the encoder's format: as many bits as the source's where there is a choice."""
    import av

    offered = [offer.name for offer in av.Codec(encoder, "w").audio_formats or ()]
    wanted = decoder.format.packed.name
    return next((name for name in offered if name.removesuffix("p") == wanted), offered[0])


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
