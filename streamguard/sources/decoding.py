"""Decodes one video stream and says of each picture whether the decoder can vouch for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from streamguard.sources.damage import (
    DAMAGED,
    GAP,
    LATE_START,
    UNREADABLE,
    DamageTracker,
    PacketFacts,
)
from streamguard.sources.h264 import H264Reader
from streamguard.sources.impossible import PacketCheck

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

Decode: TypeAlias = "Callable[[], list[av.VideoFrame]]"
"""Hands a packet to the decoder, and gives what comes out."""

# Codecs whose decoders mark key pictures. Of others the first picture is taken for one.
_MARK_KEYS = frozenset(
    "h264 hevc vvc mpeg1video mpeg2video mpeg4 vp8 vp9 av1 h263 flv1 msmpeg4v3 theora".split()
)
# Where each packet holds one picture to be shown; elsewhere there are hidden and repeated ones.
_ONE_EACH = frozenset(("h264", "hevc"))


_LAST_WORK = 0.1
"""Seconds in which the decoder's threads finish the last pictures."""
_HELD = 3
"""Packets after an incomplete one that are waited for: a piece of MPEG-TS holds a few pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class _PacketTag:
    """The number of a packet, on its way through the decoder to the picture made of it.

    PyAV finds it by its address. Small integers have one address in the whole process, and a
    decoder that is closed would take those of another one along.
    """

    number: int


class Decoding:
    """One decoder with a look at all that goes in and comes out.

    Args:
        video: The stream; nothing of it may have been decoded yet.
        joins: Whether recordings may have been joined in it, which `join` then tells.

    Attributes:
        damage: Number of packets that are incomplete or could not be decoded, and of pictures
            that are missing or that the decoder had to patch up.
        notes: What was wrong, each kind once.
        packets: Number of packets, those that only repeat a picture included.
        left_out: Pictures before the first one that decoding can begin at.
    """

    def __init__(self, video: VideoStream, *, joins: bool = True) -> None:
        context = self._context = video.codec_context
        self._joins = joins
        self.damage = 0
        self.notes: tuple[str, ...] = ()
        self.packets = self.left_out = 0
        self._codec = context.codec.canonical_name
        self._check = PacketCheck(self._codec, context.extradata)
        self._reader = H264Reader(context.extradata) if self._codec == "h264" else None
        self._tracker: DamageTracker[av.VideoFrame] = DamageTracker(
            starts_late=self._codec in _MARK_KEYS
        )
        self._gap = self._missing = 0
        self._joined = False
        self._suspects: list[tuple[av.Packet[Any], Decode]] = []
        # Threads and reordering part packets from pictures; this tells which came of which.
        context.copy_opaque = True

    def feed(self, packet: av.Packet[Any], decode: Decode) -> Iterator[tuple[av.VideoFrame, str]]:
        """Decode a packet; yield pictures in presentation order, each with what is wrong with it.

        Args:
            packet: The packet; the last one is empty and has no time stamp.
            decode: Hands it to the decoder.
        """
        is_last = not packet.size and packet.pts is None and packet.dts is None
        self.packets += not is_last
        if not packet.size and not is_last:
            # It says that the picture before is shown on.
            return
        if self._suspects or (packet.is_corrupt and self._joins):
            yield from self._doubted(packet, decode, is_last=is_last)
            return
        self._joined = False
        if not is_last:
            yield from self._sent(packet, decode, is_cut=packet.is_corrupt)
            return
        if self._reader is not None:
            # Threads may still be at work on what comes out next; a fault found after that is lost.
            time.sleep(_LAST_WORK)
        yield from self._released(self._decoded(decode))
        self._tracker.finish()
        yield from self._released([])

    def lose(self, note: str, packets: int = 1) -> None:
        """Take it that something is missing between the last packet and the next.

        Args:
            note: What is wrong, in words.
            packets: How many of the next ones it may touch.
        """
        self._count(note)
        self._gap = packets

    def join(self) -> None:
        """Take it that the next packet begins another recording: the clock jumped."""
        self._joined = True

    def _doubted(
        self, packet: av.Packet[Any], decode: Decode, *, is_last: bool
    ) -> Iterator[tuple[av.VideoFrame, str]]:
        """Hold packets from an incomplete one on, until it is known what ended it.

        Counters start again with another recording, too: nothing is lost before its key picture.
        """
        is_join, self._joined = self._joined and packet.is_keyframe, False
        if not (is_join or is_last) and len(self._suspects) < _HELD:
            self._suspects.append((packet, decode))
            return
        suspects, self._suspects = self._suspects, []
        for suspect, late in suspects:
            yield from self._sent(suspect, late, is_cut=suspect.is_corrupt and not is_join)
        yield from self.feed(packet, decode)

    def _sent(
        self, packet: av.Packet[Any], decode: Decode, *, is_cut: bool = False
    ) -> Iterator[tuple[av.VideoFrame, str]]:
        facts = self._facts_of(packet)
        if is_cut:
            self._count("a piece of the video is incomplete")
            facts.fault = DAMAGED
        packet.opaque = _PacketTag(self._tracker.send(facts))
        yield from self._released(self._decoded(decode))

    def _decoded(self, decode: Decode) -> list[av.VideoFrame]:
        from streamguard.sources.opening import ffmpeg_errors

        try:
            return decode()
        except ffmpeg_errors() as error:
            self._count(f"decoding failed: {error.strerror}")
            self._tracker.fail(UNREADABLE)
            return []

    def _released(self, pictures: list[av.VideoFrame]) -> Iterator[tuple[av.VideoFrame, str]]:
        from av.video.frame import PictureType

        self._tracker.reorders = self._context.has_b_frames
        for picture in pictures:
            if picture.is_corrupt:
                self._count("parts of some pictures are damaged")
            intra = picture.key_frame
            if self._reader is not None:
                intra = intra or picture.pict_type == PictureType.I
            fault = DAMAGED if picture.is_corrupt else ""
            tag = picture.opaque
            index = tag.number if isinstance(tag, _PacketTag) else None
            self._tracker.take(picture, index, fault=fault, intra=intra)
        for picture, reason in self._tracker.ready():
            if reason == LATE_START:
                self.left_out += 1
            else:
                yield picture, reason
        while self._missing < self._tracker.missing:
            self._missing += 1
            self._count("some pictures are missing")

    def _facts_of(self, packet: av.Packet[Any]) -> PacketFacts:
        base = packet.time_base
        facts = PacketFacts(
            None if packet.pts is None else float(packet.pts * base),
            None if packet.dts is None else float(packet.dts * base),
            gives_picture=self._codec in _ONE_EACH and not packet.is_discard,
        )
        data = bytes(packet)
        if self._check.is_impossible(data):
            self._count("a piece of the video holds what no encoder writes")
            facts.fault = DAMAGED
        if self._gap:
            self._gap, facts.fault = self._gap - 1, GAP
        if self._reader is not None:
            self._read_h264(self._reader, data, facts)
        return facts

    def _read_h264(self, reader: H264Reader, data: bytes, facts: PacketFacts) -> None:
        header = reader.read(data)
        facts.is_key, facts.number = header.is_idr, header.frame_num
        facts.refreshes = header.refreshed_at
        if header.is_field:
            facts.gives_picture = False
        if header.is_gap and not facts.fault:
            self._count("pictures are missing that others rest on")
            facts.fault = GAP

    def _count(self, note: str) -> None:
        self.damage += 1
        if note not in self.notes:
            self.notes += (note,)
