"""Which regions are worth painting: those that no larger one hides."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.redaction.masks import Region

_SLACK = 2.0
"""Pixels by which a cover may be drawn off its true outline: cv2 draws ellipses as polygons."""
_INNER_RATIO = 0.998
"""Size over that of the true ellipse of one that lies inside such a polygon."""


def uncovered(regions: Sequence[Region]) -> list[Region]:
    """Return the regions that a larger one does not hide wholly, order kept.

    Args:
        regions: In the order of painting, so that the larger comes later.
    """
    return [
        region
        for number, region in enumerate(regions)
        if not any(_hides(other, region) for other in regions[number + 1 :])
    ]


def _hides(large: Region, small: Region) -> bool:
    """Whether a region's core takes in another region, feather included; a no may be wrong."""
    outer, inner = large.core, small.rect
    if large.figure is not None or not (
        outer.x1 + _SLACK <= inner[0]
        and outer.y1 + _SLACK <= inner[1]
        and inner[2] <= outer.x2 - _SLACK
        and inner[3] <= outer.y2 - _SLACK
    ):
        return False
    if not large.round:
        return True
    # With the axes as units the ellipse is a circle: the rectangle's farthest corner counts.
    (x, y), a, b = outer.center, outer.width / 2 - _SLACK, outer.height / 2 - _SLACK
    far_x = max(x - inner[0], inner[2] - x) / (a * _INNER_RATIO)
    far_y = max(y - inner[1], inner[3] - y) / (b * _INNER_RATIO)
    return far_x * far_x + far_y * far_y <= 1
