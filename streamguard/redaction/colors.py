"""An RGB colour as the samples of a picture's own colour system."""

from __future__ import annotations

import av

from streamguard.media.planes import PictureLayout

# Luma weights of red and blue by AVColorSpace, ITU-T H.273 table 4 (matrix coefficients).
_BT601 = (0.299, 0.114)
_BT709 = (0.2126, 0.0722)
_LUMA_WEIGHTS = {
    1: _BT709,
    4: (0.30, 0.11),
    5: _BT601,
    6: _BT601,
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_LIMITED, _FULL = 1, 2  # AVColorRange
_HD_HEIGHT = 720  # players take untagged video of this height and above for BT.709


def samples_of(
    rgb: tuple[int, int, int], picture: av.VideoFrame, layout: PictureLayout
) -> dict[str, int]:
    """Return the word that stands for a colour in each channel of a picture.

    The formulas are those of ITU-T H.273 (equations for VideoFullRangeFlag 0 and 1).

    Args:
        rgb: 0 to 255 each.
        picture: Its tags say which matrix and range are meant; untagged pictures count as
            BT.709 from 720 rows on, as BT.601 below, and as limited range.
        layout: Layout of the picture's pixel format.

    Returns:
        A word by role letter (see `PlaneLayout`), alpha opaque.
    """
    red, green, blue = (value / 255 for value in rgb)
    top = (1 << layout.bits) - 1
    default = _BT709 if picture.height >= _HD_HEIGHT else _BT601
    kr, kb = _LUMA_WEIGHTS.get(int(picture.colorspace), default)
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    chroma = (blue - luma) / (2 - 2 * kb), (red - luma) / (2 - 2 * kr)
    full = _is_full_range(picture, layout)
    step = 1 << (layout.bits - 8)
    scale, offset, chroma_scale = (top, 0, top) if full else (219 * step, 16 * step, 224 * step)
    values = {
        "y": offset + scale * luma,
        "u": 128 * step + chroma_scale * chroma[0],
        "v": 128 * step + chroma_scale * chroma[1],
        "r": top * red,
        "g": top * green,
        "b": top * blue,
        "a": top,
        "0": 0,
    }
    return {role: min(max(round(v), 0), top) << layout.shift for role, v in values.items()}


def _is_full_range(picture: av.VideoFrame, layout: PictureLayout) -> bool:
    if picture.format.name.startswith("yuvj"):
        return True
    tag = int(picture.color_range)
    return tag == _FULL or (layout.full_range and tag != _LIMITED)
