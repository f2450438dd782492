"""From samples to area averages, and back to samples that show nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.media.planes import PictureLayout, PlaneLayout, Samples
from streamguard.redaction.covers import Cover, shrink_cover
from streamguard.settings import Effect


def averages(samples: Samples, columns: int, rows: int) -> Samples:
    """Return the mean of each cell of a grid, exact to half a unit.

    Integer sums make the result depend on the samples' sum alone, not on their order.

    Args:
        samples: ``(height, width)`` or ``(height, width, channels)``.
        columns: Cells across; fewer if there are fewer samples.
        rows: Cells down; likewise.

    Returns:
        ``(rows, columns)`` with the channels of ``samples``, same dtype.
    """
    height, width = samples.shape[:2]
    if samples.dtype == np.uint8 and height % rows == width % columns == 0:
        # For 8 bits and whole cells OpenCV, too, adds up integers, and in one call.
        return cv2.resize(samples, (columns, rows), interpolation=cv2.INTER_AREA)
    at, share = _grid(height, width, rows, columns)
    depth = cv2.CV_32S if samples.dtype == np.uint8 else cv2.CV_64F
    table = cv2.integral(samples, sdepth=depth)
    if samples.ndim == 3:
        table = table.reshape(-1, samples.shape[2])
        share = share[..., None]
    corners = table.take(at, axis=None if samples.ndim == 2 else 0)
    # 32-bit sums may wrap on huge areas; the differences come out right all the same.
    strips = corners[1:] - corners[:-1]
    means = (strips[:, 1:] - strips[:, :-1]) * share
    means += 0.5
    result: Samples = means.astype(samples.dtype)
    return result


def spread(grid: Samples, width: int, height: int, effect: Effect) -> Samples:
    """Return a grid of averages drawn out to ``width`` by ``height`` samples.

    Both ways stay between the smallest and the largest average, which cubic
    interpolation would not; ten-bit samples must not overflow.
    """
    how = cv2.INTER_NEAREST if effect is Effect.PIXELATE else cv2.INTER_LINEAR
    return cv2.resize(grid, (width, height), interpolation=how)


def constant(samples: Samples, words: Sequence[int]) -> Samples:
    """Return samples of one colour, in the shape of ``samples``."""
    return np.broadcast_to(np.array(words, samples.dtype).squeeze(), samples.shape).copy()


@dataclass(frozen=True, slots=True)
class Weights:
    """What an effect and the samples under it count for, each of the samples' shape and dtype."""

    effect: Samples
    rest: Samples

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return self.effect.nbytes + self.rest.nbytes

    def cut(self, part: tuple[slice, slice]) -> Weights:
        """Return the weights of a part of the samples."""
        return Weights(self.effect[part], self.rest[part])


def weights_of(cover: Cover, layout: PictureLayout, plane: PlaneLayout) -> Weights:
    """Return the weights for one plane of a picture, alike for all its channels."""
    effect = shrink_cover(cover, plane.sub_x, plane.sub_y).astype(layout.dtype, copy=False)
    if len(plane.roles) > 1:
        effect = cv2.merge([effect] * len(plane.roles))
    return Weights(effect, np.subtract(255, effect, dtype=layout.dtype))


def blend(samples: Samples, effect: Samples, weights: Weights) -> None:
    """Lay an effect over samples in place.

    Where the cover is 255 the result is the effect, and where it is 0 the sample, both
    exactly, for 8 and 16 bits.
    """
    covered = cv2.multiply(effect, weights.effect, scale=1 / 255)
    cv2.add(covered, cv2.multiply(samples, weights.rest, scale=1 / 255), dst=samples)


@lru_cache(maxsize=4096)
def _grid(
    height: int, width: int, rows: int, columns: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return where the cells' corners stand in a summed-area table, and one over their areas."""
    down, across = _edges(height, rows), _edges(width, columns)
    return down[:, None] * (width + 1) + across, 1 / np.outer(np.diff(down), np.diff(across))


def _edges(length: int, parts: int) -> NDArray[np.intp]:
    count = min(parts, length)
    return (np.arange(count + 1) * length + count // 2) // count
