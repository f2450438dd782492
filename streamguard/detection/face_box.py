"""From what each detector frames to the box of a face: hair line to chin, and back to the ear.

CenterFace and YuNet frame the same, the skin of a face. Of a head that turns away that is less
and less, while the head stays as wide: what is missing lies where the nose does not point to.
MediaPipe frames a square round eyes and mouth. All numbers are medians over 419 faces that both
MediaPipe and CenterFace saw, and 792 that YuNet and CenterFace saw.
"""

from __future__ import annotations

from streamguard.geometry import Box

_FRONTAL = 0.08
"""How far from the box's middle, in its widths, the nose of a face may be that looks ahead."""
_PER_TURN, _MOST_MISSING = 0.6, 0.25
"""Missing width, in heights of the face, per width that the nose is farther out."""
_SPARE = 0.35
"""Share of it that can be spared before the nose, where nothing of the head is."""

_SQUARE_WIDTH, _SQUARE_HEIGHT = 0.92, 1.15
"""Sizes of the face in those of MediaPipe's square."""
_SQUARE_RIGHT, _SQUARE_UP = 0.02, 0.04
"""How far MediaPipe's noses lie right of the middle, and the face above it."""
_SQUARE_BACK, _SQUARE_WIDER, _SQUARE_FRONTAL = 1.6, 1.8, 0.04
"""How far the face lies back and how much wider it is per width that the nose is farther out."""


def skin_to_face(skin: Box, nose: float) -> Box:
    """Return the box of a face whose skin CenterFace or YuNet has framed.

    Args:
        skin: What it framed, in pixels of an upright picture.
        nose: Where the tip of the nose is, in pixels from the left.
    """
    if not skin.width:
        return skin
    turn = _turn_of(skin, nose)
    missing = min(_PER_TURN * max(0.0, abs(turn) - _FRONTAL), _MOST_MISSING) * skin.height
    spare = _SPARE * missing
    if turn > 0:
        return Box(skin.x1 - missing, skin.y1, skin.x2 - spare, skin.y2)
    return Box(skin.x1 + spare, skin.y1, skin.x2 + missing, skin.y2)


def square_to_face(square: Box, nose: float) -> Box:
    """Return the box of a face that MediaPipe has framed.

    Args:
        square: What it framed, in pixels of an upright picture.
        nose: Where the tip of the nose is, in pixels from the left.
    """
    if not square.width:
        return square
    turn = _turn_of(square, nose) - _SQUARE_RIGHT
    wider = _SQUARE_WIDER * max(0.0, abs(turn) - _SQUARE_FRONTAL)
    width, height = (_SQUARE_WIDTH + wider) * square.width, _SQUARE_HEIGHT * square.height
    x, y = square.center
    x -= _SQUARE_BACK * turn * square.width
    y -= _SQUARE_UP * square.height
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _turn_of(box: Box, nose: float) -> float:
    """Return how far a nose is off the middle of a box, in widths: half of one at most."""
    return min(max((nose - box.center[0]) / box.width, -0.5), 0.5)
