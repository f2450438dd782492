"""Zones: what another judge decides, with areas that are always covered, or never matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from streamguard.frames import Candidate, Cover, Frame, Uncovered, Verdict
from streamguard.geometry import ZONE, Box
from streamguard.media.upright import Upright
from streamguard.outlines import Point, Polygon, to_pixels
from streamguard.plans import DetectionPlan
from streamguard.protocols import AdaptiveJudge, Judge
from streamguard.zone_settings import Corners, ZoneSettings


def with_zones(judge: Judge, settings: ZoneSettings, mirrored: bool = False) -> Judge:
    """Return a judge that keeps to zones; the same one if there are none."""
    return Zones(judge, settings, mirrored) if settings else judge


class Zones:
    """Decides as another judge does, and keeps to zones.

    Each zone that is covered has a track of its own: -1 for the first, -2 for the second and so
    on. A slate stays whole.

    Args:
        judge: Who decides on everything else.
        settings: The zones.
        mirrored: Whether players show the picture mirrored left to right.
    """

    def __init__(self, judge: Judge, settings: ZoneSettings, mirrored: bool = False) -> None:
        self._judge = judge
        self._settings = settings
        self._mirrored = mirrored

    def push(self, frame: Frame) -> list[Verdict]:
        """Take the next frame; return the verdicts that are ready; see `Judge`."""
        return self._all(self._judge.push(frame))

    def finish(self) -> list[Verdict]:
        """Return the verdicts of all frames still held; see `Judge`."""
        return self._all(self._judge.finish())

    def adapt(self, plan: DetectionPlan) -> None:
        """Let the other judge look by another plan, if it can."""
        if isinstance(self._judge, AdaptiveJudge):
            self._judge.adapt(plan)

    def close(self) -> None:
        """Let go of everything; may be called twice."""
        self._judge.close()

    def _all(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        return [self._kept(verdict) for verdict in verdicts]

    def _kept(self, verdict: Verdict) -> Verdict:
        if verdict.slate:
            return verdict
        frame = verdict.frame
        ignored = [self._in_pixels(corners, frame) for corners in self._settings.ignore]
        covers, candidates = [], list(verdict.candidates)
        for cover in verdict.covers:
            if any(holds(polygon, cover.box) for polygon in ignored):
                candidates.append(
                    Candidate(cover.box, 1.0, Uncovered.IGNORED, cover.track_id, cover.label)
                )
            else:
                covers.append(cover)
        for number, corners in enumerate(self._settings.cover, 1):
            covers.append(Cover(to_pixels(self._in_pixels(corners, frame)), -number, ZONE))
        return replace(verdict, covers=tuple(covers), candidates=tuple(candidates))

    def _in_pixels(self, corners: Corners, frame: Frame) -> Polygon:
        """Return an area of the picture as it is shown in coded pixels."""
        upright = Upright(frame.quarter_turns, self._mirrored, frame.width, frame.height)
        width, height = upright.size
        return upright.coded_polygon(Polygon(tuple((x * width, y * height) for x, y in corners)))


def holds(polygon: Polygon, box: Box) -> bool:
    """Whether a box lies wholly inside a polygon."""
    corners = [(x, y) for x in (box.x1, box.x2) for y in (box.y1, box.y2)]
    if not all(contains(polygon.points, *corner) for corner in corners):
        return False
    # All corners of a box can lie inside while a notch of the polygon cuts into it.
    edges = pairwise((*polygon.points, polygon.points[0]))
    return not any(_enters(edge, box) for edge in edges)


def contains(points: Sequence[Point], x: float, y: float) -> bool:
    """Whether a point lies inside, by counting how often a ray to the right crosses the outline."""
    crossings = 0
    for (x1, y1), (x2, y2) in pairwise((*points, points[0])):
        # Each corner counts for one side only.
        if (y1 <= y) != (y2 <= y):
            crossings += x1 + (y - y1) / (y2 - y1) * (x2 - x1) > x
    return crossings % 2 == 1


def _enters(edge: tuple[Point, Point], box: Box) -> bool:
    """Whether an edge has a piece strictly inside a box."""
    (x1, y1), (x2, y2) = edge
    first, last = 0.0, 1.0
    for start, step, low, high in ((x1, x2 - x1, box.x1, box.x2), (y1, y2 - y1, box.y1, box.y2)):
        if step:
            near, far = sorted(((low - start) / step, (high - start) / step))
            first, last = max(first, near), min(last, far)
        elif not low < start < high:
            return False
    return first < last
