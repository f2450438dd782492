"""What is in a container, which of it is kept, and how the picture is meant to be shown."""

from __future__ import annotations

import math
import struct
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from streamguard.media.fonts import Font, fonts_of
from streamguard.media.hidden import hides_alpha
from streamguard.media.sidedata import side_data

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.container.core import Chapter
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream
    from av.video.stream import VideoStream

_LOOK_AT = 500
"""Packets to look at for a second picture of the first video."""
_WHOLE, _TILE = 0, 2
"""AVSphericalProjection: equirectangular, all of it or a part."""
ALL_ROUND = bytes(36)
"""AVSphericalMapping of an equirectangular picture that is not turned."""
TEXT_SUBTITLES = frozenset(("subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text", "ttml"))


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a coded picture is brought upright: turned clockwise, then mirrored left to right."""

    quarter_turns: int = 0
    mirrored: bool = False
    matrix: tuple[int, ...] | None = None

    @classmethod
    def from_matrix(cls, data: bytes | None) -> Orientation:
        """Read FFmpeg's display matrix (libavutil/display.h): 9 numbers ``a b u c d v x y w``."""
        if data is None:
            return cls()
        matrix = tuple(int(value) for value in np.frombuffer(data, np.int32))
        a, b, _, c, d = matrix[:5]
        mirrored = a * d - b * c < 0
        # (c, d) is where the coded picture's downward direction is shown.
        angle = math.atan2(c if mirrored else -c, d)
        return cls(round(angle / (math.pi / 2)) % 4, mirrored, matrix)

    @property
    def is_identity(self) -> bool:
        """Whether the coded picture is upright as it is."""
        return not self.quarter_turns and not self.mirrored


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a sink needs to know, beyond `VideoInfo`, to give back the same video.

    Attributes:
        codec: FFmpeg's name of the video codec.
        container: FFmpeg's name of the container format.
        orientation: How the picture is brought upright.
        sample_aspect_ratio: Width over height of one pixel, or None if not told.
        color: FFmpeg's numbers for range, primaries, transfer and matrix.
        interlaced: ``tff``, ``bff`` or empty.
        hdr: Light levels for HDR, by FFmpeg's side data name, as raw bytes.
        spherical: How the picture maps onto a sphere, as FFmpeg's raw bytes; empty if flat.
        captions: Whether pictures carry closed captions (A53).
        stereo: FFmpeg's number of how two pictures lie in one; 0 is a single picture.
        hides_alpha: Whether there is transparency beside the pictures, which is not decoded.
        fonts: Attached fonts, for subtitles.
        tracks: Audio and text subtitle streams that pass through.
        words: Every stream of the file in a few words, by its index.
        silent: Why an audio stream gives no sound once decoded, by its index.
        metadata: Tags of the whole file.
        video_metadata: Tags of the video stream.
        disposition: FFmpeg's flags of the video stream.
        chapters: Chapters of the file.
        plays: How often an animation is shown; 0 is for ever.
    """

    codec: str
    container: str
    orientation: Orientation = Orientation()
    sample_aspect_ratio: Fraction | None = None
    color: tuple[int, int, int, int] = (0, 2, 2, 2)
    interlaced: str = ""
    hdr: dict[str, bytes] = field(default_factory=dict)
    spherical: bytes = b""
    captions: bool = False
    stereo: int = 0
    hides_alpha: bool = False
    fonts: tuple[Font, ...] = ()
    tracks: tuple[AudioStream | SubtitleStream, ...] = ()
    words: dict[int, str] = field(default_factory=dict)
    silent: dict[int, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    video_metadata: dict[str, str] = field(default_factory=dict)
    disposition: int = 0
    chapters: tuple[Chapter, ...] = ()
    plays: int = 0

    @property
    def is_equirectangular(self) -> bool:
        """Whether the picture shows all round the camera (libavutil/spherical.h)."""
        return self.spherical[:4] in (struct.pack("i", kind) for kind in (_WHOLE, _TILE))


def traits_of(container: InputContainer, video: VideoStream, first: av.VideoFrame) -> Traits:
    """Collect the traits of a video from its container and its first decoded picture."""
    order = {2: "tff", 4: "tff", 3: "bff", 5: "bff"}.get(video.codec_context.field_order, "tff")
    extra = side_data(first)
    return Traits(
        codec=codec_of(video),
        container=container.format.name,
        orientation=Orientation.from_matrix(extra.pop("DISPLAYMATRIX", None)),
        sample_aspect_ratio=video.sample_aspect_ratio or None,
        color=(first.color_range, first.color_primaries, first.color_trc, first.colorspace),
        interlaced=order if first.interlaced_frame else "",
        spherical=extra.pop("SPHERICAL", b""),
        captions=bool(extra.pop("A53_CC", b"")),
        stereo=int.from_bytes(extra.pop("STEREO3D", b"")[:4], sys.byteorder),
        hides_alpha=hides_alpha(video),
        fonts=fonts_of(container),
        hdr=extra,
        metadata=dict(container.metadata),
        video_metadata=dict(video.metadata),
        disposition=int(video.disposition),
        chapters=tuple(container.chapters()),
    )


def main_video(container: InputContainer) -> VideoStream | None:
    """Return the stream to redact: the default or else the first one that is a real video."""
    return next(iter(real_videos(container)), None)


def real_videos(container: InputContainer) -> list[VideoStream]:
    """Return all streams that claim to be real videos, default ones first."""
    from av.stream import Disposition

    videos = [stream for stream in container.streams.video if not is_cover_art(stream)]
    return sorted(videos, key=lambda stream: not stream.disposition & Disposition.default)


def film_of(container: InputContainer) -> int | None:
    """Return the index of the stream to redact: of several videos one that is no still picture.

    Where there are several, packets are read to tell; the container is of no more use then.
    """
    videos = real_videos(container)
    if len(videos) < 2:
        return videos[0].index if videos else None
    counts = {stream.index: 0 for stream in videos}
    first = videos[0].index
    for number, packet in enumerate(container.demux(videos)):
        counts[packet.stream_index] += bool(packet.size)
        if counts[first] > 1 or number > _LOOK_AT:
            break
    return next((index for index, count in counts.items() if count > 1), first)


def kept_tracks(
    container: InputContainer, *, sound: bool = True
) -> list[AudioStream | SubtitleStream]:
    """Return what passes through untouched, in container order; pictures of text may not."""
    kept: list[AudioStream | SubtitleStream] = list(container.streams.audio) if sound else []
    kept += [s for s in container.streams.subtitles if codec_of(s) in TEXT_SUBTITLES]
    return sorted(kept, key=lambda stream: stream.index)


def is_cover_art(stream: VideoStream) -> bool:
    """Whether a video stream is a cover or a thumbnail rather than a video."""
    from av.stream import Disposition

    return bool(stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails))


def codec_of(stream: Stream) -> str:
    """Return FFmpeg's name of a stream's codec, whoever decodes it."""
    if has_decoder(stream):
        return stream.codec_context.codec.canonical_name
    return getattr(stream, "name", None) or "unknown codec"


def has_decoder(stream: Stream) -> bool:
    """Whether FFmpeg can decode a stream; PyAV's annotations take it for granted."""
    return getattr(stream, "codec_context", None) is not None


def describe(stream: Stream, ordinal: int = 1) -> str:
    """Return a stream in a few words, such as ``second video track (h264 480x270)``."""
    codec = codec_of(stream)
    rank = ("", "", "second ", "third ", "fourth ")[ordinal] if ordinal < 5 else f"{ordinal}th "
    language = f", {stream.language}" if getattr(stream, "language", None) else ""
    match stream.type:
        case "video" if is_cover_art(stream):  # type: ignore[arg-type]
            return f"cover art ({codec})"
        case "video" if has_decoder(stream):
            size = f"{stream.codec_context.width}x{stream.codec_context.height}"  # type: ignore[attr-defined]
            return f"{rank}video track ({codec} {size})"
        case "subtitle":
            return f"{rank}subtitles ({codec}{language})"
        case "audio":
            return f"{rank}audio track ({codec}{language})"
        case "attachment":
            return f"attachment ({codec})"
        case kind:
            return f"{kind} track ({codec})"


def describe_all(streams: list[Stream]) -> dict[int, str]:
    """Return every stream in a few words, by index; kinds are counted from 1."""
    counts: dict[str, int] = {}
    words = {}
    for stream in streams:
        real = stream.type != "video" or not is_cover_art(stream)  # type: ignore[arg-type]
        counts[stream.type] = counts.get(stream.type, 0) + real
        words[stream.index] = describe(stream, counts[stream.type])
    return words
