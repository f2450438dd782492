"""Square pictures tilted about their middle, and boxes found in them."""

from __future__ import annotations

import math

import cv2
import numpy as np

from streamguard.geometry import Box
from streamguard.protocols import Image

_REACH = (math.sqrt(2) - 1) / 2
"""Share of a square's side by which its corners reach beyond it while it turns."""


def reach(region: Box, width: float, height: float) -> Box:
    """Return what a square part of a picture shows however it is tilted.

    Args:
        region: The part, in pixels.
        width: Width of the picture; nothing is beyond it.
        height: Height of it.
    """
    return region.pad(_REACH).clip(width, height)


def tilted(image: Image, shown: Box, region: Box, side: int, degrees: float) -> Image:
    """Return a square part of a picture, turned clockwise about its middle.

    Args:
        image: The picture of ``shown``.
        shown: What it shows, in pixels of any picture.
        region: The part, in the same pixels; what is not in ``shown`` is mirrored.
        side: Side in pixels of the picture to return.
        degrees: How far to turn.
    """
    rows, columns = image.shape[:2]
    x, y = region.shift(-shown.x1, -shown.y1).center
    x, y = x * columns / shown.width, y * rows / shown.height
    scale = side / (region.width * columns / shown.width)
    move = cv2.getRotationMatrix2D((x, y), -degrees, scale)
    move[:, 2] += side / 2 - x, side / 2 - y
    turned = cv2.warpAffine(image, move, (side, side), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, np.uint8)


def untilted(box: Box, degrees: float, width: float, height: float) -> Box:
    """Return where a box of a tilted picture was before, round the ellipse in it.

    Args:
        box: In pixels of the tilted picture.
        degrees: How far that was turned clockwise about its middle.
        width: Width of it in pixels.
        height: Height of it.
    """
    if not degrees:
        return box
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    x, y = box.center[0] - width / 2, box.center[1] - height / 2
    x, y = width / 2 + x * cos + y * sin, height / 2 - x * sin + y * cos
    half_width = math.hypot(box.width * cos, box.height * sin) / 2
    half_height = math.hypot(box.width * sin, box.height * cos) / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)
