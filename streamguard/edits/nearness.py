"""What of a cover that is left out stays: the part that lies nearer to somebody else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamguard.edits.candidate_places import CandidatePlaces, is_beside
from streamguard.edits.closeness import reach_of
from streamguard.edits.edited_tracks import Part
from streamguard.frames import Cover
from streamguard.geometry import Box
from streamguard.outlines import BitMask, outward

PartCover = tuple[Part | None, Cover]
"""A cover and the part that it belongs to; None if no part knows it."""

_FAR = 2.2
"""Half sizes from the middle of a box beyond which nothing of what it holds lies: the corners of
annotated faces reach so far beyond covers."""
_OWN = 1.1
"""Half sizes from the middle of a box within which its own face lies."""
_CELL = 2.0
"""Pixels of a cell's side; in large covers more."""
_MOST_CELLS = 96
"""Cells across and down at most."""
_BEYOND = 3.0
"""Pixels by which a polygon or a mask is painted beyond its box."""


class Surroundings:
    """Knows who is near to what is left clear.

    Args:
        candidates: What was seen and is not covered.
        padding: Share of a box's size that covers reach beyond it.
    """

    def __init__(self, candidates: CandidatePlaces, padding: float) -> None:
        self._candidates = candidates
        self._reach = reach_of(padding)

    def what_stays(
        self, frame: int, left: Sequence[PartCover], others: Sequence[PartCover]
    ) -> tuple[Cover, ...]:
        """Return what of the covers that are left out of a frame has to stay.

        Args:
            frame: Its index.
            left: Covers that are left out, each with its part if it is known.
            others: Covers that are painted, likewise.
        """
        seen = self._candidates.followed_at(frame) if left else []
        found = []
        for part, cover in left:
            near = [other.box for whose, other in others if not _belong_together(part, whose)]
            near += [box for box in seen if is_beside(box, cover.box)]
            stays = what_stays(cover, self._reach, near)
            if stays is not None:
                found.append(stays)
        return tuple(found)


def _belong_together(a: Part | None, b: Part | None) -> bool:
    return a is not None and b is not None and a.belongs_to(b)


def what_stays(cover: Cover, reach: float, others: Sequence[Box]) -> Cover | None:
    """Return what of a cover has to stay for the sake of others, or None if nothing.

    A face often reaches beyond its own box, and there a neighbour's cover may be all that hides
    it. So where somebody is near, only the ellipse of the cover's own box becomes clear, less the
    points that lie nearer to another box, in shares of the boxes' sizes.

    Args:
        cover: What is left clear.
        reach: Share of a box's size by which covers reach beyond it at most.
        others: Where everybody else is, in coded pixels.
    """
    own = cover.box
    if isinstance(cover.outline, Box):
        hidden = own.pad(reach)
    else:
        hidden = Box(own.x1 - _BEYOND, own.y1 - _BEYOND, own.x2 + _BEYOND, own.y2 + _BEYOND)
    hidden = outward(hidden)
    near = [box for box in others if _meet(hidden, box.resize(_FAR))]
    if not near:
        return None
    columns, rows = (_cells(side) for side in (hidden.width, hidden.height))
    xs = hidden.x1 + (np.arange(columns) + 0.5) * (hidden.width / columns)
    ys = hidden.y1 + (np.arange(rows) + 0.5) * (hidden.height / rows)
    theirs = np.minimum.reduce([_distance(box, xs, ys) for box in near])
    mine = _distance(own, xs, ys)
    stays = (theirs <= _FAR * _FAR) & ((theirs <= mine) | (mine > _OWN * _OWN))
    mask = _mask_of(stays, hidden)
    return replace(cover, outline=mask) if mask else None


def _cells(side: float) -> int:
    return max(1, min(_MOST_CELLS, math.ceil(side / _CELL)))


def _meet(a: Box, b: Box) -> bool:
    return a.x1 < b.x2 and b.x1 < a.x2 and a.y1 < b.y2 and b.y1 < a.y2


def _distance(box: Box, xs: NDArray[Any], ys: NDArray[Any]) -> NDArray[Any]:
    """Return the squared distance of each point from a box's middle, in half sizes of the box."""
    (x, y), across, down = box.center, max(box.width, 1.0) / 2, max(box.height, 1.0) / 2
    return np.asarray(((ys[:, None] - y) / down) ** 2 + ((xs[None, :] - x) / across) ** 2)


def _mask_of(cells: NDArray[np.bool_], box: Box) -> BitMask | None:
    """Return the cells that are set as a mask, cut to where there are any."""
    across, down = np.flatnonzero(cells.any(0)), np.flatnonzero(cells.any(1))
    if not across.size:
        return None
    left, top, right, bottom = across[0], down[0], across[-1] + 1, down[-1] + 1
    part = cells[top:bottom, left:right]
    wide, tall = box.width / cells.shape[1], box.height / cells.shape[0]
    cut = Box(
        box.x1 + float(left * wide),
        box.y1 + float(top * tall),
        box.x1 + float(right * wide),
        box.y1 + float(bottom * tall),
    )
    return BitMask(cut, part.shape[1], part.shape[0], np.packbits(part).tobytes())
