"""Parts of the picture that are always covered, and parts where faces do not matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from streamguard.frames import Cover, Verdict
from streamguard.geometry import Box
from streamguard.outlines import to_pixels

Point = tuple[float, float]
Polygon = tuple[Point, ...]

_BANDS = 12
"""Bands a polygon is cut into; each is covered by the smallest box that holds it."""
_ZONE_TRACK = -1
_ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Zones:
    """Polygons of at least three points, in shares of the picture's sides, 0 to 1.

    Attributes:
        cover: Covered in every frame, whatever is there.
        ignore: A face wholly inside one of these is not covered.
    """

    cover: tuple[Polygon, ...] = ()
    ignore: tuple[Polygon, ...] = ()

    def apply(self, verdict: Verdict) -> Verdict:
        """Return the verdict with the zones' own boxes, and without what they free."""
        if not (self.cover or self.ignore) or verdict.slate:
            return verdict
        width, height = verdict.frame.width, verdict.frame.height
        kept = [
            cover
            for cover in verdict.covers
            if not any(_holds(polygon, cover.box, width, height) for polygon in self.ignore)
        ]
        for polygon in self.cover:
            kept += [
                Cover(to_pixels(box.scale(width, height)), _ZONE_TRACK, _ZONE)
                for box in bands(polygon)
            ]
        return replace(verdict, covers=tuple(kept))


def bands(polygon: Polygon) -> Iterator[Box]:
    """Yield boxes that together hold a polygon, one above the other."""
    top, bottom = min(y for _, y in polygon), max(y for _, y in polygon)
    step = (bottom - top) / _BANDS
    for number in range(_BANDS):
        y1, y2 = top + number * step, top + (number + 1) * step
        # The outline's extremes within a band are at corners, or where it crosses the band's edge.
        xs = [x for x, y in polygon if y1 <= y <= y2]
        xs += [x for edge in (y1, y2) for x in _crossings(polygon, edge)]
        if xs and step > 0:
            yield Box(min(xs), y1, max(xs), y2)


def _holds(polygon: Polygon, box: Box, width: int, height: int) -> bool:
    inside = box.scale(1 / width, 1 / height)
    corners = [(x, y) for x in (inside.x1, inside.x2) for y in (inside.y1, inside.y2)]
    return all(contains(polygon, *corner) for corner in corners)


def contains(polygon: Sequence[Point], x: float, y: float) -> bool:
    """Whether a point lies inside, by counting how often a ray to the right crosses the outline."""
    return sum(crossing > x for crossing in _crossings(polygon, y)) % 2 == 1


def _crossings(polygon: Sequence[Point], y: float) -> list[float]:
    """Return where the outline crosses a horizontal line; each corner counts for one side only."""
    found = []
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y1 <= y) != (y2 <= y):
            found.append(x1 + (y - y1) / (y2 - y1) * (x2 - x1))
    return found
