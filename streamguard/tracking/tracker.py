"""Faces from frame to frame: born at the first detection, coasting before they die."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamguard.geometry import Box, intersection, iou
from streamguard.settings import DetectionPlan
from streamguard.tracking.association import match
from streamguard.tracking.flow import propagate
from streamguard.tracking.timeline import Moment, Timeline

_GROWTH = 0.35
"""Growth of a mask per second that nobody has seen its face."""
_MAX_GROWTH = 1.5
_LINGER = 0.15
"""Seconds that the masks of the last scene stay after a cut: a flash may look like one."""
_DUPLICATE = 0.6
_SURE = 0.8
"""Primary confidence that is believed although the second opinion did not see the face."""
_VELOCITY_MEMORY = 0.7


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detection in pixels of the small luma picture.

    Attributes:
        box: Where.
        confidence: How sure, 0 to 1.
        is_second: Whether it is the second opinion's.
    """

    box: Box
    confidence: float
    is_second: bool


@dataclass(frozen=True, slots=True)
class Regard:
    """A region the second opinion looked at, in pixels of the small luma picture.

    Attributes:
        region: Where.
        smallest: Size of a face it would have seen there.
    """

    region: Box
    smallest: float


@dataclass(slots=True)
class Track:
    """One face, as far as it could be followed.

    Attributes:
        track_id: Number, never used again in a run.
        box: Where it is in the newest moment.
        last_seen: Time of the last sighting, in seconds.
        best_primary: Highest confidence of a primary sighting.
        best_second: Highest confidence of a second-opinion sighting.
        hits: Number of sightings.
        denials: Second-opinion looks in a row that should have seen it and did not.
    """

    track_id: int
    box: Box
    last_seen: float
    velocity: tuple[float, float] = (0.0, 0.0)
    best_primary: float = 0.0
    best_second: float = 0.0
    hits: int = 0
    denials: int = 0
    blind: int = 0

    def see(self, sighting: Sighting, time: float) -> None:
        """Take in a sighting of this face."""
        self.last_seen = time
        self.hits += 1
        self.blind = 0
        if sighting.is_second:
            self.best_second = max(self.best_second, sighting.confidence)
            self.denials = 0
        else:
            self.best_primary = max(self.best_primary, sighting.confidence)

    def is_face(self, plan: DetectionPlan) -> bool:
        """Return whether there is enough support to cover it."""
        if self.best_second >= plan.second_threshold:
            return True
        return self.best_primary >= _SURE or self.denials == 0

    def coasts_for(self, plan: DetectionPlan) -> float:
        """Return how long it stays covered unseen, in seconds: the better known, the longer."""
        return plan.coast * min(1.0, 0.2 + 0.15 * self.hits)


class Tracker:
    """Keeps the tracks and writes what they cover into the timeline.

    Args:
        plan: What the quality level believes.
        timeline: Where covers go; its newest moment is the one being tracked.
    """

    def __init__(self, plan: DetectionPlan, timeline: Timeline) -> None:
        self._plan = plan
        self._timeline = timeline
        self._next_id = 1
        self._ended: dict[int, Track] = {}
        self.tracks: list[Track] = []

    def advance(self, moment: Moment) -> None:
        """Carry all tracks to a new moment and append it to the timeline."""
        held = self._timeline.moments
        previous = held[-1] if held else None
        self._timeline.append(moment)
        if moment.cut:
            self._linger(moment)
        elif previous is not None:
            moved = propagate(previous.luma, moment.luma, [t.box for t in self.tracks])
            for track, step in zip(self.tracks, moved, strict=True):
                _carry(track, step.box, step.trusted)
        self._drop_ended(moment)
        for track in self.tracks:
            unseen = moment.time - track.last_seen
            grown = min(_MAX_GROWTH, 1 + _GROWTH * unseen + 0.03 * track.blind)
            moment.cover(track.track_id, track.box.resize(grown))

    def observe(self, sightings: Sequence[Sighting], regards: Sequence[Regard] = ()) -> None:
        """Take in what the detectors found in the newest moment.

        Args:
            sightings: What they found.
            regards: Where the second opinion looked.
        """
        moment = self._timeline.moments[-1]
        pairs = match([t.box for t in self.tracks], [s.box for s in sightings])
        matched = {t for t, _ in pairs}
        unseen = [track for t, track in enumerate(self.tracks) if t not in matched]
        for t, d in pairs:
            self._see(self.tracks[t], sightings[d], moment)
        taken = {d for _, d in pairs}
        self._begin([s for d, s in enumerate(sightings) if d not in taken], moment)
        self._deny(unseen, regards, moment)
        self._drop_duplicates(moment)

    def doubted(self) -> list[Track]:
        """Return tracks that want a close look: lost, or not yet seen by the second opinion."""
        enough = self._plan.second_threshold
        return sorted(
            (t for t in self.tracks if t.denials or t.best_second < enough),
            key=lambda t: t.denials,
        )

    def believes(self, track_id: int) -> bool:
        """Return whether a track, living or ended, is taken for a face."""
        track = self._ended.get(track_id)
        if track is None:
            track = next((t for t in self.tracks if t.track_id == track_id), None)
        return track is None or track.is_face(self._plan)

    def forget(self, oldest_needed: float) -> None:
        """Let go of tracks that ended before any moment still held."""
        stale = self._plan.coast + 1.0
        self._ended = {
            i: t for i, t in self._ended.items() if t.last_seen >= oldest_needed - stale
        }

    def _see(self, track: Track, sighting: Sighting, moment: Moment) -> None:
        self._timeline.bridge(track.track_id, sighting.box, track.box, track.last_seen)
        track.see(sighting, moment.time)
        # The two detectors frame a face differently; the second opinion's box is the truer one.
        track.box = track.box.mix(sighting.box, 0.8 if sighting.is_second else 0.5)
        moment.cover(track.track_id, sighting.box)

    def _begin(self, sightings: Sequence[Sighting], moment: Moment) -> None:
        born: dict[int, Box] = {}
        for sighting in sightings:
            enough = (
                self._plan.second_threshold if sighting.is_second else self._plan.primary_threshold
            )
            if sighting.confidence < enough:
                continue
            track = Track(self._next_id, sighting.box, moment.time)
            self._next_id += 1
            track.see(sighting, moment.time)
            self.tracks.append(track)
            moment.cover(track.track_id, sighting.box)
            born[track.track_id] = sighting.box
        self._timeline.trace_back(born)

    def _deny(self, unseen: Sequence[Track], regards: Sequence[Regard], moment: Moment) -> None:
        for track in unseen:
            size = min(track.box.width, track.box.height)
            if any(size >= r.smallest and _holds(r.region, track.box) for r in regards):
                track.denials += 1

    def _linger(self, moment: Moment) -> None:
        """After a cut, leave old masks where they are for a moment and then no longer."""
        limit = moment.time - _LINGER
        for track in self.tracks:
            track.hits = 0
            track.last_seen = min(track.last_seen, limit)

    def _drop_ended(self, moment: Moment) -> None:
        height, width = moment.luma.shape
        for track in list(self.tracks):
            x, y = track.box.center
            outside = not (0 <= x < width and 0 <= y < height)
            late = moment.time - track.last_seen > track.coasts_for(self._plan)
            if outside or late or track.box.width > 2 * width:
                self._end(track)

    def _drop_duplicates(self, moment: Moment) -> None:
        """End tracks that have drifted onto a face another track has just been seen at."""
        seen = [t for t in self.tracks if t.last_seen == moment.time]
        for track in list(self.tracks):
            if track.last_seen < moment.time and any(
                iou(track.box, other.box) > _DUPLICATE for other in seen
            ):
                self._end(track)

    def _end(self, track: Track) -> None:
        self.tracks.remove(track)
        self._ended[track.track_id] = track


def _holds(region: Box, box: Box) -> bool:
    """Return whether nearly all of a box lies in a region."""
    return intersection(region, box) >= 0.9 * box.area


def _carry(track: Track, box: Box, trusted: bool) -> None:
    """Move a track by flow, or by its own speed where flow cannot be trusted."""
    if trusted:
        (ax, ay), (bx, by) = track.box.center, box.center
        keep = _VELOCITY_MEMORY
        vx, vy = track.velocity
        track.velocity = (keep * vx + (1 - keep) * (bx - ax), keep * vy + (1 - keep) * (by - ay))
        track.box = box
        track.blind = max(0, track.blind - 1)
    else:
        track.box = track.box.shift(*track.velocity)
        vx, vy = track.velocity
        track.velocity = (0.8 * vx, 0.8 * vy)
        track.blind += 1
