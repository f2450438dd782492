"""Flat views of a 360° picture's upper and lower part, where it is too distorted for detectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.geometry import Box
from streamguard.protocols import Image

SIDE = 640
"""Side of a view in pixels."""
_PITCH = 65
_FOCUS = SIDE / 2
"""Distance of the flat view from the eye, in its pixels: it takes in 90 degrees."""
_STEPS = 9
_MARGIN = 0.3

Angles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PoleView:
    """What a camera in the middle of the sphere sees when it is held up or down.

    Attributes:
        yaw: Degrees to the right of the picture's middle.
        pitch: Degrees above the horizon.
    """

    yaw: float
    pitch: float

    def of(self, picture: Image) -> Image:
        """Return the view, `SIDE` by `SIDE`, of an equirectangular picture."""
        height, width = picture.shape[:2]
        across, down = np.meshgrid(np.arange(SIDE) + 0.5, np.arange(SIDE) + 0.5)
        x, y = self._onto(across, down, width, height)
        wide = cv2.copyMakeBorder(picture, 0, 0, 1, 1, cv2.BORDER_WRAP)
        maps = ((x % width) + 0.5).astype(np.float32), (y - 0.5).astype(np.float32)
        seen = cv2.remap(wide, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, np.uint8)

    def place(self, box: Box, width: float, height: float) -> Box:
        """Return where a box of the view lies in the equirectangular picture.

        It is the smallest box round it there; the whole width if a pole is in it.
        """
        edge = np.linspace(0, 1, _STEPS)
        across = box.x1 + np.concatenate([edge, edge, 0 * edge, 0 * edge + 1]) * box.width
        down = box.y1 + np.concatenate([0 * edge, 0 * edge + 1, edge, edge]) * box.height
        x, y = self._onto(across, down, width, height)
        if self._holds_pole(box.pad(_MARGIN)):
            top, bottom = (0.0, y.max()) if self.pitch > 0 else (y.min(), height)
            return Box(0.0, float(top), width, float(bottom))
        center_x, center_y = (np.array([side]) for side in box.center)
        middle, _ = self._onto(center_x, center_y, width, height)
        x = middle + (x - middle + width / 2) % width - width / 2
        first = float(x.min()) % width
        return Box(first, float(y.min()), first + float(np.ptp(x)), float(y.max()))

    def _onto(
        self, across: Angles, down: Angles, width: float, height: float
    ) -> tuple[Angles, Angles]:
        """Return where points of the view lie in the picture, in pixels."""
        sine, cosine = math.sin(math.radians(self.pitch)), math.cos(math.radians(self.pitch))
        right, up = (across - SIDE / 2) / _FOCUS, (SIDE / 2 - down) / _FOCUS
        ahead, above = cosine - up * sine, sine + up * cosine
        longitude = np.arctan2(right, ahead) + math.radians(self.yaw)
        latitude = np.arctan2(above, np.hypot(right, ahead))
        return (longitude / (2 * np.pi) + 0.5) * width, (0.5 - latitude / np.pi) * height

    def _holds_pole(self, box: Box) -> bool:
        """Whether the pole, which is straight above or below the middle, lies in a box."""
        down = SIDE / 2 - math.copysign(
            _FOCUS / math.tan(math.radians(abs(self.pitch))), self.pitch
        )
        return box.x1 <= SIDE / 2 <= box.x2 and box.y1 <= down <= box.y2


VIEWS = tuple(PoleView(yaw, pitch) for pitch in (_PITCH, -_PITCH) for yaw in (0, 90, 180, 270))
