"""What a result cannot say of its pictures, though the source did: each is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from streamguard.media.containers import ContainerRules
from streamguard.media.traits import Traits
from streamguard.sinks.hdr import holds_hdr
from streamguard.sinks.sphere import STEREO_MODES

if TYPE_CHECKING:
    from av import VideoFormat

_CAPTIONS = ("h264",)
"""Codecs whose encoder here writes closed captions."""


def lost_marks(
    rules: ContainerRules, codec: str, traits: Traits, before: VideoFormat, after: VideoFormat
) -> Iterator[str]:
    """Yield what is lost, in words.

    Args:
        rules: The container.
        codec: FFmpeg's name of the video codec.
        traits: What the source said.
        before: Pixel format of the source.
        after: Pixel format of the result.
    """
    if (has_alpha(before) or traits.hides_alpha) and not has_alpha(after):
        yield f"transparency is gone: {codec} does not keep it here"
    if traits.captions and codec not in _CAPTIONS:
        yield f"closed captions are gone: {codec} is written without them, --codec h264 keeps them"
    if traits.hdr and not holds_hdr(codec):
        yield f"HDR brightness levels are gone: {codec} in {rules.format} is written without them"
    if traits.spherical and not rules.sphere:
        yield f"the 360° mark is gone: {rules.format} is written without it, MP4 and MOV keep it"
    in_sphere = rules.sphere and traits.is_equirectangular and traits.stereo in STEREO_MODES
    if traits.stereo and codec != "h264" and not in_sphere:
        yield "the mark for stereoscopic (3D) pictures is gone"


def has_alpha(pixels: VideoFormat) -> bool:
    """Whether pixels of a format can be transparent."""
    return any(component.is_alpha for component in pixels.components)
