"""Faces from frame to frame: born at the first detection, coasting before they die."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from streamguard.geometry import Box, intersection, iou
from streamguard.settings import DetectionPlan
from streamguard.tracking.association import match
from streamguard.tracking.flow import Moved, propagate
from streamguard.tracking.timeline import Moment, Timeline

_GROWTH = 0.8
"""Growth of a mask's width per second that nobody has seen its face; half that in height."""
_GRACE = 0.2
"""Seconds unseen that mean nothing: nobody looked."""
_NARROW = 0.72
_HEAD_ASPECT = 1.05
"""Width of a mask per unit of height when a face narrower than that shows a head from the side."""
_BLIND_GROWTH = 0.03
"""And per frame in which flow could not follow it."""
_HEAD_MEMORY = 0.9
"""Share of its largest size a mask keeps from frame to frame while the box shrinks."""
_TALL = 1.12
"""Height of a head over that of a face seen from the front."""
_TURNED_MEMORY = 0.99
_MIN_ASPECT = 0.85
"""Least ratio of a mask's sides; heads are 0.75 to 1 wide per unit of height from any side."""
_MAX_GROWTH = 1.6
_LINGER = 0.15
"""Seconds that the masks of the last scene stay after a cut: a flash may look like one."""
_DUPLICATE = 0.6
_SURE = 0.8
"""Primary confidence that is believed although the second opinion did not see the face."""
_MAX_SCALE = 1.25
"""Flow's small errors of scale add up; no unseen face grows or shrinks by more."""
_EDGE_SHARE = 0.3
"""Share of the usual coasting for a face last seen at the picture's edge: it has left it."""
_EDGE_NEAR = 0.1
_AGREES = 0.6
_SURE_SECOND = 0.45
_WORTH_TRACING = 0.3
_FEW = 3
_MAX_MISSES = 2
"""Looks that did not see a weakly sighted face, beyond those that did, before it is none."""
_CLOSE = 0.24
"""Confidence under a close look that speaks for a face: measured, faces seen weakly at first
reached 0.25 to 0.45 there, and what only resembled one 0.2 or nothing."""
_VELOCITY_MEMORY = 0.7


@dataclass(frozen=True, slots=True)
class Sighting:
    """A detection in pixels of the small luma picture.

    Attributes:
        box: Where.
        confidence: How sure, 0 to 1.
        is_second: Whether it is the second opinion's.
        is_close: Whether it came of a close look.
    """

    box: Box
    confidence: float
    is_second: bool
    is_close: bool = False


@dataclass(frozen=True, slots=True)
class Regard:
    """A region the second opinion looked at, in pixels of the small luma picture.

    Attributes:
        region: Where.
        smallest: Size of a face it would have seen there.
        is_close: Whether it was a close look at one face.
    """

    region: Box
    smallest: float
    is_close: bool = False


@dataclass(slots=True)
class Track:
    """One face, as far as it could be followed.

    Attributes:
        track_id: Number, never used again in a run.
        box: Where it is in the newest moment.
        last_seen: Time of the last sighting, in seconds.
        seen: Where that was.
        born: Time of the first sighting, in seconds.
        first: Where that was.
        is_profile: Whether the last sighting was of a face from the side.
        last_second: Time of the second opinion's last sighting, in seconds.
        is_traced: Whether it was followed back from there.
        best_primary: Highest confidence of a primary sighting.
        best_second: Highest confidence of a second-opinion sighting.
        hits: Number of sightings.
        denials: Second-opinion looks in a row that should have seen it and did not.
        misses: The same in all.
        close_votes: Close looks that showed a face less those that did not.
    """

    track_id: int
    box: Box
    last_seen: float
    seen: Box
    born: float
    first: Box
    is_traced: bool = False
    is_profile: bool = False
    last_second: float = -math.inf
    velocity: tuple[float, float] = (0.0, 0.0)
    best_primary: float = 0.0
    best_second: float = 0.0
    hits: int = 0
    denials: int = 0
    misses: int = 0
    close_votes: int = 0
    blind: int = 0
    head_width: float = 0.0
    head_height: float = 0.0

    def see(self, sighting: Sighting, time: float) -> None:
        """Take in a sighting of this face."""
        self.last_seen = time
        self.hits += 1
        self.blind = 0
        self.seen = sighting.box
        self.is_profile = sighting.is_second and sighting.box.width < _NARROW * sighting.box.height
        if sighting.is_second:
            self.best_second = max(self.best_second, sighting.confidence)
            self.denials = 0
            self.last_second = time
            if sighting.is_close:
                self.close_votes += 1 if sighting.confidence >= _CLOSE else -1
        else:
            self.best_primary = max(self.best_primary, sighting.confidence)

    def mask(self, time: float) -> Box:
        """Return what to cover now: the head, more of it the longer nobody has seen it."""
        # From the side a detector frames the front of the face; ear and hair identify too,
        # and a head that turns away does not shrink as its face does.
        unseen = max(0.0, time - self.last_seen - _GRACE)
        turned = self.is_profile or unseen > 0
        memory = _TURNED_MEMORY if turned else _HEAD_MEMORY
        self.head_width = max(self.box.width, self.head_width * memory)
        self.head_height = max(self.box.height, self.head_height * memory)
        height = max(self.head_height, _MIN_ASPECT * self.head_width) * (_TALL if turned else 1)
        width = max(self.head_width, (_HEAD_ASPECT if self.is_profile else _MIN_ASPECT) * height)
        # A face that is lost is most often turning away, so its mask grows sideways first.
        lost = _BLIND_GROWTH * self.blind
        width *= min(_MAX_GROWTH, 1 + _GROWTH * unseen + lost)
        height *= min(_MAX_GROWTH, 1 + _GROWTH / 2 * unseen + lost)
        x, y = self.box.center
        return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    @property
    def is_sure(self) -> bool:
        """Whether one of the detectors has seen it beyond doubt."""
        return self.best_second >= _SURE_SECOND or self.best_primary >= _SURE

    @property
    def is_doubtful(self) -> bool:
        """Whether another look at it would help to decide."""
        return self.denials > 0 or (self.best_second < _SURE_SECOND and self.hits < _FEW)

    def is_face(self, plan: DetectionPlan) -> bool:
        """Return whether there is enough support to cover it.

        A face seen well by either detector is one. A weak sighting counts until close looks
        speak against it, under which a real face looks clearer and a chance likeness fades,
        or until several looks that should have repeated it did not.
        """
        if self.is_sure:
            return True
        if self.best_second < plan.second_threshold:
            return self.denials == 0
        return self.close_votes >= 0 and self.misses <= _MAX_MISSES + self.hits

    def coasts_for(self, longest: float) -> float:
        """Return how long it may go unseen, in seconds: the better known, the longer."""
        known = self.hits if self.is_sure else self.hits / 2
        return longest * min(1.0, 0.25 + 0.15 * known)


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
            corners = _quarters(*moment.luma.shape)
            boxes = [*corners, *(track.box for track in self.tracks)]
            moved = propagate(previous.luma, moment.luma, boxes)
            moment.camera = _camera(corners, moved)
            for track, step in zip(self.tracks, moved[len(corners) :], strict=True):
                _carry(track, step, moment.camera)
        self._drop_ended(moment)
        for track in self.tracks:
            mask = _beyond_edges(track.mask(moment.time), track.box, moment.luma.shape)
            moment.cover(track.track_id, mask)
            moment.unseen[track.track_id] = moment.time - track.last_seen

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
        self.trace()

    def doubted(self) -> list[Track]:
        """Return tracks that want a close look, lost or hardly supported, the youngest first."""
        return sorted((t for t in self.tracks if t.is_doubtful), key=lambda t: t.denials)

    def covers(self, track_id: int, moment: Moment) -> bool:
        """Return whether a moment is to be covered on behalf of a track, living or ended.

        A track that coasts there counts for a while, or if its face was seen again later.
        """
        track = self._ended.get(track_id)
        if track is None:
            track = next(t for t in self.tracks if t.track_id == track_id)
        if not track.is_face(self._plan):
            return False
        if track.last_seen >= moment.time:
            return True
        limit = track.coasts_for(self._plan.coast)
        if _at_edge(track.seen, moment.luma.shape):
            limit *= _EDGE_SHARE
        return moment.unseen.get(track_id, 0.0) <= limit

    def forget(self, oldest_needed: float) -> None:
        """Let go of tracks that ended before any moment still held."""
        stale = self._plan.bridge + 1.0
        self._ended = {
            i: t for i, t in self._ended.items() if t.last_seen >= oldest_needed - stale
        }

    def _see(self, track: Track, sighting: Sighting, moment: Moment) -> None:
        self._timeline.bridge(track.track_id, sighting.box, track.box, track.last_seen)
        if sighting.is_second and iou(track.box, sighting.box) < _AGREES:
            # Flow went astray, or the face came in over the edge: go back along the true box.
            self._timeline.trace_back({track.track_id: sighting.box}, until=track.last_seen)
        since = track.last_second
        track.see(sighting, moment.time)
        if track.is_profile:
            self._timeline.widen(track.track_id, _HEAD_ASPECT * _TALL, since)
        track.box = _adjusted(track, sighting)
        moment.cover(track.track_id, sighting.box)

    def _begin(self, sightings: Sequence[Sighting], moment: Moment) -> None:
        for sighting in sightings:
            enough = (
                self._plan.second_threshold if sighting.is_second else self._plan.primary_threshold
            )
            if sighting.confidence < enough:
                continue
            track = Track(self._next_id, sighting.box, moment.time, sighting.box, moment.time, sighting.box)
            self._next_id += 1
            track.see(sighting, moment.time)
            self.tracks.append(track)
            moment.cover(track.track_id, sighting.box)

    def trace(self, everything: bool = False) -> None:
        """Follow new faces back to where they came from, all born together in one go.

        Args:
            everything: Also faint ones that are still waiting for a second sighting.
        """
        ready: dict[float, dict[int, Box]] = {}
        for track in self.tracks:
            worth = track.hits > 1 or track.best_second >= _WORTH_TRACING or track.is_sure
            if not track.is_traced and (everything or worth):
                track.is_traced = True
                ready.setdefault(track.born, {})[track.track_id] = track.first
        for born, faces in ready.items():
            self._timeline.trace_back(faces, start=born)

    def _deny(self, unseen: Sequence[Track], regards: Sequence[Regard], moment: Moment) -> None:
        for track in unseen:
            size = min(track.box.width, track.box.height)
            for regard in regards:
                if size >= regard.smallest and _holds(regard.region, track.box):
                    track.denials += 1
                    track.misses += 1
                    track.close_votes -= regard.is_close

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
            late = moment.time - track.last_seen > track.coasts_for(self._plan.bridge)
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


def _adjusted(track: Track, sighting: Sighting) -> Box:
    """Return a track's box after a sighting.

    The two detectors frame a face differently, and the second opinion's frame is the truer
    one: once it has spoken, the primary only says where, not how large.
    """
    if sighting.is_second:
        return track.box.mix(sighting.box, 0.8)
    if not track.best_second:
        return track.box.mix(sighting.box, 0.5)
    (ax, ay), (bx, by) = track.box.center, sighting.box.center
    return track.box.shift((bx - ax) / 2, (by - ay) / 2)


def _at_edge(box: Box, shape: tuple[int, ...]) -> bool:
    """Return whether the picture's edge cuts a box, or nearly so."""
    near = box.pad(_EDGE_NEAR)
    return near.x1 < 0 or near.y1 < 0 or near.x2 > shape[1] or near.y2 > shape[0]


def _beyond_edges(mask: Box, box: Box, shape: tuple[int, ...]) -> Box:
    """Move a mask off the picture where its face is cut by the edge: the rest is out there."""
    near = _EDGE_NEAR * box.height
    dx = (box.x2 > shape[1] - near) - (box.x1 < near)
    dy = (box.y2 > shape[0] - near) - (box.y1 < near)
    return mask.shift(
        dx * max(0.0, mask.width - box.width) / 2, dy * max(0.0, mask.height - box.height) / 2
    )


def _holds(region: Box, box: Box) -> bool:
    """Return whether nearly all of a box lies in a region."""
    return intersection(region, box) >= 0.9 * box.area


def _quarters(height: int, width: int) -> list[Box]:
    return [
        Box(x, y, x + width / 2, y + height / 2) for x in (0, width / 2) for y in (0, height / 2)
    ]


def _camera(before: Sequence[Box], moved: Sequence[Moved]) -> tuple[float, float] | None:
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


def _carry(track: Track, step: Moved, camera: tuple[float, float] | None) -> None:
    """Move a track by flow, or where flow cannot be trusted with the camera or its own speed."""
    if step.trusted:
        (ax, ay), (bx, by) = track.box.center, step.box.center
        keep = _VELOCITY_MEMORY
        vx, vy = track.velocity
        track.velocity = (keep * vx + (1 - keep) * (bx - ax), keep * vy + (1 - keep) * (by - ay))
        track.box = step.box.limit(track.seen, _MAX_SCALE)
        track.blind = max(0, track.blind - 1)
    else:
        vx, vy = camera or track.velocity
        track.box = track.box.shift(vx, vy)
        track.velocity = (0.8 * vx, 0.8 * vy)
        track.blind += 1
