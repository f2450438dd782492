"""Sources that do not wait: webcams, RTSP cameras, any URL, and FFmpeg's virtual devices."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from streamguard.errors import NoVideoError, SourceLostError
from streamguard.frames import Frame, PassthroughPacket, VideoInfo
from streamguard.media.address import Address, AddressKind
from streamguard.media.live_errors import translated
from streamguard.media.timing import NANOSECOND, SECOND, Pace, converted
from streamguard.media.traits import codec_of, main_video
from streamguard.sources.decoding import Decoding
from streamguard.sources.gaps import listening, tells_of_gap
from streamguard.sources.kinds import LiveSourceKind
from streamguard.sources.options import LiveOptions, ffmpeg_options
from streamguard.sources.sound import SoundClock, config_of, head_of, without_adts

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

_FALLBACK_RATE = Fraction(25)
_PLAUSIBLE_RATES = (Fraction(1), Fraction(240))
_OVER_RTP = ("rtp", "srtp")
_IN_PARTS = 2
"""Packets of video that a gap may touch: one that is read, one that is still put together."""
DAMAGED = "damaged"
"""What is said of every frame that cannot be vouched for; it is written on the slate."""


class LiveSource:
    """One connection to a live source. It ends with an error, always: live never just ends.

    Frames are stamped with the time they came in, since cameras' own stamps are missing, jump
    and drift: ``pts`` counts nanoseconds of `time.monotonic_ns`. Packets of sound are stamped with
    the time of the pictures that they belong to.

    Args:
        address: What to open.
        options: How to read it.

    Attributes:
        address: What is open.
        info: What is known before the first frame; the size may be 0 by 0.
        sound: What becomes of the source's sound, in a few words.
        sound_head: The form of the packets handed on, see `head_of`; empty without any.

    Raises:
        SourceError: Of the kind that fits; never with a credential in it.
    """

    def __init__(self, address: Address, options: LiveOptions | None = None) -> None:
        self.address = address
        self._options = options or LiveOptions()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        # FFmpeg takes a server that does not answer for one that answers nonsense.
        silence = min(self._options.open_timeout, self._options.read_timeout) / 2 * 0.9
        with translated(address, answer=silence):
            self._container = _open(address, self._options)
            video = main_video(self._container)
            if video is None:
                self._container.close()
                raise NoVideoError(f"{address} sends no video", "Check its path or channel")
            self._video = video
            # Asked of a stream whose connection was closed meanwhile, it would crash the process.
            self._index = video.index
            # Frame threads would hold back one frame each, and with threads for slices the decoder
            # of H.264 conceals half of all damage without a word.
            video.thread_type = "SLICE"
            if codec_of(video) == "h264":
                video.codec_context.thread_count = 1
            self._decoding = Decoding(video, joins=False)
            self.info = _info(video)
            self._tracks = list(self._container.streams.audio[:1]) if self._options.audio else []
            self.sound_head, self.sound = self._fate_of_sound()
            self._adts = any(config_of(track) for track in self._tracks)
        self._is_rtp = address.kind is AddressKind.RTSP or address.scheme in _OVER_RTP
        self._clock = SoundClock()

    @property
    def damage(self) -> int:
        """Number of packets and pictures so far that were missing, cut or patched up."""
        return self._decoding.damage

    @property
    def damage_notes(self) -> tuple[str, ...]:
        """What was wrong, each kind once."""
        return self._decoding.notes

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        """Yield frames as they come in, and audio packets if asked for.

        A frame that the decoder had to patch up says so in its `damage`, and so do those that
        may rest on it, up to the next whole key picture.

        Raises:
            SourceLostError: The connection ended, or nothing came for the read timeout.
            SourceError: Something else is wrong.
        """
        index = 0
        wait = (
            Pace(time.monotonic)
            if self.address.kind in (AddressKind.FILE, AddressKind.LAVFI)
            else None
        )
        with translated(self.address):
            for packet in self._packets():
                if packet.stream_index != self._index:
                    if self._time_sound(packet):
                        yield PassthroughPacket(without_adts(packet) if self._adts else packet)
                    continue
                for picture, wrong in self._decoding.feed(packet, partial(self._decode, packet)):
                    if wait is not None:
                        self._stopped.wait(wait.seconds(picture))
                    yield self._stamped(picture, index, DAMAGED if wrong else "")
                    index += 1
        raise SourceLostError(f"{self.address} ended the connection", "It is tried again")

    def close(self) -> None:
        """Let go of the connection; a `read` in another thread ends at its next packet."""
        self._stopped.set()
        # A read that hangs keeps the lock until its own timeout; FFmpeg would crash otherwise.
        if self._lock.acquire(timeout=2 * self._options.read_timeout):
            try:
                self._container.close()
            finally:
                self._lock.release()

    def _packets(self) -> Iterator[av.Packet[Any]]:
        with self._lock:
            if self._stopped.is_set():
                return
            packets = self._container.demux([self._video, *self._tracks])
        while not self._stopped.is_set():
            with self._lock, listening(self._is_rtp) as logs:
                packet = None if self._stopped.is_set() else next(packets, None)
            if packet is None:
                return
            if tells_of_gap(logs):
                self._decoding.lose("packets were lost on the way", packets=_IN_PARTS)
            if packet.size:
                yield packet

    def _decode(self, packet: av.Packet[VideoStream]) -> list[av.VideoFrame]:
        with self._lock:
            return [] if self._stopped.is_set() else packet.decode()

    def _fate_of_sound(self) -> tuple[bytes, str]:
        """Return the form of the sound that is handed on, and what becomes of it in words."""
        if not self._options.audio:
            if self.address.kind is AddressKind.RTSP:
                return b"", "not asked for"
            return b"", "dropped" if self._container.streams.audio else "none"
        for track in self._tracks:
            try:
                return head_of(track), f"copied ({codec_of(track)})"
            except ValueError:
                self._tracks = []
                return b"", f"dropped, {codec_of(track)} cannot be copied"
        return b"", "none"

    def _time_sound(self, packet: av.Packet[Any]) -> bool:
        """Give a packet its time; return whether it has one."""
        stamp = None if packet.pts is None else float(packet.pts * packet.time_base)
        seconds = self._clock.time_of(stamp, time.monotonic())
        if seconds is None:
            return False
        lasts = converted(packet.duration or 0, packet.time_base, NANOSECOND)
        packet.pts = packet.dts = round(seconds * SECOND)
        packet.duration, packet.time_base = lasts, NANOSECOND
        return True

    def _stamped(self, picture: av.VideoFrame, index: int, damage: str) -> Frame:
        now = time.monotonic_ns()
        self._clock.picture(picture.time, now / SECOND)
        picture.pts, picture.time_base = now, NANOSECOND
        return Frame(picture, index, now / 1_000_000, damage=damage)


STREAMS = LiveSourceKind(takes=lambda _address: True, opens=LiveSource)


def _open(address: Address, options: LiveOptions) -> InputContainer:
    import av

    settings = ffmpeg_options(address, options)
    log.debug("opening %s", address)
    av.logging.set_level(None)
    return av.open(
        address.url,
        "r",
        format=address.format or None,
        options=settings,
        metadata_errors="replace",
        timeout=(options.open_timeout / 2, options.read_timeout / 2),
    )


def _info(video: VideoStream) -> VideoInfo:
    context = video.codec_context
    low, high = _PLAUSIBLE_RATES
    rates = (video.average_rate, video.guessed_rate, video.base_rate)
    rate = next((rate for rate in rates if rate and low <= rate <= high), _FALLBACK_RATE)
    return VideoInfo(
        width=context.width,
        height=context.height,
        pix_fmt=str(context.pix_fmt or "yuv420p"),
        time_base=NANOSECOND,
        frame_rate=rate,
        live=True,
    )
