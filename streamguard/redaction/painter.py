"""Paints regions over a picture, and remembers the covers it has made."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import av
import numpy as np

from streamguard.media.planes import PictureLayout, PlaneLayout, Samples
from streamguard.redaction.colors import samples_of
from streamguard.redaction.covers import cover_of
from streamguard.redaction.effects import Weights, averages, blend, constant, spread, weights_of
from streamguard.redaction.masks import Region
from streamguard.redaction.overlap import uncovered
from streamguard.settings import Effect, RedactionSettings

PlaneWeights = dict[tuple[int, int, int], Weights]
"""Weights by the kind of plane."""

_CACHE_BYTES = 16 * 2**20
"""Covers of some 160 faces of 100 pixels: more is hardly met again, and memory is scarce."""


class Painter:
    """Lays an effect over regions. For one thread at a time.

    Args:
        settings: What covered regions look like.
    """

    def __init__(self, settings: RedactionSettings) -> None:
        self._settings = settings
        self._weights = WeightCache(_CACHE_BYTES)

    def paint(
        self, picture: av.VideoFrame, layout: PictureLayout, regions: Sequence[Region]
    ) -> None:
        """Lay every region's effect over the picture, all made from the original pixels.

        Args:
            picture: Is written to.
            layout: Of its pixel format.
            regions: In the order of painting.
        """
        views, shown = layout.views(picture), uncovered(regions)
        is_solid = any(region.effect is Effect.SOLID for region in shown)
        words = samples_of(self._settings.color, picture, layout) if is_solid else {}
        work = [
            (region, None if region.effect is Effect.SOLID else _grids(views, layout, region))
            for region in shown
        ]
        for region, grids in work:
            for part, plane, weights in self._parts(views, layout, region):
                if grids is None:
                    blend(part, constant(part, [words[role] for role in plane.roles]), weights)
                    continue
                height, width = part.shape[:2]
                blend(part, spread(grids[plane.index], width, height, region.effect), weights)
                if layout.shift:  # interpolation leaves crumbs in the bits below a sample
                    np.bitwise_and(part, 0xFFFF << layout.shift & 0xFFFF, out=part)

    def _parts(
        self, views: Sequence[Samples], layout: PictureLayout, region: Region
    ) -> Iterator[tuple[Samples, PlaneLayout, Weights]]:
        """Yield what a region has of each plane, alpha too, and the weights there."""
        weights = self._weights.of(region, layout)
        for view, plane in zip(views, layout.planes, strict=True):
            yield view[plane.cut(region.rect)], plane, weights[plane.kind]


class WeightCache:
    """Weights of covers for one layout at a time, the least used forgotten first.

    Faces move by a pixel or two from frame to frame, and regions come in few sizes, so most
    covers have been drawn before.

    Args:
        limit: Bytes to hold at most.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._layout: PictureLayout | None = None
        self._held: OrderedDict[tuple[object, ...], PlaneWeights] = OrderedDict()
        self.nbytes = 0

    def of(self, region: Region, layout: PictureLayout) -> PlaneWeights:
        """Return the weights of a region for every kind of plane."""
        if layout is not self._layout:
            self._held.clear()
            self._layout, self.nbytes = layout, 0
        if region.rect == region.outer or not _is_cut_cleanly(region, layout):
            return self._whole(region, layout)
        weights = self._whole(replace(region, rect=region.outer), layout)
        (x, y), (x1, y1, x2, y2) = region.outer[:2], region.rect
        part = x1 - x, y1 - y, x2 - x, y2 - y
        kinds = _kinds(layout)
        return {kind: weights[kind].cut(plane.cut(part)) for kind, plane in kinds.items()}

    def _whole(self, region: Region, layout: PictureLayout) -> PlaneWeights:
        form = region.form
        if form in self._held:
            self._held.move_to_end(form)
            return self._held[form]
        cover, kinds = cover_of(region), _kinds(layout)
        weights = {kind: weights_of(cover, layout, plane) for kind, plane in kinds.items()}
        self._held[form] = weights
        self.nbytes += _nbytes(weights)
        while self.nbytes > self._limit:
            self.nbytes -= _nbytes(self._held.popitem(last=False)[1])
        return weights


def _is_cut_cleanly(region: Region, layout: PictureLayout) -> bool:
    """Whether a part of the whole region's weights are the part's own."""
    step_x, step_y = layout.alignment
    return region.is_small and region.rect[2] % step_x == region.rect[3] % step_y == 0


@lru_cache(maxsize=64)
def _kinds(layout: PictureLayout) -> dict[tuple[int, int, int], PlaneLayout]:
    return {plane.kind: plane for plane in layout.planes}


def _nbytes(weights: PlaneWeights) -> int:
    return sum(weight.nbytes for weight in weights.values())


def _grids(views: Sequence[Samples], layout: PictureLayout, region: Region) -> dict[int, Samples]:
    return {
        plane.index: averages(view[plane.cut(region.rect)], region.columns, region.rows)
        for view, plane in zip(views, layout.planes, strict=True)
    }
