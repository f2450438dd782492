"""What a picture with transparency may show, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.media.planes import Samples

_LEAST_RANGE = 2
"""Grey values of 255 from which on alpha is not constant."""
_HARD = 0.02
"""Share of alpha between its extremes up to which it counts as one bit."""
_DITHER = 1.5
"""Pixels over which that is smoothed: detectors hardly see dithered faces."""
_COARSE = 0.25
"""Scale below which scaling has smoothed it already."""

Gray = NDArray[np.uint8]
"""One channel of a picture, shape ``(height, width)``, dtype ``uint8``."""


class Layer(StrEnum):
    """One way to look at a picture; a picture without alpha has the first alone."""

    COLOR = "color"
    """The colour planes as they are, also where they are transparent: others can read them."""
    ALPHA = "alpha"
    """Alpha as a grey picture, its contrast stretched."""
    NEGATIVE = "negative"
    """The same, black for white."""
    ON_BLACK = "on black"
    """What a viewer sees before a black background."""
    ON_WHITE = "on white"
    """What a viewer sees before a white background."""

    @property
    def is_alpha(self) -> bool:
        """Whether alpha alone is shown."""
        return self in (Layer.ALPHA, Layer.NEGATIVE)


@dataclass(frozen=True, slots=True)
class AlphaRange:
    """What alpha that is not constant has for values.

    Attributes:
        gain: Factor and summand that stretch it to 0 to 255.
        is_hard: Whether hardly any lie between the extremes, as in one bit.
    """

    gain: tuple[float, float]
    is_hard: bool

    @classmethod
    def of(cls, alpha: Samples, bits: int) -> AlphaRange | None:
        """Return the range of an alpha plane, or None if nothing can be seen in it."""
        low, high, _, _ = cv2.minMaxLoc(alpha)
        if (high - low) * 255 < _LEAST_RANGE * ((1 << bits) - 1):
            return None
        between = cv2.countNonZero(cv2.inRange(alpha, low + 1, high - 1))
        factor = 255 / (high - low)
        return cls((factor, -low * factor), between <= _HARD * alpha.size)

    def smoothed(self, alpha: Gray, scale: float) -> Gray:
        """Return alpha of one bit, once scaled, as the greys its dithering stands for."""
        if not self.is_hard or scale < _COARSE:
            return alpha
        return np.asarray(cv2.GaussianBlur(alpha, (0, 0), _DITHER * scale), np.uint8)


def compose(color: NDArray[np.uint8], alpha: Gray, background: int) -> NDArray[np.uint8]:
    """Return a picture before a grey background.

    Args:
        color: ``(height, width)`` or ``(height, width, 3)``, not multiplied by alpha.
        alpha: 0 is transparent, 255 is opaque.
        background: 0 to 255.
    """
    share = alpha if color.ndim == 2 else cv2.merge([alpha] * color.shape[2])
    shown = cv2.multiply(color, share, scale=1 / 255)
    behind = np.subtract(255, share)
    return np.asarray(cv2.addWeighted(shown, 1, behind, background / 255, 0), np.uint8)


def differ(one: NDArray[np.uint8], other: NDArray[np.uint8], least: int) -> bool:
    """Whether two pictures of one size differ anywhere by more than so many grey values."""
    return float(cv2.norm(one, other, cv2.NORM_INF)) > least
