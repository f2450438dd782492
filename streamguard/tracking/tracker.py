"""Faces from frame to frame: born at the first detection, coasting before they die."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count

from streamguard.geometry import Box, containment, intersection, iou
from streamguard.settings import DetectionPlan
from streamguard.tracking.association import has_left, held_in, match
from streamguard.tracking.flow import camera_motion, propagate, quarters_of
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracks import TURNED_ASPECT, TURNING, Track, at_edge

_LINGER = 0.15
"""Seconds that the masks of the last scene stay after a cut: a flash may look like one."""
_RETURN = 0.4
"""Seconds after a cut within which a face seen again shows that it was none."""
_DUPLICATE = 0.6
_EDGE_SHARE = 0.3
"""Share of the usual coasting for a face last seen at the picture's edge: it has left it."""
_AGREES = 0.6
_SIDEWAYS_SURER = 1.75
"""How much surer a face must be that only the picture on its side shows: measured on photos,
three in four of the false ones at the usual confidence are below, and one in seven true ones."""
_SAME = 0.5
_WHOLE = 0.9
"""Share of a face that must lie in a region for a look at it to say anything."""


class Tracker:
    """Keeps the tracks and writes what they cover into the timeline.

    Args:
        plan: What the quality level believes.
        timeline: Where covers go; its newest moment is the one being tracked.
        ids: Numbers for new tracks; 1, 2, 3 and so on when None.
    """

    def __init__(
        self, plan: DetectionPlan, timeline: Timeline, ids: Iterator[int] | None = None
    ) -> None:
        self._plan = plan
        self._timeline = timeline
        self._ids = ids or count(1)
        self._ended: dict[int, Track] = {}
        self.tracks: list[Track] = []

    def adapt(self, plan: DetectionPlan) -> None:
        """Believe what another plan believes from now on; tracks go on."""
        self._plan = plan

    def advance(self, moment: Moment) -> None:
        """Carry all tracks to a new moment and append it to the timeline."""
        held = self._timeline.moments
        previous = held[-1] if held else None
        self._timeline.append(moment)
        if moment.cut:
            self._linger(moment)
        elif previous is not None:
            quarters = quarters_of(moment.luma.shape)
            boxes = [*quarters, *(track.box for track in self.tracks)]
            moved = propagate(previous.luma, moment.luma, boxes)
            moment.camera = camera_motion(quarters, moved)
            for track, step in zip(self.tracks, moved[len(quarters) :], strict=True):
                track.carry(step, moment.camera)
        self._drop_ended(moment)
        for track in self.tracks:
            moment.cover(track.track_id, track.mask(moment.time, moment.luma.shape))
            moment.unseen[track.track_id] = moment.time - track.last_seen
            if track.blind:
                moment.astray.add(track.track_id)

    def observe(
        self, observations: Sequence[Observation], searched: Sequence[SearchedRegion] = ()
    ) -> None:
        """Take in what the detectors found in the newest moment.

        Args:
            observations: What they found.
            searched: Where the second opinion looked.
        """
        moment = self._timeline.moments[-1]
        observations = [s for s in observations if not (s.turns and self._is_upright(s, moment))]
        pairs = match([t.box for t in self.tracks], [s.box for s in observations])
        matched = {t for t, _ in pairs}
        unseen = [track for t, track in enumerate(self.tracks) if t not in matched]
        for t, d in pairs:
            self._see(self.tracks[t], observations[d], moment)
        taken = {d for _, d in pairs}
        self._begin([s for d, s in enumerate(observations) if d not in taken], moment)
        _deny(unseen, searched)
        self._drop_duplicates(moment)
        self.trace()

    def wanting_close_look(self) -> list[Track]:
        """Return tracks that want a close look, lost or hardly supported, the youngest first."""
        return sorted((t for t in self.tracks if t.is_doubtful), key=lambda t: t.denials)

    def covers(self, track_id: int, moment: Moment) -> bool:
        """Return whether a moment is to be covered on behalf of a track, living or ended.

        A track that coasts there counts for a while, or if its face was seen again later.
        """
        track = self.track(track_id)
        if track is None:
            return True
        if not track.is_face(self._plan):
            return False
        if track.last_seen >= moment.time:
            return True
        if moment.time > track.scene_end + _LINGER:
            return False
        limit = track.coasts_for(self._plan.coast)
        if track_id not in moment.astray:
            # Flow still follows it: it is there at least until somebody looks again.
            limit = max(limit, self._plan.second_every)
        elif at_edge(track.seen, moment.luma.shape):
            limit *= _EDGE_SHARE
        return moment.unseen.get(track_id, 0.0) <= limit

    def track(self, track_id: int) -> Track | None:
        """Return a track that lives, or ended lately."""
        living = (track for track in self.tracks if track.track_id == track_id)
        return self._ended.get(track_id) or next(living, None)

    def forget(self, oldest_needed: float) -> list[Track]:
        """Let go of tracks that ended before any moment still held, and return them."""
        limit = oldest_needed - self._plan.bridge - 1.0
        stale = [track for track in self._ended.values() if track.last_seen < limit]
        for track in stale:
            del self._ended[track.track_id]
        return stale

    @property
    def known(self) -> list[Track]:
        """All tracks that live, or ended lately, by number."""
        return sorted([*self._ended.values(), *self.tracks], key=lambda track: track.track_id)

    def trace(self, everything: bool = False) -> None:
        """Follow new faces back to where they came from, all born together in one go.

        Args:
            everything: Also faint ones that are still waiting for a second observation.
        """
        ready: dict[float, dict[int, Box]] = {}
        for track in self.tracks:
            if not track.is_traced and (everything or track.is_worth_tracing):
                track.is_traced = True
                ready.setdefault(track.born, {})[track.track_id] = track.first
        for born, faces in ready.items():
            self._timeline.trace_back(faces, start=born)

    def _see(self, track: Track, observation: Observation, moment: Moment) -> None:
        self._timeline.bridge(track.track_id, observation.box, track.box, track.last_seen)
        if observation.is_second and iou(track.box, observation.box) < _AGREES:
            # Flow went astray, or the face came in over the edge: go back along the true box.
            self._timeline.trace_back({track.track_id: observation.box}, until=track.last_seen)
        since = min(track.last_second, moment.time - TURNING)
        _show(track, observation, moment)
        if track.last_profile == moment.time:
            self._timeline.widen(track.track_id, TURNED_ASPECT, since)
        moment.cover(track.track_id, observation.box)

    def _is_upright(self, observation: Observation, moment: Moment) -> bool:
        """Return whether a face seen sideways was lately seen as surely another way up."""
        since = moment.time - self._plan.second_every
        return any(
            track.last_second >= since
            and track.turns != observation.turns
            and track.best_second >= observation.confidence
            and containment(track.box, observation.box) > _SAME
            for track in self.tracks
        )

    def _begin(self, observations: Sequence[Observation], moment: Moment) -> None:
        for observation in observations:
            enough = (
                self._plan.second_threshold
                if observation.is_second
                else self._plan.primary_threshold
            )
            if observation.confidence < enough * (_SIDEWAYS_SURER if observation.turns else 1.0):
                moment.weak.append(observation)
                continue
            track = Track(next(self._ids), observation.box, moment.time)
            _show(track, observation, moment)
            self.tracks.append(track)
            moment.cover(track.track_id, observation.box)

    def _linger(self, moment: Moment) -> None:
        """After a cut, leave old masks where they are for a moment and then no longer.

        What is known of their faces stays as it was: it decides about frames still held.
        """
        for track in self.tracks:
            track.scene_end = min(track.scene_end, moment.time)

    def _drop_ended(self, moment: Moment) -> None:
        for track in list(self.tracks):
            late = moment.time - track.last_seen > track.coasts_for(self._plan.bridge)
            late = late or moment.time > track.scene_end + _RETURN
            shape = moment.luma.shape
            gone = has_left(track.box, shape)
            if gone and not late and track.before == held_in(track.before, shape):
                # At once out of sight: flow overtakes faces near the edge, so cover what may show.
                moment.cover(track.track_id, held_in(track.box, shape))
            if late or gone:
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


def _show(track: Track, observation: Observation, moment: Moment) -> None:
    track.see(observation, moment.time, moment.luma.shape)
    height, width = moment.luma.shape
    x1, y1, x2, y2 = observation.box.pixels(width, height)
    if x1 < x2 and y1 < y2:
        track.light += float(moment.luma[y1:y2, x1:x2].mean())


def _deny(unseen: Sequence[Track], searched: Sequence[SearchedRegion]) -> None:
    """Tell tracks that the second opinion looked where they are and did not see them."""
    for track in unseen:
        if track.scene_end < math.inf:
            continue  # another scene says nothing about the faces of the last
        size = min(track.box.width, track.box.height)
        for look in searched:
            shared = intersection(look.region, track.box)
            # Upright, a face that lies on its side is hardly seen, and the other way round.
            is_able = look.turns == track.turns and size >= look.smallest
            if is_able and shared >= _WHOLE * track.box.area:
                track.miss(look.is_close)
