"""Trying encoders out."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av import VideoCodecContext


def opens(name: str) -> bool:
    """Tell whether an encoder can really be opened: a name in FFmpeg's list says little.

    Args:
        name: FFmpeg's name of the encoder.
    """
    import av

    try:
        context = cast("VideoCodecContext", av.CodecContext.create(name, "w"))
        formats = [f.name for f in context.codec.video_formats or ()]
        context.width, context.height = 256, 256
        context.pix_fmt = "nv12" if formats and "yuv420p" not in formats else "yuv420p"
        context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
        context.open()
    except (av.FFmpegError, ValueError):
        return False
    return True
