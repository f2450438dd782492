"""Audio and text tracks on their way to the output: copied packet for packet, or converted."""

from __future__ import annotations

import logging
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, cast

from streamguard.media.containers import ContainerRules
from streamguard.media.traits import codec_of, has_decoder
from streamguard.sinks.hushing import MOST_CHANNELS, SoundSpans
from streamguard.sinks.reencoding import ConvertedAudio, can_encode
from streamguard.sources.hearing import NO_SOUND

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream

log = logging.getLogger(__name__)

_MILLISECOND = Fraction(1, 1000)
# AVI copies of AC-3 go out of step (their block size is lost), but AVI holds new AC-3.
_BETTER_ENCODER = {("avi", "ac3"): "ac3"}
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus"}


class OutputTrack(Protocol):
    """One track of the output."""

    @property
    def stream(self) -> Stream:
        """The track as it is written."""
        ...

    @property
    def source(self) -> Stream:
        """The track as it is read."""
        ...

    def take(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Return what to write for one packet of the source."""
        ...

    def finish(self) -> list[av.Packet[Any]]:
        """Return what was still held back."""
        ...


def add_track(
    output: OutputContainer,
    rules: ContainerRules,
    source: AudioStream | SubtitleStream,
    silent: str = "",
    spans: SoundSpans | None = None,
) -> tuple[OutputTrack | None, str]:
    """Add one track to an output, as it is if the container can hold it, else converted.

    Sound that is muted or bleeped in places is always encoded again, from its start to its end.

    Args:
        output: Where to.
        rules: What it can hold.
        source: The track.
        silent: Why the track gives no sound once decoded; empty if it does.
        spans: Where sound is muted or bleeped, if anywhere.

    Returns:
        The track, or None when it has to be dropped; and a word on it, empty when it is a copy.
    """
    from av.audio.stream import AudioStream
    from av.subtitles.stream import SubtitleStream

    codec = codec_of(source)
    if obstacle := _obstacle(source, silent):
        return None, f"dropped, {obstacle}"
    hushed = bool(spans) and source.type == "audio"
    if not hushed and _holds(rules, source, codec):
        try:
            return Copied(output.add_stream_from_template(source), source), ""
        except ValueError:
            log.debug("%s does not hold %s", rules.format, codec)
    reason = "it is to be muted" if hushed else f"{rules.format} cannot hold it"
    if silent:
        return None, f"dropped, {reason}, and {silent}"
    if isinstance(source, AudioStream) and has_decoder(source):
        return _converted(output, rules, source, spans)
    if isinstance(source, SubtitleStream) and rules.subtitle and has_decoder(source):
        return ConvertedText(output, rules.subtitle, source), f"{codec} → {rules.subtitle}"
    return None, f"dropped, {reason}"


def _converted(
    output: OutputContainer,
    rules: ContainerRules,
    source: AudioStream,
    spans: SoundSpans | None,
) -> tuple[OutputTrack | None, str]:
    """Add sound encoded again: as what the container prefers, or as it was if it would hold that.

    The latter is sound that is muted or bleeped in places.
    """
    codec = codec_of(source)
    if spans and source.codec_context.channels > MOST_CHANNELS:
        return None, f"dropped, it is to be muted and has more than {MOST_CHANNELS} channels"
    keeps = bool(spans) and _holds(rules, source, codec)
    own = [_ENCODERS.get(codec, codec)] if keeps else []
    other = _BETTER_ENCODER.get((rules.format, codec), rules.audio)
    encoder = next((one for one in [*own, other] if can_encode(one, source)), None)
    if encoder is None:
        return None, f"dropped, {rules.format} cannot hold it encoded again"
    track = ConvertedAudio(output, encoder, source, spans)
    _keep_traits(track.stream, source)
    change = "re-encoded" if encoder in own else f"{codec} → {_plain(encoder)}, re-encoded"
    return track, f"{change}, muted or bleeped in places" if spans else change


class Copied:
    """A track whose packets are written as they are.

    Sound whose packets do not tell how long they last is held back by one: muxers would cut off
    the last one otherwise.
    """

    def __init__(self, stream: Stream, source: Stream) -> None:
        self.stream = stream
        self.source = source
        self._sounds = source.type == "audio"
        _keep_traits(stream, source)
        self._last_dts: int | None = None
        self._held: av.Packet[Any] | None = None
        self._lasts = 0

    def take(self, packet: av.Packet[Any]) -> list[av.Packet[Any]]:
        """Return the packet, addressed to the output, or the one before."""
        if packet.dts is None:
            packet.dts = packet.pts
        if packet.dts is None:
            return []
        if self._last_dts is not None and packet.dts <= self._last_dts:
            # Where recordings were joined, their sound overlaps by a few milliseconds.
            if packet.duration and self._sounds:
                return []
            packet.dts = self._last_dts
        if packet.pts is None or packet.pts < packet.dts:
            packet.pts = packet.dts
        ready = self._release(packet.dts)
        self._last_dts = packet.dts
        packet.stream = self.stream
        if self._sounds and not packet.duration:
            self._held = packet
            return ready
        return [*ready, packet]

    def finish(self) -> list[av.Packet[Any]]:
        """Return what was held back."""
        return self._release(None)

    def _release(self, until: int | None) -> list[av.Packet[Any]]:
        held, self._held = self._held, None
        if held is None or held.dts is None:
            return []
        if until is not None:
            self._lasts = until - held.dts
        held.duration = self._lasts if until is not None else self._measured(held)
        return [held]

    def _measured(self, packet: av.Packet[Any]) -> int:
        """Return how long a packet lasts, by decoding it."""
        import av

        decoder = cast("AudioStream", self.source).codec_context
        try:
            samples = sum(frame.samples for frame in decoder.decode(packet))
        except av.FFmpegError:
            return self._lasts
        if not samples or not decoder.sample_rate:
            return self._lasts
        return round(samples / decoder.sample_rate / packet.time_base)


class ConvertedText:
    """A text subtitle track decoded and encoded again; each line keeps its time and duration."""

    def __init__(self, output: OutputContainer, encoder: str, source: SubtitleStream) -> None:
        self.source = source
        self._decoder = source.codec_context
        self._decoder.open(strict=False)
        self.stream = cast("SubtitleStream", output.add_stream(encoder))
        self.stream.time_base = _MILLISECOND
        self.stream.codec_context.time_base = _MILLISECOND
        self.stream.codec_context.subtitle_header = self._decoder.subtitle_header
        _keep_traits(self.stream, source)

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
                new = self.stream.codec_context.encode_subtitle(subtitle)
                new.time_base = packet.time_base
                new.pts = new.dts = pts
                new.duration = duration
                new.stream = self.stream
                out.append(new)
        except av.FFmpegError:
            log.debug("a subtitle that cannot be converted is left out")
        return out

    def finish(self) -> list[av.Packet[Any]]:
        """Return nothing: nothing is held back."""
        return []


def _obstacle(source: Stream, silent: str) -> str:
    """Return why nothing can be made of a track, whatever the container holds."""
    rate = getattr(source, "sample_rate", 1)
    if has_decoder(source) and not rate:
        return "it is too damaged to tell its sample rate"
    return silent if silent == NO_SOUND else ""


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
