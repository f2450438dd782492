"""Video files of every container and codec that FFmpeg reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamguard.frames import Frame, PassthroughPacket
from streamguard.media.fonts import font_of
from streamguard.media.hidden import Decoder
from streamguard.media.medium import Medium
from streamguard.media.timing import Clock
from streamguard.media.traits import describe_all, kept_tracks
from streamguard.settings import InputSettings
from streamguard.sources.cutting import Cut
from streamguard.sources.decoding import Decoding
from streamguard.sources.describing import description
from streamguard.sources.impossible import FAR, first_piece_is_cut
from streamguard.sources.joining import joiner_of, shift_packet, start_of
from streamguard.sources.kinds import FileSourceKind
from streamguard.sources.looking import MAX_READ_FAILURES, look_into, nothing_decoded, video_of
from streamguard.sources.opening import ffmpeg_errors, files_of, open_media, translated

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

DEFAULTS = InputSettings()
_WHOLE = 0.9
_TELL_DURATION = ("matroska,webm", "flv")
"""Formats, by FFmpeg's names, that tell their duration at their beginning, but no frames."""
_INDEXED = frozenset(("mov", "matroska"))
_RUN_UP = 1
"""Seconds before a cut from where on decoding starts: sound has to begin somewhere, too."""


class FileSource:
    """A video file, read once from its start to its end.

    Args:
        path: The file.
        options: What to read of it, and its limits.

    Attributes:
        medium: That it is a video.
        path: The file.
        info: What is known before the first frame.
        traits: What a sink needs to give back the same video.
        streams_kept: What passes through, in words.
        streams_dropped: What does not, in words: it may show or name somebody.

    Raises:
        SourceError: Of the kind that fits; nothing can be decoded.
        UsageError: It is a folder.
    """

    medium = Medium.VIDEO

    def __init__(self, path: Path, options: InputSettings = DEFAULTS) -> None:
        self.path = path
        self._options = options
        self.info, self.traits, film = look_into(path, options)
        self._container = open_media(path, (options.open_timeout, None), options.open_memory)
        self._video = video_of(self._container, path, film, options)
        self._index = self._video.index
        self._decoding = Decoding(self._video)
        self._decoder = Decoder(self._video)
        if self._container.format.name == "mpegts" and _starts_cut(path, self._video.id):
            self._decoding.lose("a piece of the video is incomplete")
        # Sound that is left out counts for time all the same: a decision made with it still fits.
        self._timed = kept_tracks(self._container)
        self._tracks = [one for one in self._timed if options.sound or one.type != "audio"]
        self._cut = Cut(options, self._tracks)
        self.info = self._cut.info(self.info)
        words = describe_all(list(self._container.streams))
        fonts = [stream.index for stream in self._container.streams if font_of(stream)]
        kept = sorted([self._index, *(stream.index for stream in self._tracks), *fonts])
        self.streams_kept = tuple(words[index] for index in kept)
        self.streams_dropped = tuple(text for index, text in words.items() if index not in kept)
        self.traits = replace(self.traits, tracks=tuple(self._tracks), words=words)
        self._redacted = words[self._index]
        self._tells_duration = self._promises_duration()
        self._lock = threading.Lock()
        self._closed = False
        self._reached = 0.0

    @property
    def files_read(self) -> tuple[Path, ...]:
        """The file; if it is a playlist, its segments as well."""
        return files_of(self.path)

    @property
    def damage(self) -> int:
        """Number of packets and pictures so far that were missing, cut or patched up."""
        return self._decoding.damage

    @property
    def damage_notes(self) -> tuple[str, ...]:
        """What was wrong, each kind once."""
        return self._decoding.notes

    @property
    def notes(self) -> tuple[str, ...]:
        """What else the user should be told of how reading went."""
        left_out = self._decoding.left_out
        if not left_out or self._cut.start:
            return ()
        return (f"{left_out} pictures left out: they come before the first key picture",)

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        """Yield frames in presentation order, and packets of the kept tracks in between.

        What cannot be decoded is skipped and counted in `damage`. A frame that the decoder had
        to patch up, or that rests on such a one, says so in its own `damage`.

        Raises:
            SourceDamagedError: Not one frame could be decoded.
        """
        clock = Clock(self.info, -self._cut.start)
        frames, passing = 0, {track.index for track in self._tracks}
        with translated(self.path):
            for packet in self._demux():
                if packet.stream is not self._video:
                    if packet.stream_index in passing and self._cut.keeps(packet):
                        yield PassthroughPacket(packet)
                    continue
                for picture, wrong in self._decoding.feed(packet, partial(self._decode, packet)):
                    time_ms = self._cut.place(clock.stamp(picture))
                    if time_ms is None:
                        continue
                    yield Frame(picture, frames, time_ms, self.info.quarter_turns, wrong)
                    frames += 1
        if self._is_closed():
            return
        if not frames:
            self._cut.check(self.path)
            raise nothing_decoded(self.path)
        self._check_end()

    def _is_closed(self) -> bool:
        return self._closed

    def _check_end(self) -> None:
        """Tell of a file that was cut. Edit lists leave out some frames on purpose, never many."""
        if not self._cut.is_whole:
            return
        told, there = self.info.frames or 0, self._decoding.packets
        lasts = self.info.duration or 0.0
        if self._reached >= lasts * _WHOLE > 0:
            return
        if there < told * _WHOLE:
            self._decoding.lose(f"it ends early: {there} of {told} frames are there")
        elif self._tells_duration:
            self._decoding.lose(f"it ends early: {self._reached:.1f} of {lasts:.1f} s are there")

    def _promises_duration(self) -> bool:
        """Whether the file's head promises a duration, and nothing else was to last so long."""
        container = self._container
        tracks = [stream for stream in container.streams if stream.type != "attachment"]
        return container.format.name in _TELL_DURATION and len(tracks) == 1 + len(self._timed)

    def close(self) -> None:
        """Let go of the file; a `read` in another thread ends at its next packet."""
        self._closed = True
        with self._lock:
            self._container.close()

    def describe(self) -> dict[str, Any]:
        """Return what is in the file and what would become of it, ready for JSON."""
        info, traits = self.info, self.traits
        return description(
            self,
            self._redacted,
            {*traits.metadata, *traits.video_metadata},
            frame_rate=float(info.frame_rate) if info.frame_rate else None,
            frames=info.frames,
            duration=info.duration,
            rotation=info.quarter_turns * 90,
            mirrored=traits.orientation.mirrored,
            interlaced=traits.interlaced or None,
            chapters_dropped=len(traits.chapters),
        )

    def _demux(self) -> Iterator[av.Packet[Any]]:
        """Yield packets, all on one clock that starts near zero.

        A place that cannot be read is counted and passed over.
        """
        failures = 0
        streams = [self._video, *self._timed]
        # The lock keeps `close` in another thread from pulling the file away beneath us. Streams
        # are part of it: one that is asked for its kind after that crashes the process.
        with self._lock:
            if self._is_closed():
                return
            joiner = joiner_of(self._container, streams, self._cut.start)
            self._seek(start_of(streams) + self._cut.start - _RUN_UP)
            packets = self._container.demux(streams)
        while failures < MAX_READ_FAILURES and not self._cut.is_over:
            with self._lock:
                if self._is_closed():
                    return
                try:
                    packet = next(packets, None)
                except ffmpeg_errors() as error:
                    failures += 1
                    self._decoding.lose(f"reading failed: {error.strerror}")
                    packets = self._container.demux(streams)
                    continue
                jumped = packet is not None and bool(packet.size) and shift_packet(joiner, packet)
            if packet is None:
                return
            failures = 0
            if jumped and packet.stream_index == self._index:
                self._decoding.join()
            if packet.pts is not None and packet.time_base:
                end = packet.pts + (packet.duration or 0)
                self._reached = max(self._reached, float(end * packet.time_base))
            yield packet

    def _seek(self, goal: Fraction) -> None:
        """Go to the key picture before a time, where there is an index and clocks do not jump."""
        if goal > 0 and not _INDEXED.isdisjoint(self._container.format.name.split(",")):
            self._container.seek(int(goal * 1_000_000))

    def _decode(self, packet: av.Packet[VideoStream]) -> list[av.VideoFrame]:
        with self._lock:
            return [] if self._closed else self._decoder.decode(packet)


VIDEOS = FileSourceKind(
    medium=Medium.VIDEO,
    opens=FileSource,
    recognizes=lambda _path, _options: True,
    suffixes=frozenset(
        ".mp4 .m4v .mov .qt .mkv .webm .avi .divx .flv .f4v .wmv .asf .mpg .mpeg .mpe .m2v .vob "
        ".ts .mts .m2ts .mxf .3gp .3g2 .ogv .ogm .y4m .dv .h264 .264 .h265 .265 .hevc .rm .rmvb "
        ".nut .insv .lrv .mjpeg .mjpg .mpjpeg".split()
    ),
)


def _starts_cut(path: Path, pid: int) -> bool:
    with path.open("rb") as file:
        return first_piece_is_cut(file.read(FAR), pid)
