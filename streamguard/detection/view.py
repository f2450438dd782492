"""Small pictures of a frame, straight from the decoder's planes.

Only what a detector or the tracker needs is ever scaled or converted; the full-size frame
stays as it was decoded.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.frames import Frame
from streamguard.geometry import Box
from streamguard.planes import PictureLayout, PlaneLayout, Samples, native_layout, nearest_native
from streamguard.protocols import Image

Gray = NDArray[np.uint8]
"""A luma picture, shape ``(height, width)``, dtype ``uint8``."""

_KR_KB = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Luma coefficients by FFmpeg's AVColorSpace: BT.709 and BT.2020 (ITU-R H.273, table 4)."""
_BT601 = (0.299, 0.114)
_FULL_RANGE = 2
_TURNS = (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)


class FrameView:
    """Scaled views of one frame.

    Args:
        frame: The frame to look at; it is only read.

    Raises:
        RedactionError: No picture of this pixel format can be worked on at all.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        picture = frame.picture
        native = nearest_native(picture.format.name)
        if picture.format.name != native:
            picture = picture.reformat(format=native)  # palettes and the like, once
        self._picture = picture
        self._layout: PictureLayout = native_layout(native)
        self._planes = self._layout.views(picture)
        for plane in self._planes:
            plane.flags.writeable = False

    def luma(self, width: int, height: int) -> Gray:
        """Return the whole frame's luma, scaled, not turned upright."""
        whole = Box(0, 0, self._frame.width, self._frame.height)
        found = self._channels("y", whole, width, height)
        if found:
            return np.ascontiguousarray(found["y"])
        return np.asarray(cv2.cvtColor(self._rgb(whole, width, height), cv2.COLOR_RGB2GRAY))

    def rgb(self, region: Box, width: int, height: int, turns: int = 0) -> Image:
        """Return a region scaled to ``width`` × ``height`` and then turned upright.

        Args:
            region: Part of the coded frame, in pixels, inside the frame.
            width: Width before turning, in pixels.
            height: Height before turning, in pixels.
            turns: Clockwise quarter turns beyond upright.
        """
        turned = self._rgb(region, width, height)
        turns = (self._frame.quarter_turns + turns) % 4
        if turns:
            turned = np.asarray(cv2.rotate(turned, _TURNS[turns - 1]), np.uint8)
        return np.ascontiguousarray(turned)

    def _rgb(self, region: Box, width: int, height: int) -> Image:
        found = self._channels("yuvrgb", region, width, height)
        if "r" in found:
            result = cv2.merge([found[role] for role in "rgb"])
        elif "u" in found:
            yuv = cv2.merge([found[role] for role in "yuv"])
            result = cv2.transform(yuv, self._to_rgb())
        else:
            result = cv2.cvtColor(found["y"], cv2.COLOR_GRAY2RGB)
        return np.asarray(result, np.uint8)

    def _channels(self, roles: str, region: Box, width: int, height: int) -> dict[str, Gray]:
        """Return the channels asked for that the picture has, scaled, by role."""
        found: dict[str, Gray] = {}
        for samples, plane in zip(self._planes, self._layout.planes, strict=True):
            wanted = [role for role in plane.roles if role in roles]
            if not wanted:
                continue
            small = self._scaled(samples, plane, region, width, height)
            for role in wanted:
                found[role] = small if small.ndim == 2 else small[..., plane.roles.index(role)]
        return found

    def _scaled(
        self, samples: Samples, plane: PlaneLayout, region: Box, width: int, height: int
    ) -> Gray:
        rows, columns = samples.shape[:2]
        part = region.scale(columns / self._frame.width, rows / self._frame.height)
        x1, y1, x2, y2 = part.pixels(columns, rows)
        source = samples[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        while _is_halved(source, width, height):
            # Averages of averages of whole blocks are the same but for rounding by one, and
            # OpenCV is five times as fast at halving as at any other ratio.
            half = source.shape[1] // 2, source.shape[0] // 2
            source = cv2.resize(source, half, interpolation=cv2.INTER_AREA)
        method = cv2.INTER_AREA if source.shape[1] >= width else cv2.INTER_LINEAR
        small = cv2.resize(source, (width, height), interpolation=method)
        if small.dtype == np.uint16:
            # The bits below a sample (P010 and its kin) go with those beyond the eighth.
            excess = self._layout.bits + self._layout.shift - 8
            small = cv2.convertScaleAbs(small, alpha=1 / 2**excess)
        return np.asarray(small, np.uint8)

    def _to_rgb(self) -> NDArray[np.float64]:
        """Return the 3×4 matrix from 8-bit YUV to RGB (ITU-R BT.601/709, section 3)."""
        picture = self._picture
        kr, kb = _KR_KB.get(int(picture.colorspace), _BT601)
        full = int(picture.color_range) == _FULL_RANGE or self._layout.full_range
        y_gain, c_gain = (1.0, 1.0) if full else (255 / 219, 255 / 224)
        kg = 1 - kr - kb
        rotation = np.array(
            [
                [y_gain, 0, 2 * (1 - kr) * c_gain],
                [y_gain, -2 * kb * (1 - kb) / kg * c_gain, -2 * kr * (1 - kr) / kg * c_gain],
                [y_gain, 2 * (1 - kb) * c_gain, 0],
            ]
        )
        zero = np.array([0.0 if full else 16.0, 128.0, 128.0])
        return np.column_stack([rotation, -rotation @ zero])


def _is_halved(source: Samples, width: int, height: int) -> bool:
    """Return whether whole blocks of four still leave enough for areas of the size wanted."""
    rows, columns = source.shape[:2]
    is_even = rows % 2 == columns % 2 == 0
    return bool(is_even and rows >= 4 * height and columns >= 4 * width)
