"""What of the faces in a finished picture is still bare, told by the original."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from streamguard.detection.layers import Gray, Layer
from streamguard.detection.likeness import detail_kept, is_alike
from streamguard.detection.view import FrameView
from streamguard.geometry import Detection

_KEPT = 0.3
"""Share of a face's detail from which it counts as bare; `detail_kept` tells what was measured."""


class Comparison:
    """A finished frame beside its original. Where the two cannot be compared, all counts as bare.

    Args:
        after: The finished frame.
        before: The original, of any size.
        scale: Size at which they are compared, in shares of the finished frame's.
        flips: Whether one of the two, upright, is the mirror image of the other.

    Attributes:
        before: The original.
    """

    def __init__(
        self, after: FrameView, before: FrameView, scale: float, *, flips: bool = False
    ) -> None:
        self._after, self.before = after, before
        self._scale, self._flips = scale, flips

    @property
    def is_same_size(self) -> bool:
        """Whether both have the same size, rotation and layers, so that boxes fit."""
        after, before = self._after, self.before
        return (after.extent, after.turns, after.layers) == (
            before.extent,
            before.turns,
            before.layers,
        )

    def bare(self, detections: Sequence[Detection], layer: Layer) -> list[Detection] | None:
        """Leave out what is covered.

        Args:
            detections: Faces found in a layer of the finished frame, in its coded pixels.
            layer: The layer.

        Returns:
            Those whose detail is still there; None if the two do not show the same.
        """
        after, turns = self._after, self._after.turns
        size = after.extent[::-1] if turns % 2 else after.extent
        width, height = (max(1, round(side * self._scale)) for side in size)
        shown = _upright(after, width, height, layer)
        originals = [one for one in self._originals(width, height, layer) if is_alike(one, shown)]
        if not originals:
            return None
        return [
            found
            for found in detections
            if any(
                detail_kept(
                    one,
                    shown,
                    found.box.rotate(turns, *after.extent).scale(self._scale, self._scale),
                )
                >= _KEPT
                for one in originals
            )
        ]

    def _originals(self, width: int, height: int, layer: Layer) -> Iterator[Gray]:
        """Yield what the original may have looked like: without alpha, it was laid on a ground."""
        layers = [layer]
        if self.before.layers != (Layer.COLOR,) and self._after.layers == (Layer.COLOR,):
            layers += [Layer.ON_BLACK, Layer.ON_WHITE]
        for one in layers:
            picture = _upright(self.before, width, height, one)
            yield np.ascontiguousarray(picture[:, ::-1]) if self._flips else picture


def _upright(view: FrameView, width: int, height: int, layer: Layer) -> Gray:
    """Return a layer in grey, scaled to an upright size."""
    size = (height, width) if view.turns % 2 else (width, height)
    return np.ascontiguousarray(np.rot90(view.gray(*size, layer), -view.turns))
