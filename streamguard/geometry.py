"""Boxes in pixel coordinates, and the few operations everything else needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box: corners ``xyxy`` in pixels, the far corner exclusive.

    A box covers the pixels ``floor(x1) <= x < ceil(x2)`` (likewise in y), so a box
    of the whole picture is ``Box(0, 0, width, height)`` and its last row counts.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels, never negative."""
        return max(0.0, self.x2 - self.x1)

    @property
    def height(self) -> float:
        """Height in pixels, never negative."""
        return max(0.0, self.y2 - self.y1)

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """The middle, as ``(x, y)``."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    @property
    def is_finite(self) -> bool:
        """Whether no corner is NaN or infinite."""
        return all(map(math.isfinite, (self.x1, self.y1, self.x2, self.y2)))

    def shift(self, dx: float, dy: float) -> Box:
        """Return the box moved by ``(dx, dy)`` pixels."""
        return Box(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def scale(self, sx: float, sy: float) -> Box:
        """Return the box in a picture scaled by ``sx`` and ``sy``."""
        return Box(self.x1 * sx, self.y1 * sy, self.x2 * sx, self.y2 * sy)

    def pad(self, ratio: float) -> Box:
        """Return the box grown by ``ratio`` of its width and height on every side."""
        dx, dy = self.width * ratio, self.height * ratio
        return Box(self.x1 - dx, self.y1 - dy, self.x2 + dx, self.y2 + dy)

    def resize(self, factor: float) -> Box:
        """Return the box scaled by ``factor`` about its own centre."""
        return self.pad((factor - 1) / 2)

    def limit(self, reference: Box, factor: float) -> Box:
        """Return the box with sides at most ``factor`` times larger or smaller than another's."""
        width = min(max(self.width, reference.width / factor), reference.width * factor)
        height = min(max(self.height, reference.height / factor), reference.height * factor)
        x, y = self.center
        return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def clip(self, width: float, height: float) -> Box:
        """Return the part inside a picture; of zero area when wholly outside."""
        x1, y1 = min(max(self.x1, 0.0), width), min(max(self.y1, 0.0), height)
        x2, y2 = min(max(self.x2, x1), width), min(max(self.y2, y1), height)
        return Box(x1, y1, x2, y2)

    def union(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(
            min(self.x1, other.x1),
            min(self.y1, other.y1),
            max(self.x2, other.x2),
            max(self.y2, other.y2),
        )

    def mix(self, other: Box, weight: float) -> Box:
        """Return the box ``weight`` (0 to 1) of the way to ``other``."""
        keep = 1 - weight
        return Box(
            self.x1 * keep + other.x1 * weight,
            self.y1 * keep + other.y1 * weight,
            self.x2 * keep + other.x2 * weight,
            self.y2 * keep + other.y2 * weight,
        )

    def rotate(self, quarters: int, width: float, height: float) -> Box:
        """Return the box after the picture is turned clockwise.

        Args:
            quarters: Number of quarter turns, clockwise.
            width: Width of the picture before turning, in pixels.
            height: Height of the picture before turning, in pixels.
        """
        match quarters % 4:
            case 1:
                return Box(height - self.y2, self.x1, height - self.y1, self.x2)
            case 2:
                return Box(width - self.x2, height - self.y2, width - self.x1, height - self.y1)
            case 3:
                return Box(self.y1, width - self.x2, self.y2, width - self.x1)
            case _:
                return self

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return whole-pixel slice bounds ``x1, y1, x2, y2`` inside a picture, rounded outward."""
        inside = self.clip(width, height)
        return (
            math.floor(inside.x1),
            math.floor(inside.y1),
            math.ceil(inside.x2),
            math.ceil(inside.y2),
        )


FACE = "face"
"""The label of faces: what is looked for unless something else is asked for."""
ZONE = "zone"
"""Label of what is covered whatever is there."""
CODE = "code"
"""The label of QR and bar codes."""


@dataclass(frozen=True, slots=True)
class Detection:
    """Something that a detector claims to have seen.

    Attributes:
        box: Where, in pixels of the picture handed to the detector.
        confidence: How sure the detector is, 0 to 1.
        label: What it is, such as ``face``.
        roll: Degrees by which it is turned clockwise from upright in that picture, where the
            detector tells; between -180 and 180.
    """

    box: Box
    confidence: float
    label: str = FACE
    roll: float = 0.0


def intersection(a: Box, b: Box) -> float:
    """Return the shared area of two boxes in square pixels."""
    # Asked of every pair of boxes, most of which lie apart.
    if a.x2 <= b.x1 or b.x2 <= a.x1 or a.y2 <= b.y1 or b.y2 <= a.y1:
        return 0.0
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    return max(0.0, width) * max(0.0, height)


def common(a: Box, b: Box) -> Box:
    """Return the part that two boxes share; of zero area where they lie apart."""
    x1, y1 = max(a.x1, b.x1), max(a.y1, b.y1)
    return Box(x1, y1, max(x1, min(a.x2, b.x2)), max(y1, min(a.y2, b.y2)))


def iou(a: Box, b: Box) -> float:
    """Return intersection over union, 0 to 1."""
    shared = intersection(a, b)
    return shared / (a.area + b.area - shared) if shared > 0 else 0.0


def containment(a: Box, b: Box) -> float:
    """Return the shared area over the smaller box's area, 0 to 1."""
    smaller = min(a.area, b.area)
    return intersection(a, b) / smaller if smaller > 0 else 0.0


def nms(detections: Sequence[Detection], limit: float = 0.45) -> list[Detection]:
    """Keep the most confident of detections that overlap (non-maximum suppression).

    Args:
        detections: In any order.
        limit: Boxes that overlap a kept one by more than this IoU are dropped.

    Returns:
        The kept detections, most confident first.
    """
    kept: list[Detection] = []
    for candidate in sorted(detections, key=lambda d: d.confidence, reverse=True):
        if all(iou(candidate.box, other.box) <= limit for other in kept):
            kept.append(candidate)
    return kept
