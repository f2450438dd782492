"""What each output container can hold, and what is chosen where it cannot hold H.264."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streamguard.errors import UsageError
from streamguard.settings import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRules:
    """How one container is written.

    Attributes:
        format: FFmpeg's name of the muxer.
        codecs: Video codecs it holds, as FFmpeg names them; the first is the default.
        sound: Audio codecs copied as they are; None for whatever the muxer takes.
        audio: Encoder for other audio.
        text: Text subtitle codecs copied as they are.
        subtitle: Encoder for other text subtitles; empty if there is none.
        rotation: Whether it holds a display matrix.
        constant_rate: Whether time stamps are frame numbers at a constant rate.
        reorder: Whether frames may be stored out of order (B-frames).
        edit_lists: Whether it delays a track by an edit list, counted in the movie's own unit.
        sphere: Whether the mark of 360° videos is written.
        fonts: Whether it holds fonts for subtitles.
        options: Muxer options.
    """

    format: str
    codecs: tuple[str, ...] = ("h264", "hevc", "av1")
    sound: frozenset[str] | None = None
    audio: str = "aac"
    text: frozenset[str] = frozenset()
    subtitle: str = ""
    rotation: bool = False
    constant_rate: bool = False
    reorder: bool = True
    edit_lists: bool = False
    sphere: bool = False
    fonts: bool = False
    options: tuple[tuple[str, str], ...] = ()

    def codec_for(self, wanted: Codec) -> str:
        """Return the codec to encode to: the wanted one if it fits, else the default."""
        return wanted.value if wanted.value in self.codecs else self.codecs[0]


_PCM = frozenset(
    "pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_f64le"
    " pcm_f64be pcm_u8 pcm_s8 pcm_alaw pcm_mulaw".split()
)
# Narrower than what the muxers take: what players read back, at the right time.
_MP4 = ContainerRules(
    format="mp4",
    sound=frozenset(("aac", "mp3", "mp2", "ac3", "eac3", "dts", "opus", "flac", "alac")),
    text=frozenset(("mov_text",)),
    subtitle="mov_text",
    rotation=True,
    edit_lists=True,
    sphere=True,
    options=(("movflags", "+faststart"),),
)
# QuickTime's own players know these; its muxer refuses Opus and FLAC outright.
_MOV = replace(
    _MP4,
    format="mov",
    sound=frozenset(("aac", "mp3", "mp2", "ac3", "eac3", "dts", "alac", "adpcm_ima_qt", *_PCM)),
)
# Phones store several frames of AMR in a packet, which the muxer refuses.
_3GP = replace(_MP4, format="3gp", codecs=("h264",), sound=frozenset(("aac",)))
_MKV = ContainerRules(
    format="matroska",
    sound=frozenset(
        "aac mp3 mp2 mp1 ac3 eac3 dts truehd mlp opus vorbis flac alac wavpack wmav1 wmav2"
        " pcm_s16le pcm_s24le pcm_s32le pcm_u8 pcm_f32le"
        " pcm_f64le pcm_s16be pcm_s24be pcm_s32be pcm_alaw pcm_mulaw adpcm_ima_wav adpcm_ms".split()
    ),
    text=frozenset(("subrip", "ass", "ssa", "webvtt")),
    subtitle="subrip",
    rotation=True,
    fonts=True,
)
_WEBM = ContainerRules(
    format="webm",
    codecs=("vp9", "av1"),
    sound=frozenset(("opus", "vorbis")),
    audio="libopus",
    text=frozenset(("webvtt",)),
    subtitle="webvtt",
    rotation=True,
)
_AVI = ContainerRules(
    format="avi",
    codecs=("h264",),
    sound=frozenset(("mp3", "mp2", "pcm_s16le", "pcm_u8")),
    audio="libmp3lame",
    constant_rate=True,
    reorder=False,
)
_FLV = ContainerRules(format="flv", codecs=("h264",), sound=frozenset(("aac", "mp3")))
_TS = ContainerRules(
    format="mpegts",
    codecs=("h264", "hevc"),
    sound=frozenset(("aac", "mp3", "mp2", "ac3", "eac3", "dts", "opus")),
)
_MPEG = ContainerRules(
    format="mpeg",
    codecs=("mpeg2video",),
    sound=frozenset(("mp2", "mp3", "ac3")),
    audio="mp2",
    constant_rate=True,
)
_MXF = ContainerRules(
    format="mxf",
    codecs=("mpeg2video",),
    sound=frozenset(("pcm_s16le", "pcm_s24le")),
    audio="pcm_s16le",
    constant_rate=True,
)
_ASF = ContainerRules(
    format="asf",
    codecs=("h264",),
    sound=frozenset(("wmav1", "wmav2", "mp3")),
    audio="libmp3lame",
    reorder=False,
)
_RULES = {
    **dict.fromkeys((".mp4", ".m4v"), _MP4),
    **dict.fromkeys((".mov", ".qt"), _MOV),
    **dict.fromkeys((".3gp", ".3g2"), _3GP),
    ".mkv": _MKV,
    ".webm": _WEBM,
    ".avi": _AVI,
    ".flv": _FLV,
    **dict.fromkeys((".ts", ".mts", ".m2ts"), _TS),
    **dict.fromkeys((".mpg", ".mpeg", ".vob"), _MPEG),
    ".mxf": _MXF,
    **dict.fromkeys((".wmv", ".asf"), _ASF),
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
            f"no container has the suffix {extension or '(none)'}",
            f"Use one of {' '.join(sorted(_RULES))}",
        ) from None
