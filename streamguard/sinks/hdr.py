"""HDR light levels, in the words of each encoder."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

_CHROMATICITY = 50_000
_LUMINANCE = 10_000
# Key of the private options, mastering display, light level; whether in real units.
_DIALECTS = {
    "h264": ("x264-params", "mastering-display", "cll", False),
    "hevc": ("x265-params", "master-display", "max-cll", False),
    "av1": ("svtav1-params", "mastering-display", "content-light", True),
}


def holds_hdr(codec: str) -> bool:
    """Whether the encoder of a codec writes HDR light levels."""
    return codec in _DIALECTS


def hdr_params(codec: str, side_data: dict[str, bytes]) -> tuple[str, list[str]]:
    """Return the name of an encoder's private options and what they shall say about HDR.

    Args:
        codec: FFmpeg's name of the codec.
        side_data: AVMasteringDisplayMetadata and AVContentLightMetadata
            (libavutil/mastering_display_metadata.h) by FFmpeg's name of the kind.
    """
    if codec not in _DIALECTS:
        return "", []
    key, display, light, real = _DIALECTS[codec]
    params = []
    if mastering := side_data.get("MASTERING_DISPLAY_METADATA"):
        params.append(f"{display}={_mastering(mastering, real)}")
    if level := side_data.get("CONTENT_LIGHT_LEVEL"):
        peak, average = np.frombuffer(level, np.uint32)[:2]
        params.append(f"{light}={peak},{average}")
    return key, params


def _mastering(data: bytes, real: bool) -> str:
    numbers = np.frombuffer(data, np.int32)[:20].reshape(10, 2)
    values = [Fraction(int(n), int(d) or 1) for n, d in numbers]
    red, green, blue, white = (values[i : i + 2] for i in (0, 2, 4, 6))
    low, high = values[8:]

    def pair(first: Fraction, second: Fraction, unit: int) -> str:
        if real:
            return f"({float(first):.5f},{float(second):.5f})"
        return f"({round(first * unit)},{round(second * unit)})"

    points = {"G": green, "B": blue, "R": red, "WP": white}
    text = "".join(f"{name}{pair(x, y, _CHROMATICITY)}" for name, (x, y) in points.items())
    return f"{text}L{pair(high, low, _LUMINANCE)}"
