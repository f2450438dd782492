"""What each output container can hold, and what is chosen where it cannot hold H.264."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamguard.errors import UsageError
from streamguard.settings import Codec

PHOTO_EXTENSIONS = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRules:
    """How one container is written.

    Attributes:
        format: FFmpeg's name of the muxer.
        codecs: Video codecs it holds, as FFmpeg names them; the first is the default.
        audio: Encoder for audio it cannot hold as it is.
        subtitle: Encoder for text subtitles it cannot hold as they are; empty if none.
        rotation: Whether it holds a display matrix.
        constant_rate: Whether time stamps are frame numbers at a constant rate.
        reorder: Whether frames may be stored out of order (B-frames).
        edit_lists: Whether it delays a track by an edit list, counted in the movie's own unit.
        options: Muxer options.
    """

    format: str
    codecs: tuple[str, ...] = ("h264", "hevc", "av1")
    audio: str = "aac"
    subtitle: str = ""
    rotation: bool = False
    constant_rate: bool = False
    reorder: bool = True
    edit_lists: bool = False
    options: tuple[tuple[str, str], ...] = ()

    def codec_for(self, wanted: Codec) -> str:
        """Return the codec to encode to: the wanted one if it fits, else the default."""
        return wanted.value if wanted.value in self.codecs else self.codecs[0]


_FASTSTART = (("movflags", "+faststart"),)
_MP4 = ContainerRules(
    format="mp4", subtitle="mov_text", rotation=True, edit_lists=True, options=_FASTSTART
)
_MOV = replace(_MP4, format="mov")
_TS = ContainerRules(format="mpegts", codecs=("h264", "hevc"))
_MPEG = ContainerRules(format="mpeg", codecs=("mpeg2video",), audio="mp2", constant_rate=True)
_3GP = replace(_MP4, format="3gp", codecs=("h264",))
_ASF = ContainerRules(format="asf", codecs=("h264",), reorder=False)

_RULES = {
    ".mp4": _MP4,
    ".m4v": _MP4,
    ".mov": _MOV,
    ".qt": _MOV,
    ".3gp": _3GP,
    ".3g2": _3GP,
    ".mkv": ContainerRules(format="matroska", subtitle="subrip", rotation=True),
    ".webm": ContainerRules(
        format="webm", codecs=("vp9", "av1"), audio="libopus", subtitle="webvtt", rotation=True
    ),
    ".avi": ContainerRules(
        format="avi", codecs=("h264",), audio="libmp3lame", constant_rate=True, reorder=False
    ),
    ".flv": ContainerRules(format="flv", codecs=("h264",)),
    ".ts": _TS,
    ".mts": _TS,
    ".m2ts": _TS,
    ".mpg": _MPEG,
    ".mpeg": _MPEG,
    ".vob": _MPEG,
    ".mxf": ContainerRules(
        format="mxf", codecs=("mpeg2video",), audio="pcm_s16le", constant_rate=True
    ),
    ".wmv": _ASF,
    ".asf": _ASF,
}
VIDEO_EXTENSIONS = frozenset(_RULES)


def rules_for(extension: str) -> ContainerRules:
    """Return how the container of an extension such as ``.mp4`` is written.

    Raises:
        UsageError: The extension is unknown.
    """
    try:
        return _RULES[extension.lower()]
    except KeyError:
        raise UsageError(
            f"no container goes by {extension or 'an empty extension'}",
            f"Use one of {' '.join(sorted(_RULES))}",
        ) from None
