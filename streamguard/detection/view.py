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
from streamguard.protocols import Image

Gray = NDArray[np.uint8]
"""A luma picture, shape ``(height, width)``, dtype ``uint8``."""

_KR_KB = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Luma coefficients by FFmpeg's AVColorSpace: BT.709 and BT.2020 (ITU-R H.273, table 4)."""
_BT601 = (0.299, 0.114)
_FULL_RANGE = 2


class FrameView:
    """Scaled views of one frame.

    Args:
        frame: The frame to look at; it is only read.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        picture = frame.picture
        if not _is_planar_yuv(picture.format.name):
            # Rare formats (palettes, packed or planar RGB): one conversion, then as the rest.
            picture = picture.reformat(format="yuv444p")
        self._picture = picture
        self._components = picture.format.components
        self._arrays: dict[int, NDArray[np.uint8 | np.uint16]] = {}

    def luma(self, width: int, height: int) -> Gray:
        """Return the whole frame's luma, scaled, not turned upright."""
        whole = Box(0, 0, self._frame.width, self._frame.height)
        return self._scaled(0, whole, width, height)

    def rgb(self, region: Box, width: int, height: int) -> Image:
        """Return a region scaled to ``width`` × ``height`` and then turned upright.

        Args:
            region: Part of the coded frame, in pixels, inside the frame.
            width: Width before turning, in pixels.
            height: Height before turning, in pixels.
        """
        luma = self._scaled(0, region, width, height)
        if len(self._components) < 3:
            upright = cv2.cvtColor(luma, cv2.COLOR_GRAY2RGB)
        else:
            chroma = [self._scaled(index, region, width, height) for index in (1, 2)]
            upright = cv2.transform(cv2.merge([luma, *chroma]), self._to_rgb())
        turns = self._frame.quarter_turns % 4
        if turns:
            upright = cv2.rotate(
                upright,
                (cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE)[turns - 1],
            )
        return np.ascontiguousarray(upright, np.uint8)

    def _component(self, index: int) -> NDArray[np.uint8 | np.uint16]:
        """Return a read-only array of one component (0 Y, 1 U, 2 V) at its own size."""
        if index not in self._arrays:
            component = self._components[index]
            plane = self._picture.planes[component.plane]
            deep = component.bits > 8
            rows = np.frombuffer(plane, np.uint16 if deep else np.uint8)
            rows = rows.reshape(plane.height, plane.line_size // rows.itemsize)
            if plane.width < rows.shape[1] and self._is_interleaved(index):
                rows = rows[:, (index - 1) % 2 :: 2]
            self._arrays[index] = rows[: component.height, : component.width]
        return self._arrays[index]

    def _is_interleaved(self, index: int) -> bool:
        return index > 0 and len(self._picture.planes) == 2

    def _scaled(self, index: int, region: Box, width: int, height: int) -> Gray:
        component = self._component(index)
        rows, columns = component.shape
        frame = self._frame
        part = region.scale(columns / frame.width, rows / frame.height)
        x1, y1, x2, y2 = part.pixels(columns, rows)
        source = component[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        shrinks = source.shape[1] >= width
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        if self._is_interleaved(index):
            source = np.ascontiguousarray(source)
        small = cv2.resize(source, (width, height), interpolation=method)
        if small.dtype == np.uint16:
            small = cv2.convertScaleAbs(small, alpha=1 / 2 ** self._excess_bits(index))
        return np.asarray(small, np.uint8)

    def _excess_bits(self, index: int) -> int:
        # P010 and its kin keep their bits at the top of the 16-bit word.
        if self._picture.format.name.startswith(("p010", "p012", "p016", "p210", "p410")):
            return 8
        return int(self._components[index].bits) - 8

    def _to_rgb(self) -> NDArray[np.float64]:
        """Return the 3×4 matrix from 8-bit YUV to RGB (ITU-R BT.601/709, section 3)."""
        picture = self._picture
        kr, kb = _KR_KB.get(int(picture.colorspace), _BT601)
        full = int(picture.color_range) == _FULL_RANGE or picture.format.name.startswith("yuvj")
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


def _is_planar_yuv(name: str) -> bool:
    if name.endswith("be"):
        return False
    return name.startswith(("yuv4", "yuva4", "yuvj4", "gray", "nv1", "nv2", "p0", "p2", "p4"))
