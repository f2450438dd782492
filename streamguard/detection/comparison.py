"""What of the faces in a finished picture is still bare, told by the original."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from streamguard.detection.layers import Gray, Layer
from streamguard.detection.likeness import detail_kept, is_alike
from streamguard.detection.view import FrameView
from streamguard.geometry import Box

_KEPT = 0.3
"""Share of a face's detail from which it counts as bare; `detail_kept` tells what was measured."""


class Comparison:
    """A layer of a finished frame beside its original.

    Args:
        after: The finished frame.
        before: The original, of any size.
        scale: Size at which they are compared, in shares of the finished frame's.
        layer: What of the finished frame.
        flips: Whether one of the two, upright, is the mirror image of the other.
    """

    def __init__(
        self, after: FrameView, before: FrameView, scale: float, layer: Layer, *, flips: bool
    ) -> None:
        self._after, self._before = after, before
        self._scale, self._flips = scale, flips
        size = after.extent[::-1] if after.turns % 2 else after.extent
        width, height = (max(1, round(side * scale)) for side in size)
        self._shown = _upright(after, width, height, layer)
        every = self._originals(width, height, layer)
        self._alike = [one for one in every if is_alike(one, self._shown)]

    @property
    def shows_the_same(self) -> bool:
        """Whether the two can be compared at all."""
        return bool(self._alike)

    @property
    def shares_places(self) -> bool:
        """Whether a box of the one is the same place in the other, with the same layers."""
        after, before = self._after, self._before
        return not self._flips and (after.extent, after.turns, after.layers) == (
            before.extent,
            before.turns,
            before.layers,
        )

    def is_bare(self, box: Box) -> bool:
        """Whether the original's detail is still there.

        Args:
            box: A region of the finished frame, in its coded pixels.
        """
        place = box.rotate(self._after.turns, *self._after.extent).scale(self._scale, self._scale)
        return any(detail_kept(one, self._shown, place) >= _KEPT for one in self._alike)

    def _originals(self, width: int, height: int, layer: Layer) -> Iterator[Gray]:
        """Yield what the original may have looked like: without alpha, it was laid on a ground."""
        layers = [layer]
        if self._before.layers != (Layer.COLOR,) and self._after.layers == (Layer.COLOR,):
            layers += [Layer.ON_BLACK, Layer.ON_WHITE]
        for one in layers:
            picture = _upright(self._before, width, height, one)
            yield np.ascontiguousarray(picture[:, ::-1]) if self._flips else picture


def _upright(view: FrameView, width: int, height: int, layer: Layer) -> Gray:
    """Return a layer in grey, scaled to an upright size."""
    size = (height, width) if view.turns % 2 else (width, height)
    return np.ascontiguousarray(np.rot90(view.gray(*size, layer), -view.turns))
