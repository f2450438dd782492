"""Making a redacted picture fit the encoder: its format, its size, its time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av
    from av.video.codeccontext import VideoCodecContext

_FULL_RANGE = 2


class PtsFitter:
    """Gives pictures time stamps in the encoder's own unit, each later than the one before.

    Args:
        time_base: The encoder's unit, in seconds.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._time_base = time_base
        self._last: int | None = None

    def fit(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Set the picture's time stamp, and return it."""
        unit = picture.time_base or self._time_base
        if unit != self._time_base or picture.pts is None:
            scale = unit / self._time_base
            picture.pts = round((picture.pts or 0) * scale)
            picture.duration = round(picture.duration * scale)
            picture.time_base = self._time_base
        if self._last is not None and picture.pts <= self._last:
            picture.pts = self._last + 1
        self._last = picture.pts
        return picture


def to_format(
    picture: av.VideoFrame, encoder: VideoCodecContext, size: tuple[int, int]
) -> av.VideoFrame:
    """Return the picture in the encoder's pixel format and size, in the same colours."""
    wanted = str(encoder.pix_fmt)
    if picture.format.name == wanted and (picture.width, picture.height) == size:
        return picture
    if picture.format.is_rgb and not encoder_is_rgb(wanted):
        return picture.reformat(
            *size, wanted, dst_colorspace="ITU709", dst_color_range="MPEG", interpolation="BICUBIC"
        )
    full = picture.color_range == _FULL_RANGE or picture.format.name.startswith("yuvj")
    level = "JPEG" if full and not picture.format.is_rgb else None
    # Without the range named, full-range luma would be squeezed into the limited one.
    return picture.reformat(
        *size, wanted, src_color_range=level, dst_color_range=level, interpolation="BICUBIC"
    )


def encoder_is_rgb(pix_fmt: str) -> bool:
    """Whether an encoder's format needs no matrix from RGB, or is JPEG with a matrix of its own."""
    import av

    return av.VideoFormat(pix_fmt).is_rgb or pix_fmt.startswith(("yuvj", "gray", "pal"))


def fit_size(picture: av.VideoFrame, size: tuple[int, int]) -> av.VideoFrame:
    """Return the picture scaled to a size where it has another, in the same pixel format."""
    if (picture.width, picture.height) == size:
        return picture
    return picture.reformat(*size, interpolation="BICUBIC")
