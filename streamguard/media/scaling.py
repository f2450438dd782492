"""Between coded pixels and the small picture that tracking works on."""

from __future__ import annotations

from dataclasses import dataclass

from streamguard.geometry import Box

_LONG_SIDE = 480
"""Long side of the tracking picture: a 20 px face at 1080p keeps 5 px."""


@dataclass(frozen=True, slots=True)
class TrackingScale:
    """How the tracking picture of one video lies over its coded picture; make it with `of`.

    Attributes:
        width: Width of the tracking picture in pixels.
        height: Height of it.
        across: Pixels of the tracking picture per coded pixel, from left to right.
        down: The same from top to bottom.
    """

    width: int
    height: int
    across: float
    down: float

    @classmethod
    def of(
        cls, width: int, height: int, extent: tuple[float, float] | None = None
    ) -> TrackingScale:
        """Return the scale for a video.

        Args:
            width: Coded width in pixels.
            height: Coded height.
            extent: Width and height of the unrolled picture, where that is what is looked at.
        """
        scale = min(1.0, _LONG_SIDE / max(width, height))
        wide, high = extent or (width, height)
        columns, rows = max(1, round(wide * scale)), max(1, round(high * scale))
        return cls(columns, rows, columns / wide, rows / high)

    def to_small(self, box: Box) -> Box:
        """Return a box of the coded picture in pixels of the tracking picture."""
        return box.scale(self.across, self.down)

    def to_coded(self, box: Box) -> Box:
        """Return a box of the tracking picture in coded pixels."""
        return box.scale(1 / self.across, 1 / self.down)

    def length_to_small(self, length: float) -> float:
        """Return a length of the coded picture in pixels of the tracking picture."""
        return length * self.across

    def shares(self, motion: tuple[float, float]) -> tuple[float, float]:
        """Return a motion in the tracking picture in shares of its width and height."""
        return motion[0] / self.width, motion[1] / self.height
