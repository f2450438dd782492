"""Boxes carried from one frame to the next by sparse optical flow, all in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from streamguard.geometry import Box

Gray = NDArray[np.uint8]
"""A tracking picture, shape ``(height, width)``, dtype ``uint8``."""

_GRID = 3
"""Points per side of the grid laid over each box."""
_CORE = 0.8
"""Share of the box the grid spans: the rim shows more background than thing."""
_WINDOW = (9, 9)
_LEVELS = 3
_CRITERIA = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03)
_REACH = 40
"""Pixels round the boxes that flow may need: the search range of the coarsest level."""
_TICKS = np.linspace((1 - _CORE) / 2, (1 + _CORE) / 2, _GRID, dtype=np.float32)
_TEMPLATE = np.stack(np.meshgrid(_TICKS, _TICKS), axis=2).reshape(-1, 2)
_ROUND_TRIP = 1.0
"""Pixels a point may miss its start by after going there and back (Kalal et al., 2010,
"Forward-Backward Error", which rejects by the median; a fixed bound suits small pictures)."""
_MIN_POINTS = 4
_SCALE_RANGE = (0.92, 1.08)
"""Faces do not grow or shrink faster than this from one frame to the next."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a box went.

    Attributes:
        box: The box in the other picture.
        trusted: Whether enough points agreed; otherwise the box has not been moved.
    """

    box: Box
    trusted: bool


def propagate(start: Gray, end: Gray, boxes: Sequence[Box]) -> list[Moved]:
    """Carry boxes from one tracking picture to another (pyramidal Lucas-Kanade, Bouguet 2000).

    Args:
        start: The picture the boxes lie in.
        end: The picture to carry them to, earlier or later, same shape.
        boxes: In pixels of the pictures.

    Returns:
        One result a box, in the same order.
    """
    if not boxes:
        return []
    x1, y1, x2, y2 = _needed(boxes, start.shape)
    origin = np.array([x1, y1], np.float32)
    points = _grids(boxes)
    flat = (points - origin).reshape(-1, 1, 2)
    there, back, found = _round_trip(start[y1:y2, x1:x2], end[y1:y2, x1:x2], flat)
    drift = np.abs(back - flat[:, 0]).max(axis=1)
    good = (found & (drift < _ROUND_TRIP)).reshape(points.shape[:2])
    good &= _inside(points, start.shape)
    return _fit(boxes, points, there.reshape(points.shape) + origin, good)


def _needed(boxes: Sequence[Box], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the part of the pictures that matters: pyramids of the rest cost time."""
    around = Box(
        min(box.x1 for box in boxes),
        min(box.y1 for box in boxes),
        max(box.x2 for box in boxes),
        max(box.y2 for box in boxes),
    )
    reach = Box(around.x1 - _REACH, around.y1 - _REACH, around.x2 + _REACH, around.y2 + _REACH)
    x1, y1, x2, y2 = reach.pixels(shape[1], shape[0])
    if x2 - x1 < _REACH or y2 - y1 < _REACH:
        return 0, 0, shape[1], shape[0]
    return x1, y1, x2, y2


def _grids(boxes: Sequence[Box]) -> NDArray[np.float32]:
    """Return the grid points of all boxes, shape ``(boxes, points, 2)``."""
    corners = np.array([(b.x1, b.y1, b.x2, b.y2) for b in boxes], np.float32)
    starts, ends = corners[:, None, :2], corners[:, None, 2:]
    return np.asarray(starts + (ends - starts) * _TEMPLATE, np.float32)


def _round_trip(
    start: Gray, end: Gray, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    no_guess = np.empty(0, np.float32)
    there, ok_there, _ = cv2.calcOpticalFlowPyrLK(
        start, end, points, no_guess, winSize=_WINDOW, maxLevel=_LEVELS, criteria=_CRITERIA
    )
    # The way back is tried from where it should end, so it needs no coarse levels, which cost
    # most: a point that does not belong there is driven away from it all the same.
    back, ok_back, _ = cv2.calcOpticalFlowPyrLK(
        end,
        start,
        there,
        points.copy(),
        winSize=_WINDOW,
        maxLevel=1,
        criteria=_CRITERIA,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    found = np.asarray((ok_there.ravel() == 1) & (ok_back.ravel() == 1))
    return _flat(there), _flat(back), found


def _flat(points: object) -> NDArray[np.float32]:
    return np.asarray(points, np.float32).reshape(-1, 2)


def _inside(points: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    x, y = points[..., 0], points[..., 1]
    return np.asarray((x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0]))


def _fit(
    boxes: Sequence[Box],
    points: NDArray[np.float32],
    there: NDArray[np.float32],
    good: NDArray[np.bool_],
) -> list[Moved]:
    """Fit a shift and a scale to the good points of every box, by medians."""
    count = good.sum(axis=1)
    shift = _median(there - points, good, count)
    weight = good[..., None] / np.maximum(count, 1)[:, None, None]
    before = points - (points * weight).sum(axis=1, keepdims=True)
    after = there - (there * weight).sum(axis=1, keepdims=True)
    lengths = np.hypot(before[..., 0], before[..., 1])
    ratios = np.hypot(after[..., 0], after[..., 1]) / np.maximum(lengths, 1e-3)
    useful = good & (lengths > 1)
    ratio = _median(ratios[..., None], useful, useful.sum(axis=1))[:, 0]
    ratio = np.where(useful.sum(axis=1) >= _MIN_POINTS, ratio, 1.0).clip(*_SCALE_RANGE)
    return [
        Moved(box.resize(float(ratio[i])).shift(float(shift[i, 0]), float(shift[i, 1])), True)
        if count[i] >= _MIN_POINTS
        else Moved(box, False)
        for i, box in enumerate(boxes)
    ]


def _median(
    values: NDArray[np.float32], good: NDArray[np.bool_], count: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return the lower median over the good points, shape ``(boxes, values)``; 0 if none."""
    ordered = np.sort(np.where(good[..., None], values, np.inf), axis=1)
    middle = np.maximum(count - 1, 0) // 2
    chosen = ordered[np.arange(len(values)), middle]
    return np.where(count[:, None] > 0, chosen, 0).astype(np.float32)


def quarters_of(shape: Sequence[float]) -> list[Box]:
    """Return the four quarters of a picture of shape ``(height, width)``."""
    height, width = shape[0] / 2, shape[1] / 2
    return [Box(x, y, x + width, y + height) for x in (0, width) for y in (0, height)]


def camera_motion(before: Sequence[Box], moved: Sequence[Moved]) -> tuple[float, float] | None:
    """Return how the picture as a whole moved, or None if its quarters cannot tell."""
    shifts = [
        (step.box.center[0] - box.center[0], step.box.center[1] - box.center[1])
        for box, step in zip(before, moved, strict=False)
        if step.trusted
    ]
    if len(shifts) < len(before) - 1:
        return None
    dx, dy = (median(axis) for axis in zip(*shifts, strict=True))
    return dx, dy
