"""Which things never move while the camera stands still: statues, posters, emblems."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.geometry import Box
from streamguard.tracking.flow import Gray, Moved, propagate, quarters_of
from streamguard.tracking.timeline import Moment
from streamguard.tracking.tracks import Track

_EVERY = 1.0
"""Seconds between two comparisons with the moment from which the camera stands still."""
_MOVES = 0.25
"""Pixels of the tracking picture from which something has moved."""
_LEAST = 12.0
"""Pixels a side from which a living head is known to move that much within seconds."""
_VOUCHING = 3
"""Quarters of a box that flow has to follow."""
_TELLING = 3
"""Ninths of the picture that have to tell whether the camera moved."""
_LEAST_SIDE = 2
"""Pixels a side of such a part from which it can tell anything."""
_SAME_VIEW = 0.25
"""Response of the phase correlation of two parts of pictures from which they show the same."""


class Stillness:
    """Compares things with what their place showed when the camera came to rest."""

    def __init__(self) -> None:
        self._start: Moment | None = None
        self._next = 0.0

    def watch(self, moment: Moment, tracks: Sequence[Track]) -> None:
        """Note in tracks for how long they have not moved, or that they have.

        Args:
            moment: The newest one.
            tracks: Where things are in it.
        """
        start = self._start
        if start is None or moment.cut or start.luma.shape != moment.luma.shape:
            self._begin(moment)
            return
        if moment.time < self._next:
            return
        self._next = moment.time + _EVERY
        if not _stands(start.luma, moment.luma):
            self._begin(moment)
            return
        large = [t for t in tracks if min(t.box.width, t.box.height) >= _LEAST]
        parts = [part for track in large for part in _quarters(track.box)]
        moved = propagate(moment.luma, start.luma, parts)
        for n, track in enumerate(large):
            own = slice(4 * n, 4 * n + 4)
            track.stirs |= not _is_still(parts[own], moved[own])
            track.still = max(track.still, moment.time - start.time)

    def _begin(self, moment: Moment) -> None:
        self._start = moment
        self._next = moment.time + _EVERY


def _stands(start: Gray, now: Gray) -> bool:
    """Whether two pictures were taken by a camera that did not move."""
    shifts = []
    for rows in _thirds(start.shape[0]):
        for columns in _thirds(start.shape[1]):
            before, after = (np.asarray(each[rows, columns], np.float32) for each in (start, now))
            if min(before.shape) < _LEAST_SIDE:
                continue
            shift, response = cv2.phaseCorrelate(before, after, _window(before.shape))
            if response >= _SAME_VIEW:
                shifts.append(shift)
    # By the median, as people move in some parts.
    middle = [median(axis) for axis in zip(*shifts, strict=True)]
    return len(shifts) >= _TELLING and max(map(abs, middle)) < _MOVES


@lru_cache(maxsize=8)
def _thirds(length: int) -> list[slice]:
    """Return three stretches that OpenCV does not pad: padded, it errs by half a pixel."""
    size = length // 3
    while size > 2 and (size % 2 or cv2.getOptimalDFTSize(size) != size):
        size -= 1
    return [slice(n * length // 3, n * length // 3 + size) for n in range(3)]


@lru_cache(maxsize=8)
def _window(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.asarray(cv2.createHanningWindow((shape[1], shape[0]), cv2.CV_32F), np.float32)


def _is_still(parts: Sequence[Box], moved: Sequence[Moved]) -> bool:
    """Whether flow follows most parts, and finds every one that it follows where it was."""
    steps = [
        max(abs(a - b) for a, b in zip(part.center, step.box.center, strict=True))
        for part, step in zip(parts, moved, strict=True)
        if step.trusted
    ]
    return len(steps) >= _VOUCHING and max(steps) < _MOVES


def _quarters(box: Box) -> list[Box]:
    return [part.shift(box.x1, box.y1) for part in quarters_of((box.height, box.width))]
