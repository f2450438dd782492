"""Audio and text tracks on their way to the output: copied packet for packet, or converted."""

from __future__ import annotations

import logging
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, cast

from streamguard.sinks.containers import ContainerRules
from streamguard.sources.streams import codec_of, has_decoder

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

log = logging.getLogger(__name__)

_MILLISECOND = Fraction(1, 1000)
# Of sound that does not say where its channels are: FFmpeg's own defaults.
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
# MXF takes this rate only.
_RATES = {"pcm_s16le": [48_000]}
# AVI copies of AC-3 go out of step (their block size is lost), but AVI holds new AC-3.
_BETTER_ENCODER = {("avi", "ac3"): "ac3"}


class Track(Protocol):
    """One track of the output."""

    def take(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Return what to write for one packet of the source."""
        ...

    def finish(self) -> list[av.Packet[Any]]:
        """Return what was still held back."""
        ...


def add_track(
    output: OutputContainer, rules: ContainerRules, source: AudioStream | SubtitleStream
) -> tuple[Track | None, str]:
    """Add one track to an output, as it is if the container can hold it, else converted.

    Returns:
        The track, or None when it has to be dropped; and a word on it, empty when it is a copy.
    """
    from av.audio.stream import AudioStream
    from av.subtitles.stream import SubtitleStream

    codec = codec_of(source)
    if isinstance(source, AudioStream) and has_decoder(source) and not source.sample_rate:
        return None, "dropped, it is too damaged to tell its sample rate"
    if _holds(rules, source, codec):
        try:
            return Copied(output.add_stream_from_template(source), source), ""
        except ValueError:
            log.debug("%s does not hold %s", rules.format, codec)
    if isinstance(source, AudioStream) and has_decoder(source):
        encoder = _BETTER_ENCODER.get((rules.format, codec), rules.audio)
        return ConvertedAudio(output, encoder, source), f"{codec} → {_plain(encoder)}, re-encoded"
    if isinstance(source, SubtitleStream) and rules.subtitle and has_decoder(source):
        return ConvertedText(output, rules.subtitle, source), f"{codec} → {rules.subtitle}"
    return None, f"dropped, {rules.format} cannot hold it"


class Copied:
    """A track whose packets are written as they are."""

    def __init__(self, stream: Stream, source: Stream) -> None:
        self._stream = stream
        _keep_traits(stream, source)
        self._last_dts: int | None = None

    def take(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Return the packet, addressed to the output."""
        if packet.dts is None:
            packet.dts = packet.pts
        if packet.dts is None:
            return []
        if self._last_dts is not None and packet.dts <= self._last_dts:
            # Where recordings were joined, their sound overlaps by a few milliseconds.
            if packet.duration and self._stream.type == "audio":
                return []
            packet.dts = self._last_dts
        if packet.pts is None or packet.pts < packet.dts:
            packet.pts = packet.dts
        self._last_dts = packet.dts
        packet.stream = self._stream
        return [packet]

    def finish(self) -> list[av.Packet[Any]]:
        """Return nothing: nothing is held back."""
        return []


class ConvertedAudio:
    """An audio track decoded and encoded again."""

    def __init__(self, output: OutputContainer, encoder: str, source: AudioStream) -> None:
        import av

        self._decoder = source.codec_context
        rates = _RATES.get(encoder) or av.Codec(encoder, "w").audio_rates
        rate = self._decoder.sample_rate
        if rates and rate not in rates:
            rate = min(rates, key=lambda known: (known < rate, abs(known - rate)))
        self._stream = cast("AudioStream", output.add_stream(encoder, rate=rate))
        layout = self._decoder.layout.name
        if layout.endswith("channels"):
            layout = _LAYOUTS.get(self._decoder.channels, "stereo")
        if encoder in ("libmp3lame", "mp2") and self._decoder.channels > 2:
            layout = "stereo"
        self._stream.codec_context.layout = layout
        self._stream.codec_context.time_base = Fraction(1, rate)
        _keep_traits(self._stream, source)
        self._resampler: av.AudioResampler | None = None

    def take(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Decode the packet; return what the encoder has ready."""
        import av

        try:
            frames = self._decoder.decode(packet)
        except av.FFmpegError:
            log.debug("audio that cannot be decoded is left out")
            return []
        return [out for frame in frames for out in self._encode(frame)]

    def finish(self) -> list[av.Packet[Any]]:
        """Flush decoder and encoder."""
        frames = list(self._decoder.decode(None))
        packets = [out for frame in [*frames, None] for out in self._encode(frame)]
        return packets + list(self._stream.encode(None))

    def _encode(self, frame: av.AudioFrame | None) -> list[av.Packet[Any]]:
        import av

        context = self._stream.codec_context
        if self._resampler is None:
            if frame is None:
                return []
            self._resampler = av.AudioResampler(
                context.format, context.layout, context.sample_rate, context.frame_size or None
            )
        return [
            packet
            for resampled in self._resampler.resample(frame)
            for packet in self._stream.encode(resampled)
        ]


class ConvertedText:
    """A text subtitle track decoded and encoded again; each line keeps its time and duration."""

    def __init__(self, output: OutputContainer, encoder: str, source: SubtitleStream) -> None:
        self._decoder = source.codec_context
        self._decoder.open(strict=False)
        self._stream = cast("SubtitleStream", output.add_stream(encoder))
        self._stream.time_base = _MILLISECOND
        self._stream.codec_context.time_base = _MILLISECOND
        self._stream.codec_context.subtitle_header = self._decoder.subtitle_header
        _keep_traits(self._stream, source)

    def take(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Return the packet's lines in the new form."""
        import av
        from av.subtitles.subtitle import AssSubtitle, SubtitleSet

        if packet.pts is None or not packet.size:
            return []
        pts, duration = packet.pts, packet.duration or 0
        out = []
        try:
            decoded = self._decoder.decode2(packet)
            lines = [r.ass for r in decoded or () if isinstance(r, AssSubtitle)]
            for line in lines:
                subtitle = SubtitleSet.create(
                    line, 0, round(duration * packet.time_base * 1000), pts=0
                )
                new = self._stream.codec_context.encode_subtitle(subtitle)
                new.time_base = packet.time_base
                new.pts = new.dts = pts
                new.duration = duration
                new.stream = self._stream
                out.append(new)
        except av.FFmpegError:
            log.debug("a subtitle that cannot be converted is left out")
        return out

    def finish(self) -> list[av.Packet[Any]]:
        """Return nothing: nothing is held back."""
        return []


def _holds(rules: ContainerRules, source: Stream, codec: str) -> bool:
    if not has_decoder(source):
        return False
    if source.type == "subtitle":
        return codec in rules.text
    return rules.sound is None or codec in rules.sound


def _keep_traits(stream: Stream, source: Stream) -> None:
    stream.disposition = source.disposition
    if language := source.metadata.get("language"):
        stream.metadata["language"] = language


def _plain(encoder: str) -> str:
    return {"libmp3lame": "mp3", "libopus": "opus"}.get(encoder, encoder)
