"""From pictures and their times to a live stream: encoded at once, with sound in step."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from streamguard.errors import UsageError
from streamguard.frames import RedactedFrame
from streamguard.handoff.sound_ring import SoundRing
from streamguard.media.timing import NANOSECOND, SECOND, converted
from streamguard.settings import Codec, EncodingSettings
from streamguard.sinks.sound import SoundTrack

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer
    from av.video.stream import VideoStream

TIME_BASE = Fraction(1, 90_000)
_ENCODERS = {Codec.H264: "libx264", Codec.HEVC: "libx265"}
_DELIMITERS = {Codec.H264: b"\0\0\0\1\x09\xf0", Codec.HEVC: b"\0\0\0\1\x46\x01\x50"}
"""With what an access unit begins (H.264, 7.3.2.4; H.265, 7.3.2.5), any kind of picture in it."""
_PRESET, _CRF = "superfast", 23
_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
_MAX_CRF = 51
"""Presets and range of the rate factor that x264 and x265 have in common."""
_GROUP = 2
"""Seconds between two keyframes: what a player waits for at most."""


def check_encoding(settings: EncodingSettings) -> None:
    """Refuse what no live stream can be encoded with.

    Raises:
        UsageError: Codec, preset or rate factor are none of those there are.
    """
    if settings.codec not in _ENCODERS:
        raise UsageError(
            f"live streams cannot be encoded as {settings.codec.value}", "Use h264 or hevc"
        )
    if settings.preset not in (None, *_PRESETS):
        raise UsageError(
            f"there is no preset {settings.preset!r}", f"There are {', '.join(_PRESETS)}"
        )
    if settings.crf is not None and not 0 <= settings.crf <= _MAX_CRF:
        raise UsageError(f"crf {settings.crf} is not between 0 and {_MAX_CRF}", "23 is the default")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFormat:
    """What a live sink writes.

    Attributes:
        width: Pixels, even.
        height: Pixels, even.
        frame_rate: Frames a second, roughly; frames bear their own times.
        encoding: Codec, preset and quality.
        rtsp_transport: ``tcp`` or ``udp``.
        record_minutes: Length of one file of a segmented recording.
        sound: Whether sound is written, too.
    """

    width: int
    height: int
    frame_rate: float
    encoding: EncodingSettings = field(default_factory=EncodingSettings)
    rtsp_transport: str = "tcp"
    record_minutes: float = 10.0
    sound: bool = False


def muxer_options(sound: SoundRing | None) -> dict[str, str]:
    """Return what FFmpeg's muxer is told; without it, pictures would wait for sound up to 10 s."""
    return {} if sound is None else {"max_interleave_delta": "1"}


class LiveMuxer:
    """Encodes at once: no frame is held back, no thread adds a frame of delay.

    Args:
        output: Where to; its header is written here.
        form: What to write.
        sound: Where sound comes from, if any is wanted.
        delimited: Whether the delimiter of the next picture is sent with each picture. FFmpeg's
            RTSP reader does not believe the marker that ends a picture, but waits for what
            begins the next one: it would be a frame late.
    """

    def __init__(
        self,
        output: OutputContainer,
        form: LiveFormat,
        sound: SoundRing | None = None,
        *,
        delimited: bool = False,
    ) -> None:
        settings = form.encoding
        check_encoding(settings)
        name = _ENCODERS[settings.codec]
        self._output = output
        self._epoch: int | None = None
        self._last = -1
        self._key_due = 0
        rate = Fraction(form.frame_rate).limit_denominator(1001)
        stream = output.add_stream(
            name, rate=rate, time_base=TIME_BASE, width=form.width, height=form.height
        )
        self._stream = cast("VideoStream", stream)
        context = self._stream.codec_context
        context.pix_fmt = "yuv420p"
        context.thread_count = 1
        context.gop_size = max(1, round(_GROUP * form.frame_rate))
        crf = _CRF if settings.crf is None else settings.crf
        options = {"preset": settings.preset or _PRESET, "tune": "zerolatency", "crf": str(crf)}
        options["forced-idr"] = "1"
        if name == "libx265":
            options["x265-params"] = "log-level=error"
        context.options = options
        self._ending = _DELIMITERS[settings.codec] if delimited else b""
        self._sound = None if sound is None else SoundTrack(output, sound)
        output.start_encoding()

    @property
    def misses_sound(self) -> bool:
        """Whether sound is there now for which the output has no track: it was begun too early."""
        return self._sound is not None and self._sound.is_outdated

    def write(self, frame: RedactedFrame, at: int) -> None:
        """Encode and write one frame, and the sound that goes with it; see `LiveSink`."""
        from av.video.frame import PictureType

        picture = frame.picture
        if self._epoch is None:
            self._epoch = self._key_due = at
        pts = max(self._last + 1, converted(at - self._epoch, NANOSECOND, TIME_BASE))
        picture.pts, picture.time_base, self._last = pts, TIME_BASE, pts
        # By time: sources break the rate they promise, and slates come at one of their own.
        key = at >= self._key_due
        self._key_due = at + _GROUP * SECOND if key else self._key_due
        picture.pict_type = PictureType.I if key else PictureType.NONE
        for packet in self._stream.encode(picture):
            self._output.mux(self._ended(packet) if self._ending else packet)
        if self._sound is not None:
            self._sound.write(at, self._epoch)

    def _ended(self, packet: av.Packet[VideoStream]) -> av.Packet[VideoStream]:
        import av

        ended = cast("av.Packet[VideoStream]", av.Packet(bytes(packet) + self._ending))
        ended.stream, ended.time_base = packet.stream, packet.time_base
        ended.pts, ended.dts, ended.duration = packet.pts, packet.dts, packet.duration
        ended.is_keyframe = packet.is_keyframe
        return ended

    def flush(self) -> None:
        """Write what the encoder still holds."""
        self._output.mux(self._stream.encode(None))
