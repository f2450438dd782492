"""The video encoder: which one, with what options, and faithful to what the source was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from streamguard.frames import VideoInfo
from streamguard.media.containers import ContainerRules
from streamguard.media.traits import Traits
from streamguard.settings import EncodingSettings
from streamguard.sinks.hdr import hdr_params, holds_hdr
from streamguard.sinks.marks import lost_marks

if TYPE_CHECKING:
    from av import VideoCodecContext
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_MPEG_RATES = tuple(
    Fraction(*rate)
    for rate in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001),
                 (60, 1))
)  # fmt: skip
_FALLBACK_RATE = Fraction(25)
_LIMITED_RANGE, _FULL_RANGE = 1, 2
_BT709 = 1
_MAX_THREADS = 16
"""x264 loses quality with more, and holds a picture for each."""
_INTERLACED = ("h264", "mpeg2video")


@dataclass(frozen=True, slots=True)
class Encoder:
    """One encoder and our defaults for it.

    Attributes:
        name: FFmpeg's name of the encoder.
        crf: Default constant rate factor: visually close to the source.
        preset: Default speed preset.
        options: What else it is told.
        any_size: Whether it takes odd sizes in 4:2:0.
    """

    name: str
    crf: int
    preset: str = ""
    options: tuple[tuple[str, str], ...] = ()
    any_size: bool = True


_ENCODERS = {
    "h264": Encoder("libx264", 20, "veryfast", any_size=False),
    "hevc": Encoder("libx265", 23, "veryfast", any_size=False),
    "av1": Encoder("libsvtav1", 30, "9"),
    "vp9": Encoder(
        "libvpx-vp9", 30, options=(("deadline", "realtime"), ("cpu-used", "6"), ("row-mt", "1"))
    ),
    "mpeg2video": Encoder("mpeg2video", 3),
}


def add_video(
    output: OutputContainer,
    rules: ContainerRules,
    info: VideoInfo,
    traits: Traits,
    settings: EncodingSettings,
) -> VideoStream:
    """Add the video stream to an output, its encoder set up but not yet opened.

    The picture is as large as ``info`` says; time stamps count in the stream's ``time_base``.
    """
    codec = codec_for(rules, traits, settings)
    encoder = _ENCODERS[codec]
    rate = _rate(info, codec)
    time_base = 1 / rate if rules.constant_rate else info.time_base
    options = _options(encoder, settings, rules)
    key, params = hdr_params(codec, traits.hdr)
    if params:
        options[key] = _joined(options.get(key), *params)
    added = output.add_stream(
        encoder.name, rate=rate, time_base=time_base, width=info.width, height=info.height
    )
    stream = cast("VideoStream", added)
    context = stream.codec_context
    context.pix_fmt = pixel_format(encoder, info)
    _set_threads(context)
    if traits.sample_aspect_ratio:
        context.sample_aspect_ratio = traits.sample_aspect_ratio
    _set_color(context, info, traits)
    if traits.interlaced and codec in _INTERLACED:
        options |= _set_interlaced(context, options, traits.interlaced, codec)
    if codec == "hevc" and rules.format in ("mp4", "mov"):
        context.codec_tag = "hvc1"
    context.options = options
    _label(stream, traits)
    if rules.format == "webm" and context.pix_fmt.startswith("yuva"):
        # Players look for transparency only where this is said.
        stream.metadata["alpha_mode"] = "1"
    return stream


def codec_for(rules: ContainerRules, traits: Traits, settings: EncodingSettings) -> str:
    """Return the codec of the result: what was asked for if it fits, else what keeps most."""
    codec = rules.codec_for(settings.codec)
    if traits.hdr and not holds_hdr(codec):
        return next(filter(holds_hdr, rules.codecs), codec)
    return codec


def encoder_notes(
    stream: VideoStream,
    rules: ContainerRules,
    info: VideoInfo,
    traits: Traits,
    settings: EncodingSettings,
) -> list[str]:
    """Say in words what the encoder could not keep as it was."""
    import av

    notes = []
    codec = codec_for(rules, traits, settings)
    if codec != settings.codec.value:
        wanted = settings.codec.value
        notes.append(f"video encoded as {codec}: {rules.format} does not hold {wanted}")
    before, after = info.pix_fmt.replace("yuvj", "yuv"), str(stream.codec_context.pix_fmt)
    if before != after.replace("yuvj", "yuv"):
        notes.append(f"pixels: {info.pix_fmt} → {after}")
    odd = info.width % 2 or info.height % 2
    if odd and after.startswith("yuv444") and not before.startswith("yuv444") and codec != "vp9":
        notes.append("some players do not read 4:4:4, which this odd size needs; av1 would not")
    if traits.interlaced and codec not in _INTERLACED:
        notes.append(f"no longer flagged as interlaced: {codec} cannot say so")
    formats = av.VideoFormat(info.pix_fmt), av.VideoFormat(after)
    notes += lost_marks(rules, codec, traits, *formats)
    if rules.constant_rate:
        rate = float(stream.codec_context.framerate)
        notes.append(f"time stamps rounded to a constant {rate:g} frames a second")
    return notes


def pixel_format(encoder: Encoder, info: VideoInfo) -> str:
    """Return the encoder's format nearest to the source's: same depth and chroma if it can."""
    import av
    from av.codec.codec import find_best_pix_fmt_of_list

    offered = [
        video_format.name for video_format in av.Codec(encoder.name, "w").video_formats or ()
    ]
    odd = bool(info.width % 2 or info.height % 2)
    wanted = info.pix_fmt
    if wanted.startswith("yuvj") and wanted not in offered:
        wanted = wanted.replace("yuvj", "yuv")
    source = av.VideoFormat(wanted)
    if source.is_rgb or "pal" in wanted:
        wanted = "yuv420p"
    elif wanted not in offered:
        best, _ = find_best_pix_fmt_of_list(offered, wanted)
        wanted = best.name if best else "yuv420p"
    chosen = av.VideoFormat(wanted)
    if odd and not encoder.any_size and len(chosen.components) > 1:
        deep = chosen.components[0].bits > 8
        return "yuv444p10le" if deep else "yuv444p"
    return wanted


def _set_interlaced(
    context: VideoCodecContext, options: dict[str, str], order: str, codec: str
) -> dict[str, str]:
    """Say which field comes first; return the options that change for it."""
    context.field_order = 2 if order == "tff" else 3
    changed = {"flags": options["flags"] + "+ildct+ilme"}
    if codec == "h264":
        changed["x264-params"] = _joined(options.get("x264-params"), f"{order}=1")
    return changed


def _joined(*params: str | None) -> str:
    return ":".join(filter(None, params))


def _set_threads(context: VideoCodecContext) -> None:
    # PyAV asks for slices, which fill cores worse and files more than whole frames in parallel.
    context.thread_type = "AUTO"
    # What x264 itself would choose; each thread more holds a few frames more.
    context.thread_count = min(3 * (os.cpu_count() or 1) // 2 or 1, _MAX_THREADS)


def _label(stream: VideoStream, traits: Traits) -> None:
    from av.stream import Disposition

    stream.disposition = Disposition(traits.disposition)
    if language := traits.video_metadata.get("language"):
        stream.metadata["language"] = language


def _set_color(context: VideoCodecContext, info: VideoInfo, traits: Traits) -> None:
    import av

    context.color_range, context.color_primaries, context.color_trc, context.colorspace = (
        traits.color
    )
    if info.pix_fmt.startswith("yuvj"):
        context.color_range = _FULL_RANGE
    if av.VideoFormat(info.pix_fmt).is_rgb:
        # `to_format` turns RGB into this; the source's own tags are those of RGB.
        context.color_range, context.colorspace = _LIMITED_RANGE, _BT709


def _rate(info: VideoInfo, codec: str) -> Fraction:
    rate = info.frame_rate or _FALLBACK_RATE
    if codec == "mpeg2video":
        # MPEG-2 knows these eight rates only (ISO/IEC 13818-2, table 6-4).
        return min(_MPEG_RATES, key=lambda known: abs(known - rate))
    return rate.limit_denominator(60_000)


def _options(encoder: Encoder, settings: EncodingSettings, rules: ContainerRules) -> dict[str, str]:
    options = dict(encoder.options)
    crf = encoder.crf if settings.crf is None else settings.crf
    # Without this flag the last frame's own duration would not reach the container.
    options["flags"] = "+frame_duration"
    if encoder.name == "mpeg2video":
        options["flags"] += "+qscale"
        options |= {"global_quality": str(crf * 118), "bf": "2"}
        return options
    options["crf"] = str(crf)
    if preset := settings.preset or encoder.preset:
        options["preset"] = preset
    if encoder.name == "libvpx-vp9":
        options["b"] = "0"
    if encoder.name == "libx265":
        options["x265-params"] = "log-level=error"
    if not rules.reorder:
        options["bf"] = "0"
    return options
