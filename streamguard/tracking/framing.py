"""How a person's box lies about what is seen there: about a detector's, and at the edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streamguard.geometry import Box, Detection, containment, iou

_INSET = 0.25
"""Share of a detection that the person's framing may leave out on each side."""
_OUTSET = 1.0
_SAME = 0.5
"""IoU from which a person's box and a detector's are taken for boxes of one thing."""
_INSIDE, _LEAST, _CENTRED = 0.8, 0.15, 0.28
"""The same for a small detection in a large box: share of it that is inside, share of the box
that it fills, and distance of their centres in sizes of the box."""
_SIDE_INSIDE, _CLEAR, _PART = 0.6, 0.5, 0.6
"""The same for a face that is seen at one side of a drawn head: share inside, confidence, and
share of the box that it fills at most."""
_SIDE_ASPECT = 0.65
"""Width per height of a detection below which it shows a head from the side."""
_TURN = 0.25
"""Share of the difference between left and right that is added where a head may have turned."""
_EDGE = 1.5
"""Pixels from the picture's edge at which a box is cut by it."""
_WIDEST, _TALLEST = 0.85, 1.3
"""Width per height, and height per width, to which a box that the edge cut may grow."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How far a person's box goes beyond a detector's, in shares of the detector's sides."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0

    @classmethod
    def between(cls, detected: Box, drawn: Box) -> Framing:
        """Return the framing that turns one box into the other, within reason."""
        width, height = max(detected.width, 1e-3), max(detected.height, 1e-3)
        return cls(
            _bounded((detected.x1 - drawn.x1) / width),
            _bounded((detected.y1 - drawn.y1) / height),
            _bounded((drawn.x2 - detected.x2) / width),
            _bounded((drawn.y2 - detected.y2) / height),
        )

    @classmethod
    def told_by(cls, seen: Detection, drawn: Box) -> Framing | None:
        """Return the framing if both boxes are likely of one thing, else None."""
        detected = seen.box
        (x, y), (cx, cy) = detected.center, drawn.center
        off = math.hypot(x - cx, y - cy) / math.sqrt(max(drawn.area, 1e-4))
        share = detected.area / max(drawn.area, 1e-4)
        inside = containment(detected, drawn)
        if iou(detected, drawn) >= _SAME:
            return cls._of_head(detected, drawn)
        if not _LEAST <= share < 1:
            return None
        if inside >= _INSIDE and off <= _CENTRED:
            return cls._of_head(detected, drawn)
        is_in_it = drawn.x1 < x < drawn.x2 and drawn.y1 < y < drawn.y2
        is_clear = seen.confidence >= _CLEAR and share <= _PART
        if is_in_it and is_clear and inside >= _SIDE_INSIDE:
            return cls._of_head(detected, drawn)
        return None

    @classmethod
    def _of_head(cls, detected: Box, drawn: Box) -> Framing:
        """Return the framing; of a head from the side only what tells of it from the front."""
        framing = cls.between(detected, drawn)
        if detected.width >= _SIDE_ASPECT * detected.height:
            return framing
        return Framing(0.0, max(0.0, framing.top), 0.0, max(0.0, framing.bottom))

    def from_any_side(self) -> Framing:
        """Return the framing of a head that may have turned: alike to the left and the right."""
        side = (self.left + self.right) / 2 + abs(self.left - self.right) * _TURN
        return Framing(side, self.top, side, self.bottom)

    def apply(self, detected: Box) -> Box:
        """Return the box that the person would have drawn about a detection."""
        width, height = detected.width, detected.height
        return Box(
            detected.x1 - self.left * width,
            detected.y1 - self.top * height,
            detected.x2 + self.right * width,
            detected.y2 + self.bottom * height,
        )

    def undo(self, drawn: Box) -> Box:
        """Return the detection about which the person would have drawn a box."""
        width = drawn.width / (1 + self.left + self.right)
        height = drawn.height / (1 + self.top + self.bottom)
        x1, y1 = drawn.x1 + self.left * width, drawn.y1 + self.top * height
        return Box(x1, y1, x1 + width, y1 + height)


def _bounded(share: float) -> float:
    return min(max(share, -_INSET), _OUTSET)


@dataclass(frozen=True, slots=True)
class CutSides:
    """Which sides of a drawn box lie on the picture's edge: the thing may go on out there."""

    left: bool
    top: bool
    right: bool
    bottom: bool

    @classmethod
    def of(cls, box: Box, shape: tuple[int, ...]) -> CutSides:
        """Return the sides of a box that a picture of ``(height, width)`` cuts."""
        return cls(
            box.x1 <= _EDGE,
            box.y1 <= _EDGE,
            box.x2 >= shape[1] - _EDGE,
            box.y2 >= shape[0] - _EDGE,
        )

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.left or self.top or self.right or self.bottom

    def extend(self, box: Box, shape: tuple[int, ...]) -> Box:
        """Return a box whose cut sides stay at the edge until it has the sides of a head.

        Args:
            box: Where flow has carried the part that was drawn.
            shape: ``(height, width)`` of the picture.
        """
        more_x = max(0.0, _WIDEST * box.height - box.width)
        more_y = max(0.0, _TALLEST * box.width - box.height)
        x1, y1, x2, y2 = box.x1, box.y1, box.x2, box.y2
        if self.left and not self.right:
            x1 -= min(more_x, max(0.0, x1))
        elif self.right and not self.left:
            x2 += min(more_x, max(0.0, shape[1] - x2))
        if self.top and not self.bottom:
            y1 -= min(more_y, max(0.0, y1))
        elif self.bottom and not self.top:
            y2 += min(more_y, max(0.0, shape[0] - y2))
        return Box(x1, y1, x2, y2)
