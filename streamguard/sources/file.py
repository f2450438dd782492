"""Video files of every container and codec that FFmpeg reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamguard.errors import SourceDamagedError, SourceError
from streamguard.frames import Frame, PassthroughPacket, VideoInfo
from streamguard.settings import InputSettings
from streamguard.sources.cutting import Cut
from streamguard.sources.decoding import Decoding
from streamguard.sources.impossible import FAR, first_piece_is_cut
from streamguard.sources.joining import offsets_of, put_on, start_of
from streamguard.sources.opening import (
    ffmpeg_errors,
    no_video,
    open_media,
    translated,
)
from streamguard.sources.pictures import check_pixels, too_many_pixels
from streamguard.sources.streams import (
    Traits,
    describe_all,
    film_of,
    has_decoder,
    kept_tracks,
    real_videos,
    traits_of,
)
from streamguard.sources.timing import Clock

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

DEFAULTS = InputSettings()
_MAX_READ_FAILURES = 100
_WHOLE = 0.9
_INDEXED = frozenset(("mov", "matroska"))
_RUN_UP = 1
"""Seconds before a cut from where on decoding starts: sound has to begin somewhere, too."""
_PLAUSIBLE_RATES = (Fraction(1, 100), Fraction(480))


class FileSource:
    """A video file, read once from its start to its end.

    Args:
        path: The file.
        options: What to read of it, and its limits.

    Attributes:
        path: The file.
        info: What is known before the first frame.
        traits: What a sink needs to give back the same video.
        streams_kept: What passes through, in words.
        streams_dropped: What does not, in words: it may show or name somebody.

    Raises:
        SourceError: Of the kind that fits; nothing can be decoded.
        UsageError: It is a folder.
    """

    def __init__(self, path: Path, options: InputSettings = DEFAULTS) -> None:
        self.path = path
        self._options = options
        self.info, self.traits, film = _look_into(path, options)
        self._container = open_media(path, (options.open_timeout, None))
        self._video = _video_of(self._container, path, film, options)
        self._decoding = Decoding(self._video)
        if self._container.format.name == "mpegts" and _starts_cut(path, self._video.id):
            self._decoding.lose("a piece of the video is incomplete")
        self._tracks = kept_tracks(self._container, sound=options.sound)
        self.traits = replace(self.traits, tracks=tuple(self._tracks))
        self._cut = Cut(options, self._tracks)
        self.info = self._cut.info(self.info)
        words = describe_all(list(self._container.streams))
        kept = sorted([self._video.index, *(stream.index for stream in self._tracks)])
        self.streams_kept = tuple(words[index] for index in kept)
        self.streams_dropped = tuple(text for index, text in words.items() if index not in kept)
        self._redacted = words[self._video.index]
        self._lock = threading.Lock()
        self._closed = False

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
        frames = 0
        with translated(self.path):
            for packet in self._demux():
                if packet.stream.type != "video":
                    if self._cut.keeps(packet):
                        yield PassthroughPacket(packet)
                    continue
                for picture, wrong in self._decoding.feed(packet, partial(self._decode, packet)):
                    time_ms = self._cut.place(clock.stamp(picture))
                    if time_ms is None:
                        continue
                    yield Frame(picture, frames, time_ms, self.info.quarter_turns, wrong)
                    frames += 1
        if self._closed:
            return
        if not frames:
            self._cut.check(self.path)
            raise _nothing_decoded(self.path)
        # Some frames are left out on purpose by edit lists; many missing mean a cut file.
        expected = (self.info.frames or 0) - self._decoding.left_out
        if self._cut.is_whole and frames + self._decoding.failed < expected * _WHOLE:
            self._decoding.lose(f"it ends early: {frames} of {self.info.frames} frames are there")

    def close(self) -> None:
        """Let go of the file; a `read` in another thread ends at its next packet."""
        self._closed = True
        with self._lock:
            self._container.close()

    def describe(self) -> dict[str, Any]:
        """Return what is in the file and what would become of it, ready for JSON."""
        info, traits = self.info, self.traits
        return {
            "path": str(self.path),
            "container": traits.container,
            "codec": traits.codec,
            "pix_fmt": info.pix_fmt,
            "width": info.width,
            "height": info.height,
            "frame_rate": float(info.frame_rate) if info.frame_rate else None,
            "frames": info.frames,
            "duration": info.duration,
            "rotation": info.quarter_turns * 90,
            "mirrored": traits.orientation.mirrored,
            "interlaced": traits.interlaced or None,
            "redacted": self._redacted,
            "kept": [text for text in self.streams_kept if text != self._redacted],
            "dropped": list(self.streams_dropped),
            "metadata_dropped": sorted({*traits.metadata, *traits.video_metadata}),
            "chapters_dropped": len(traits.chapters),
        }

    def _demux(self) -> Iterator[av.Packet[Any]]:
        """Yield packets, all on one clock that starts near zero.

        A place that cannot be read is counted and passed over.
        """
        failures = 0
        streams = [self._video, *self._tracks]
        offsets = offsets_of(self._container, streams, self._cut.start)
        self._seek(start_of(streams) + self._cut.start - _RUN_UP)
        packets = self._container.demux(streams)
        while failures < _MAX_READ_FAILURES and not self._cut.is_over:
            # The lock keeps `close` in another thread from pulling the file away beneath us.
            with self._lock:
                if self._closed:
                    return
                try:
                    packet = next(packets, None)
                except ffmpeg_errors() as error:
                    failures += 1
                    self._decoding.lose(f"reading failed: {error.strerror}")
                    packets = self._container.demux(streams)
                    continue
            if packet is None:
                return
            failures = 0
            if packet.size and put_on(offsets, packet) and packet.stream_index == self._video.index:
                self._decoding.join()
            yield packet

    def _seek(self, goal: Fraction) -> None:
        """Go to the key picture before a time, where there is an index and clocks do not jump."""
        if goal > 0 and not _INDEXED.isdisjoint(self._container.format.name.split(",")):
            with self._lock:
                self._container.seek(int(goal * 1_000_000))

    def _decode(self, packet: av.Packet[VideoStream]) -> list[av.VideoFrame]:
        with self._lock:
            return [] if self._closed else packet.decode()


def _look_into(path: Path, options: InputSettings) -> tuple[VideoInfo, Traits, int | None]:
    """Find the film and decode its first picture.

    Only that tells the true format, orientation and colours.
    """
    patience = options.open_timeout
    with open_media(path, (patience, patience)) as container, translated(path):
        several = len(real_videos(container)) > 1
        film = film_of(container)
        if not several:
            return *_look_at(container, path, film, options), film
    with open_media(path, (patience, patience)) as container, translated(path):
        return *_look_at(container, path, film, options), film


def _look_at(
    container: InputContainer, path: Path, film: int | None, options: InputSettings
) -> tuple[VideoInfo, Traits]:
    video = _video_of(container, path, film, options)
    first = _first_picture(container, video, path, options)
    if first is None:
        raise _nothing_decoded(path)
    traits = traits_of(container, video, first)
    info = VideoInfo(
        width=first.width,
        height=first.height,
        pix_fmt=first.format.name,
        time_base=video.time_base or Fraction(1, 90_000),
        frame_rate=_frame_rate(video),
        frames=video.frames or None,
        duration=_duration(container, video),
        quarter_turns=traits.orientation.quarter_turns,
        equirectangular=options.projection.wraps(traits.is_equirectangular),
    )
    return info, traits


def _starts_cut(path: Path, pid: int) -> bool:
    with path.open("rb") as file:
        return first_piece_is_cut(file.read(FAR), pid)


def _first_picture(
    container: InputContainer, video: VideoStream, path: Path, options: InputSettings
) -> av.VideoFrame | None:
    import av

    until = time.monotonic() + options.open_timeout
    failures = 0
    too_large = False
    packets = container.demux(video)
    while failures < _MAX_READ_FAILURES:
        try:
            for packet in packets:
                if time.monotonic() > until:
                    raise SourceError(f"no picture in {path} came in time", "Is it whole?")
                try:
                    for picture in packet.decode():
                        return picture
                except ffmpeg_errors() as error:
                    # What a decoder says of a picture beyond its limit on pixels.
                    too_large = too_large or isinstance(error, av.error.ArgumentError)
            if too_large:
                raise too_many_pixels(path, "too many", options)
            return None
        except ffmpeg_errors():
            failures += 1
            packets = container.demux(video)
    return None


def _video_of(
    container: InputContainer, path: Path, film: int | None, options: InputSettings
) -> VideoStream:
    video = next((stream for stream in container.streams.video if stream.index == film), None)
    if video is None:
        words = ", ".join(describe_all(list(container.streams)).values())
        container.close()
        raise no_video(path, words)
    if not has_decoder(video):
        container.close()
        raise SourceDamagedError(
            f"the video in {path} is in a codec this FFmpeg cannot decode",
            "Convert it to H.264 first",
        )
    context = video.codec_context
    try:
        check_pixels(path, (context.width, context.height), options)
    except SourceError:
        container.close()
        raise
    video.thread_type = "AUTO"
    # A picture can be larger than its container says, and a later one than the first.
    context.options = {**context.options, "max_pixels": str(options.max_pixels)}
    return video


def _frame_rate(video: VideoStream) -> Fraction | None:
    low, high = _PLAUSIBLE_RATES
    # Matroska and FLV without a declared rate report the time base as the average.
    for rate in (video.guessed_rate, video.average_rate, video.base_rate):
        if rate and low <= rate <= high:
            return rate
    return None


def _duration(container: InputContainer, video: VideoStream) -> float | None:
    if video.duration and video.time_base:
        return float(video.duration * video.time_base)
    return container.duration / 1_000_000 if container.duration else None


def _nothing_decoded(path: Path) -> SourceDamagedError:
    return SourceDamagedError(
        f"no picture in {path} can be decoded", "Is it whole? Does it play elsewhere?"
    )
