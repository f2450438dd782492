"""From what tracking knows of the oldest frame held to the verdict on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from streamguard.detection.looks import Role
from streamguard.detection.subjects import SUBJECTS, Subject
from streamguard.frames import Candidate, Cover, Frame, TrackFacts, Verdict
from streamguard.geometry import Box, containment
from streamguard.judges.track_facts import candidates_of, facts_of
from streamguard.media.scaling import TrackingScale
from streamguard.media.sphere import Sphere
from streamguard.outlines import to_pixels
from streamguard.settings import RedactionSettings
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracker import Tracker
from streamguard.tracking.tracks import Track

_SAME = 0.5
_MOST_STRETCHES = 500
"""Stretches of one track in which it was lost; further ones become one with the last."""


class VerdictMaker:
    """Makes verdicts of moments, one after another.

    Args:
        tracker: Which tracks are believed.
        timeline: What they cover.
        scale: How the tracking picture lies over the coded one.
        names: Names of the detectors by label and role; None where nobody asks for more than
            covers, as in a live stream.
        sphere: How the picture wraps round, if it does.
        redaction: What covers look like.
    """

    def __init__(
        self,
        tracker: Tracker,
        timeline: Timeline,
        scale: TrackingScale,
        names: Mapping[str, Mapping[Role, str]] | None,
        *,
        sphere: Sphere | None,
        redaction: RedactionSettings,
    ) -> None:
        self._tracker = tracker
        self._timeline = timeline
        self._scale = scale
        self._names = names
        self._sphere = sphere
        self._redaction = redaction
        self._covered: set[int] = set()
        self._lost: dict[int, list[tuple[int, int]]] = {}
        self._told: tuple[TrackFacts, ...] = ()

    def make(self, frame: Frame) -> Verdict:
        """Return the verdict on the oldest moment, which is that of ``frame``.

        Args:
            frame: The oldest frame held.
        """
        moment, boxes = self._timeline.pop()
        covers = self._covers(frame, moment, boxes)
        if self._names is None:
            self._tracker.forget(moment.time)
            return Verdict(frame, () if frame.damage else covers, frame.damage)
        candidates = () if frame.damage else self._candidates(frame, moment, boxes, covers)
        self._note(frame.index, {cover.track_id for cover in covers}, moment)
        ended = self._told + self._facts(self._tracker.forget(moment.time))
        self._told = ()
        if frame.damage:
            return Verdict(frame, slate=frame.damage, ended=ended)
        return Verdict(frame, covers, candidates=candidates, ended=ended)

    def with_rest(self, verdicts: list[Verdict]) -> list[Verdict]:
        """Return the last verdicts, with the facts of all tracks that are left in the very last."""
        if verdicts:
            verdicts[-1] = replace(verdicts[-1], ended=verdicts[-1].ended + self.rest())
        return verdicts

    def tell(self, facts: tuple[TrackFacts, ...]) -> None:
        """Add facts of tracks that were before to the next verdict."""
        self._told = facts

    def rest(self) -> tuple[TrackFacts, ...]:
        """Return the facts of all tracks that are left."""
        return self._facts(self._tracker.known)

    def _covers(
        self, frame: Frame, moment: Moment, boxes: Mapping[int, Sequence[Box]]
    ) -> tuple[Cover, ...]:
        by_label: dict[str, list[tuple[int, Box]]] = {}
        for track_id, of_track in boxes.items():
            if self._tracker.covers(track_id, moment):
                label = self._tracker.label_of(track_id)
                whole = [(track_id, self._whole(SUBJECTS[label], box, frame)) for box in of_track]
                by_label.setdefault(label, []).extend(whole)
        return tuple(
            cover for label, things in by_label.items() for cover in self._of(label, things)
        )

    def _of(self, label: str, things: Sequence[tuple[int, Box]]) -> Iterator[Cover]:
        """Yield the covers of things of one label, given their boxes in coded pixels."""
        subject = SUBJECTS[label]
        if self._sphere:
            things = _all_round(things, self._sphere, subject.reach(self._redaction.padding))
        effect = None if label in dict(self._redaction.effects) else subject.effect
        for track_id, box in things:
            yield Cover(to_pixels(subject.outline(box)), track_id, label, effect)

    def _candidates(
        self,
        frame: Frame,
        moment: Moment,
        boxes: Mapping[int, Sequence[Box]],
        covers: Sequence[Cover],
    ) -> tuple[Candidate, ...]:
        covered = {cover.track_id for cover in covers}
        doubted = [
            (track, place)
            for number, of_track in boxes.items()
            if number not in covered
            and number not in moment.denied
            and (track := self._tracker.track(number))
            and not track.is_believed()
            for place in self._places(SUBJECTS[track.kind.label], of_track[0], frame)
        ]
        doubted += [
            (track, place)
            for number, box in moment.denied.items()
            if (track := self._tracker.track(number)) and not track.is_believed()
            for place in self._places(SUBJECTS[track.kind.label], box, frame)
        ]
        weak = [
            (label, seen, place)
            for label, seen in moment.weak
            for place in self._places(SUBJECTS[label], seen.box, frame)
        ]
        return candidates_of(doubted, weak, covers) if doubted or weak else ()

    def _facts(self, tracks: Iterable[Track]) -> tuple[TrackFacts, ...]:
        """Return the facts of tracks that were covered, and whose last cover is out."""
        if self._names is None:
            return ()
        ended = [track for track in tracks if track.track_id in self._covered]
        self._covered.difference_update(track.track_id for track in ended)
        return tuple(
            facts_of(track, self._names[track.kind.label], self._lost.pop(track.track_id, ()))
            for track in ended
        )

    def _note(self, frame: int, covered: set[int], moment: Moment) -> None:
        """Remember which tracks were covered in a frame, and which of them were lost there."""
        self._covered |= covered
        for track_id in covered:
            if self._tracker.is_lost(track_id, moment):
                stretches = self._lost.setdefault(track_id, [])
                is_full = len(stretches) == _MOST_STRETCHES
                if stretches and (is_full or stretches[-1][1] == frame - 1):
                    stretches[-1] = stretches[-1][0], frame
                else:
                    stretches.append((frame, frame))

    def _places(self, subject: Subject, box: Box, frame: Frame) -> Iterable[Box]:
        whole, reach = self._whole(subject, box, frame), subject.reach(self._redaction.padding)
        return self._sphere.places(whole, reach) if self._sphere else (whole,)

    def _whole(self, subject: Subject, box: Box, frame: Frame) -> Box:
        """Return a box of the tracking picture in coded pixels, with all that belongs to it."""
        coded = self._scale.to_coded(box)
        return subject.whole(coded, frame.quarter_turns, frame.width, frame.height)


def _all_round(
    things: Sequence[tuple[int, Box]], sphere: Sphere, padding: float
) -> list[tuple[int, Box]]:
    """Return what to cover on either side of the seam; what is seen in both copies is one."""
    kept: dict[Box, int] = {}
    for track_id, box in sorted(things, key=lambda entry: entry[0]):
        for place in sphere.places(box, padding):
            twin = next((other for other in kept if containment(other, place) > _SAME), None)
            if twin is None:
                kept[place] = track_id
            else:
                kept[twin.union(place)] = kept.pop(twin)
    return [(track_id, place) for place, track_id in kept.items()]
