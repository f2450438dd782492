"""Sound on its way from a ring into one output: as it is, in step with the pictures, or not."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from streamguard.handoff.sound_ring import Sound, SoundRing
from streamguard.media.containers import rules_for
from streamguard.media.timing import NANOSECOND, SECOND, converted
from streamguard.media.traits import codec_of

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

log = logging.getLogger(__name__)

_TIME_BASE = Fraction(1, 90_000)
_AHEAD = SECOND // 25
"""Nanoseconds that sound comes before its picture, lest the muxer hold that back for it."""
_EXTENSIONS = {"mp4": ".mp4", "mov": ".mov", "matroska": ".mkv", "mpegts": ".ts", "flv": ".flv"}
# What FFmpeg's RTP muxer packs (libavformat/rtpenc.c), of what cameras send.
_RTP = frozenset(
    ("aac", "mp3", "mp2", "opus", "pcm_alaw", "pcm_mulaw", "pcm_s16be", "adpcm_g722", "vorbis")
)
_NEED_HEADER = frozenset(("rtsp", "mp4", "mov", "flv"))
"""Where AAC cannot be written unless it was described beforehand."""


class SoundTrack:
    """The sound of one output.

    It is left out, with a word in the log, where the output cannot hold it or where it became
    another one midway: pictures never suffer for it.

    Args:
        output: Where to; its header is not written yet.
        ring: Where packets come from.
    """

    def __init__(self, output: OutputContainer, ring: SoundRing) -> None:
        self._output = output
        self._ring = ring
        self._next = ring.oldest
        self._last = -1
        self._form, head = ring.head()
        self._stream = _add(output, head) if head else None

    @property
    def is_outdated(self) -> bool:
        """Whether sound has come since, to an output that was begun when there was none."""
        return not self._form and bool(self._ring.form)

    @property
    def is_there(self) -> bool:
        """Whether there is sound in the output."""
        return self._stream is not None

    def write(self, until: int, epoch: int) -> None:
        """Write what belongs to the pictures so far.

        Args:
            until: Time of the newest picture, `time.monotonic_ns` of its capture.
            epoch: Time of the first one, likewise.
        """
        import av

        try:
            for sound in self._due(until + _AHEAD):
                if self._stream is not None:
                    self._write(sound, epoch)
        except (av.error.InvalidDataError, av.error.ArgumentError) as error:
            self._leave_out(f"it cannot be written: {error.strerror}")

    def _due(self, until: int) -> Iterator[Sound]:
        self._next = max(self._next, self._ring.oldest)
        while self._next <= self._ring.newest and self._ring.time_of(self._next) <= until:
            sound = self._ring.read(self._next)
            self._next += 1
            if sound is not None:
                yield sound

    def _write(self, sound: Sound, epoch: int) -> None:
        pts = converted(sound.at - epoch, NANOSECOND, _TIME_BASE)
        if sound.form != self._form:
            self._leave_out("it is another one now")
        elif pts > self._last and pts >= 0:
            self._last = pts
            self._output.mux(self._packet(sound, pts))

    def _packet(self, sound: Sound, pts: int) -> av.Packet[Any]:
        import av

        packet = av.Packet(sound.data)
        packet.pts = packet.dts = pts
        packet.time_base = _TIME_BASE
        packet.duration = converted(sound.lasts, NANOSECOND, _TIME_BASE)
        packet.is_keyframe = True
        assert self._stream is not None
        packet.stream = self._stream
        return packet

    def _leave_out(self, why: str) -> None:
        log.warning("the sound is left out from now on: %s", why)
        self._stream = None


def _add(output: OutputContainer, head: bytes) -> AudioStream | None:
    """Add the stream that a head describes, or say why not."""
    import av

    with av.open(io.BytesIO(head), format="nut") as file:
        template = file.streams.audio[0]
        codec, name = codec_of(template), output.format.name
        why = _obstacle(name, codec, described=bool(template.codec_context.extradata))
        if not why:
            try:
                stream: AudioStream = output.add_stream_from_template(template)
                stream.time_base = _TIME_BASE
                return stream
            except ValueError:
                why = f"{name} does not hold {codec}"
    log.warning("the sound is left out: %s", why)
    return None


def _obstacle(name: str, codec: str, *, described: bool) -> str:
    """Return why an output cannot hold a codec; empty if it can."""
    sound = _RTP if name == "rtsp" else rules_for(_EXTENSIONS[name]).sound
    if sound is not None and codec not in sound:
        return f"{name} does not hold {codec}"
    if codec == "aac" and name in _NEED_HEADER and not described:
        return f"{name} does not hold AAC that comes without a description"
    return ""
