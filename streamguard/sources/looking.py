"""What a video file holds, found out before it is read: the film, its first picture, its sound."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamguard.errors import SourceDamagedError, SourceError
from streamguard.frames import VideoInfo
from streamguard.media.hidden import Decoder
from streamguard.media.traits import (
    ALL_ROUND,
    Traits,
    describe_all,
    film_of,
    has_decoder,
    real_videos,
    traits_of,
)
from streamguard.settings import InputSettings
from streamguard.sources.hearing import Hearing
from streamguard.sources.opening import ffmpeg_errors, no_video, open_media, translated
from streamguard.sources.pictures import check_pixels, too_many_pixels
from streamguard.sources.roundmark import has_round_mark

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_READ_FAILURES = 100
"""How often in a row reading may fail before a file counts as ended."""
_SILENT = ("hevc", "mjpeg")
"""Decoders that hide errors in a picture's data unless they are told to give up at the first."""
_PLAUSIBLE_RATES = (Fraction(1, 100), Fraction(480))


def look_into(path: Path, options: InputSettings) -> tuple[VideoInfo, Traits, int | None]:
    """Find the film and decode its first picture.

    Only that tells the true format, orientation and colours.

    Returns:
        What is known, and the index of the film's stream, None if there is none.

    Raises:
        SourceError: Of the kind that fits; nothing can be decoded.
    """
    patience = options.open_timeout
    with open_media(path, (patience, patience), options.open_memory) as container, translated(path):
        several = len(real_videos(container)) > 1
        film = film_of(container)
        if not several:
            return *_look_at(container, path, film, options), film
    with open_media(path, (patience, patience), options.open_memory) as container, translated(path):
        return *_look_at(container, path, film, options), film


def _look_at(
    container: InputContainer, path: Path, film: int | None, options: InputSettings
) -> tuple[VideoInfo, Traits]:
    video = video_of(container, path, film, options)
    hearing = Hearing(container)
    seen, ended = _listen_and_look(container, video, hearing, options.open_timeout)
    first = seen.picture
    if first is None:
        if seen.is_too_large:
            raise too_many_pixels(path, "too many", options)
        if ended:
            raise nothing_decoded(path)
        raise SourceError(f"no picture in {path} came in time", "Is it whole?")
    traits = replace(traits_of(container, video, first), silent=hearing.silent(ended=ended))
    tags = {**container.metadata, **video.metadata}
    if not traits.spherical and has_round_mark(path, container.format.name, tags):
        traits = replace(traits, spherical=ALL_ROUND)
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


class _FirstPicture:
    """Waits for the first picture of a video."""

    def __init__(self, video: VideoStream) -> None:
        self._decoder = Decoder(video)
        self.picture: av.VideoFrame | None = None
        self.is_too_large = False

    def look(self, packet: av.Packet[Any]) -> None:
        """Try one packet of the video."""
        import av

        if self.picture is not None:
            return
        try:
            self.picture = next(iter(self._decoder.decode(packet)), None)
        except av.FFmpegError as error:
            # What a decoder says of a picture beyond its limit on pixels.
            self.is_too_large = self.is_too_large or isinstance(error, av.error.ArgumentError)


def _listen_and_look(
    container: InputContainer, video: VideoStream, hearing: Hearing, patience: float
) -> tuple[_FirstPicture, bool]:
    """Read until there is a picture and sound; return it, and whether the file ended before."""
    until = time.monotonic() + patience
    first = _FirstPicture(video)
    failures = 0
    streams = [video, *hearing.tracks]
    packets = container.demux(streams)
    while failures < MAX_READ_FAILURES:
        try:
            for packet in packets:
                hearing.hear(packet)
                if packet.stream is video:
                    first.look(packet)
                found = first.picture is not None and hearing.is_over
                if found or time.monotonic() > until:
                    return first, False
            return first, True
        except ffmpeg_errors():
            failures += 1
            packets = container.demux(streams)
    return first, False


def video_of(
    container: InputContainer, path: Path, film: int | None, options: InputSettings
) -> VideoStream:
    """Return the film's stream, its decoder set up; the container is closed if that fails.

    Raises:
        SourceError: Of the kind that fits.
    """
    video = next((stream for stream in container.streams.video if stream.index == film), None)
    if video is None:
        words = ", ".join(describe_all(list(container.streams)).values())
        container.close()
        raise no_video(path, words)
    if not has_decoder(video):
        container.close()
        raise SourceDamagedError(
            f"the video in {path} has a codec that this FFmpeg cannot decode",
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
    if context.name in _SILENT:
        context.options = {**context.options, "err_detect": "explode"}
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


def nothing_decoded(path: Path) -> SourceDamagedError:
    """Return the error for a video without a picture."""
    return SourceDamagedError(
        f"no picture in {path} can be decoded", "Is it whole? Does it play elsewhere?"
    )
