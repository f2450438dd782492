"""From what tracking knows of the oldest frame held to the verdict on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from streamguard.detection.schedule import Role
from streamguard.frames import Candidate, Cover, Frame, TrackFacts, Verdict
from streamguard.geometry import Box, containment
from streamguard.judges.account import candidates_of, facts_of
from streamguard.media.sphere import Sphere
from streamguard.outlines import outward
from streamguard.settings import DetectionPlan
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracker import Tracker
from streamguard.tracking.tracks import Track

_SAME = 0.5
_HAIR = 0.06
"""Share of a face's height between the box's upper edge and the hair line."""


class Pronouncer:
    """Makes verdicts of moments, one after another.

    Args:
        tracker: Which tracks are believed.
        timeline: What they cover.
        to_luma: Pixels of the tracking picture per coded pixel, across and down.
        names: Names of the detectors by role.
        sphere: How the picture wraps round, if it does.
        padding: Share of a box that redaction adds on every side.
    """

    def __init__(
        self,
        tracker: Tracker,
        timeline: Timeline,
        to_luma: tuple[float, float],
        names: Mapping[Role, str],
        *,
        sphere: Sphere | None,
        padding: float,
    ) -> None:
        self._tracker = tracker
        self._timeline = timeline
        self._to_luma = to_luma
        self._names = names
        self._sphere = sphere
        self._padding = padding
        self._covered: set[int] = set()

    def pronounce(self, frame: Frame, plan: DetectionPlan) -> Verdict:
        """Return the verdict on the oldest moment, which is that of ``frame``.

        Args:
            frame: The oldest frame held.
            plan: What the quality level believes now.
        """
        moment, boxes = self._timeline.pop()
        covers = self._covers(frame, moment, boxes)
        candidates = () if frame.damage else self._candidates(frame, moment, boxes, covers, plan)
        self._covered.update(cover.track_id for cover in covers)
        ended = self._facts(self._tracker.forget(moment.time))
        if frame.damage:
            return Verdict(frame, slate=frame.damage, ended=ended)
        return Verdict(frame, covers, candidates=candidates, ended=ended)

    def with_rest(self, verdicts: list[Verdict]) -> list[Verdict]:
        """Return the last verdicts, with the facts of all tracks that are left in the very last."""
        if verdicts:
            ended = verdicts[-1].ended + self._facts(self._tracker.known)
            verdicts[-1] = replace(verdicts[-1], ended=ended)
        return verdicts

    def _covers(
        self, frame: Frame, moment: Moment, boxes: Mapping[int, Sequence[Box]]
    ) -> tuple[Cover, ...]:
        believed = [
            (track_id, self._face(box, frame))
            for track_id, of_track in boxes.items()
            if self._tracker.covers(track_id, moment)
            for box in of_track
        ]
        if self._sphere:
            believed = _all_round(believed, self._sphere, self._padding)
        return tuple(Cover(outward(box), number) for number, box in believed)

    def _candidates(
        self,
        frame: Frame,
        moment: Moment,
        boxes: Mapping[int, Sequence[Box]],
        covers: Sequence[Cover],
        plan: DetectionPlan,
    ) -> tuple[Candidate, ...]:
        covered = {cover.track_id for cover in covers}
        doubted = [
            (track, place)
            for number, of_track in boxes.items()
            if number not in covered
            and (track := self._tracker.track(number))
            and not track.is_face(plan)
            for place in self._places(of_track[0], frame)
        ]
        weak = [(seen, place) for seen in moment.weak for place in self._places(seen.box, frame)]
        return candidates_of(doubted, weak, covers) if doubted or weak else ()

    def _facts(self, tracks: Iterable[Track]) -> tuple[TrackFacts, ...]:
        """Return the facts of tracks that were covered, and whose last cover is out."""
        ended = [track for track in tracks if track.track_id in self._covered]
        self._covered.difference_update(track.track_id for track in ended)
        return tuple(facts_of(track, self._names) for track in ended)

    def _places(self, box: Box, frame: Frame) -> Iterable[Box]:
        face = self._face(box, frame)
        return self._sphere.places(face, self._padding) if self._sphere else (face,)

    def _face(self, box: Box, frame: Frame) -> Box:
        """Return a box of the tracking picture in coded pixels, with the hair above it."""
        sx, sy = self._to_luma
        return _with_hair(box.scale(1 / sx, 1 / sy), frame)


def _all_round(
    faces: Sequence[tuple[int, Box]], sphere: Sphere, padding: float
) -> list[tuple[int, Box]]:
    """Return what to cover on either side of the seam; what is seen in both copies is one."""
    kept: dict[Box, int] = {}
    for track_id, face in sorted(faces, key=lambda entry: entry[0]):
        for place in sphere.places(face, padding):
            twin = next((box for box in kept if containment(box, place) > _SAME), None)
            if twin is None:
                kept[place] = track_id
            else:
                kept[twin.union(place)] = kept.pop(twin)
    return [(track_id, box) for box, track_id in kept.items()]


def _with_hair(box: Box, frame: Frame) -> Box:
    """Raise the upright upper edge: detectors frame a face from the brow down."""
    turns, width, height = frame.quarter_turns, frame.width, frame.height
    upright = box.rotate(turns, width, height)
    taller = Box(upright.x1, upright.y1 - _HAIR * upright.height, upright.x2, upright.y2)
    if turns % 2:
        width, height = height, width
    return taller.rotate(-turns, width, height)
