"""Which detection belongs to which track."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from streamguard.geometry import Box, intersection, iou

_MIN_IOU = 0.15
_NEAR = 0.6
"""Centres closer than this share of the mean box size may match without overlapping much."""
_SIZE_RANGE = (0.45, 2.2)
_MANY = 200
"""Pairs from which comparing all of them at once is quicker."""
_OUTSIDE = 0.2
"""Share of its size by which a thing's centre is beyond the edge once it has left."""


def similarity(a: Box, b: Box) -> float:
    """Return how likely two boxes show the same thing, 0 (not at all) to 1 (identical).

    Mostly IoU; for small fast things, whose boxes hardly overlap any more, nearness of the
    centres counts when the sizes agree.
    """
    if _lie_apart(a, b):
        return 0.0
    overlap = iou(a, b)
    if overlap >= _MIN_IOU:
        return overlap
    if not a.area or not b.area:
        return 0.0
    low, high = _SIZE_RANGE
    if not low <= math.sqrt(a.area / b.area) <= high:
        return 0.0
    (ax, ay), (bx, by) = a.center, b.center
    size: float = (a.width + a.height + b.width + b.height) / 4
    distance = math.hypot(ax - bx, ay - by) / size
    return max(0.0, (1 - distance / _NEAR) * _MIN_IOU)


def _lie_apart(a: Box, b: Box) -> bool:
    """Return whether boxes neither overlap nor are near, for most pairs by one axis alone."""
    wide, tall = a.x2 - a.x1 + b.x2 - b.x1, a.y2 - a.y1 + b.y2 - b.y1
    near = _NEAR * (wide + tall) / 4
    if abs(a.x1 + a.x2 - b.x1 - b.x2) / 2 >= max(near, wide / 2):
        return True
    return abs(a.y1 + a.y2 - b.y1 - b.y2) / 2 >= max(near, tall / 2)


def _near_pairs(tracks: Sequence[Box], detections: Sequence[Box]) -> Iterable[tuple[int, int]]:
    """Return the pairs that may be alike; in a crowd nearly all pairs lie apart."""
    if len(tracks) * len(detections) < _MANY:
        return product(range(len(tracks)), range(len(detections)))
    ax1, ay1, ax2, ay2 = (side[:, None] for side in _sides(tracks))
    bx1, by1, bx2, by2 = _sides(detections)
    wide, tall = ax2 - ax1 + bx2 - bx1, ay2 - ay1 + by2 - by1
    near = _NEAR * (wide + tall) / 4
    dx, dy = np.abs(ax1 + ax2 - bx1 - bx2) / 2, np.abs(ay1 + ay2 - by1 - by2) / 2
    close = (dx < np.maximum(near, wide / 2)) & (dy < np.maximum(near, tall / 2))
    return [(int(t), int(d)) for t, d in np.argwhere(close)]


def _sides(boxes: Sequence[Box]) -> NDArray[np.float64]:
    return np.array([(b.x1, b.y1, b.x2, b.y2) for b in boxes]).T


def match(tracks: Sequence[Box], detections: Sequence[Box]) -> list[tuple[int, int]]:
    """Pair tracks and detections one to one, the most alike first.

    Returns:
        Index pairs ``(track, detection)``; whatever is like nothing stays unpaired.
    """
    scored = sorted(
        (
            (score, t, d)
            for t, d in _near_pairs(tracks, detections)
            if (score := similarity(tracks[t], detections[d])) > 0
        ),
        reverse=True,
    )
    pairs: list[tuple[int, int]] = []
    used_tracks: set[int] = set()
    used_detections: set[int] = set()
    for _, t, d in scored:
        if t not in used_tracks and d not in used_detections:
            pairs.append((t, d))
            used_tracks.add(t)
            used_detections.add(d)
    return pairs


def is_covered(box: Box, others: Sequence[Box], share: float = 0.7) -> bool:
    """Return whether one of the others already covers ``share`` of the box's area."""
    least = share * box.area
    return any(intersection(box, other) >= least for other in others)


def has_left(box: Box, shape: tuple[int, ...]) -> bool:
    """Return whether so much of a thing is outside a picture that nothing tells it any more.

    Args:
        box: The thing.
        shape: ``(height, width)`` of the picture.
    """
    x, y = box.center
    dx, dy = _OUTSIDE * box.width, _OUTSIDE * box.height
    return not (-dx <= x < shape[1] + dx and -dy <= y < shape[0] + dy)


def held_in(box: Box, shape: tuple[int, ...]) -> Box:
    """Return a box moved just so far that its centre is in a picture of ``(height, width)``."""
    x, y = box.center
    return box.shift(min(max(x, 0.0), shape[1]) - x, min(max(y, 0.0), shape[0]) - y)
