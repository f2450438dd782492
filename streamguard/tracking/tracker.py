"""Things from frame to frame: born at the first detection, coasting before they die."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count

from streamguard.geometry import FACE, Box
from streamguard.tracking.association import has_left, held_in, match
from streamguard.tracking.carrying import carry_all
from streamguard.tracking.departures import note_left, note_missed
from streamguard.tracking.kinds import TrackingKind
from streamguard.tracking.misses import deny, says_no
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.passing import drifted_onto_another
from streamguard.tracking.sightings import (
    expect,
    is_elsewhere,
    is_near,
    least_confidence,
    longest_unseen,
    show,
    telling,
)
from streamguard.tracking.stillness import Stillness
from streamguard.tracking.timeline import Moment, Sighting, Timeline
from streamguard.tracking.tracks import Track
from streamguard.tracking.twins import Twins
from streamguard.tracking.ways import usual

_LINGER = 0.15
"""Seconds that the masks of the last scene stay after what may have been a flash, and no cut."""
_RETURN = 0.4
"""Seconds after a cut within which something seen again shows that it was none."""
_UNVOUCHED = 0.6
"""Seconds unseen after which a track may show something else: flow drifts to what is near."""
_LOOKS_MISSED = 1.5
"""And at least so many times between two looks of the second opinion."""
_PATIENCE = 0.5
"""Share of the time left in which what was found is to be followed back, after which it is."""


class Tracker:
    """Keeps the tracks and writes what they cover into the timeline.

    Args:
        kinds: What is known of each kind of thing there may be.
        timeline: Where covers go; its newest moment is the one being tracked.
        ids: Numbers for new tracks; 1, 2, 3 and so on when None.
    """

    def __init__(
        self, kinds: Sequence[TrackingKind], timeline: Timeline, ids: Iterator[int] | None = None
    ) -> None:
        self._kinds = {kind.label: kind for kind in kinds}
        self._timeline = timeline
        self._ids = ids or count(1)
        self._ended: dict[int, Track] = {}
        self._known: dict[int, Track] = {}
        self._sightings: list[Sighting] = []
        self._twins = Twins()
        self._stillness = Stillness()
        self._now = -math.inf
        self.tracks: list[Track] = []

    def adapt(self, kinds: Sequence[TrackingKind]) -> None:
        """Believe by other plans from now on; tracks go on."""
        self._kinds = {kind.label: kind for kind in kinds}
        for track in (*self.tracks, *self._ended.values()):
            track.kind = self._kinds[track.kind.label]

    def advance(self, moment: Moment) -> None:
        """Carry all tracks to a new moment and append it to the timeline."""
        held = self._timeline.moments
        previous = held[-1] if held else None
        self._timeline.append(moment)
        self._now = moment.time
        if moment.cut:
            # What is known of the tracks stays: it decides about frames still held.
            for track in self.tracks:
                track.scene_end = min(track.scene_end, moment.time)
                track.cuts += 1
        elif previous is not None:
            carry_all(self.tracks, previous, moment)
        self._drop_ended(moment)
        self._stillness.watch(moment, self.tracks)
        note_left(self.tracks, moment)
        for track in self.tracks:
            expect(track, moment)
        self._trace_in_time()

    def observe(
        self,
        observations: Sequence[Observation],
        searched: Sequence[SearchedRegion] = (),
        label: str = FACE,
    ) -> None:
        """Take in what the detectors of one label found in the newest moment.

        Args:
            observations: What they found.
            searched: Where the second opinion looked.
            label: What they looked for; only tracks of the same label are asked about it.
        """
        moment, own = self._timeline.moments[-1], self._of(label)
        kind, way = self._kinds[label], usual(self.ways(label))
        observations = telling(observations, moment, own, kind, way)
        pairs = match([t.box for t in own], [s.box for s in observations])
        pairs = [(t, d) for t, d in pairs if not says_no(own[t], observations[d], way)]
        matched, taken = {t for t, _ in pairs}, {d for _, d in pairs}
        unseen = [track for t, track in enumerate(own) if t not in matched]
        for t, d in pairs:
            self._see(own[t], observations[d], moment)
        new = [s for d, s in enumerate(observations) if d not in taken]
        self._begin(kind, new, moment)
        note_missed(deny(unseen, searched, moment), self.tracks, self._timeline.moments)
        extra = self._twins.extra([own[t] for t in matched], unseen, searched, moment.time)
        extra += drifted_onto_another(own, moment.time)
        for track in {track.track_id: track for track in extra}.values():
            self._end(track)
        self._trace_in_time()

    def wanting_close_look(self, label: str = FACE) -> list[Track]:
        """Return tracks that want a close look, lost or hardly supported, the youngest first."""
        now = self._timeline.moments[-1].time
        wanting = (track for track in self._of(label) if track.is_doubtful(now))
        return sorted(wanting, key=lambda t: (t.is_denied and not t.is_changed, t.denials))

    def ways(self, label: str = FACE) -> list[int]:
        """Return the quarter turns beyond upright in which each confirmed track was seen."""
        return [track.turns for track in self._of(label) if track.is_confirmed]

    def _of(self, label: str) -> list[Track]:
        return [track for track in self.tracks if track.kind.label == label]

    def covers(self, track_id: int, moment: Moment) -> bool:
        """Return whether a moment is to be covered on behalf of a track, living or ended.

        A track that coasts there counts for a while, or if it was seen again later.
        """
        track = self.track(track_id)
        if track is None:
            return True
        if not track.is_believed():
            return False
        if moment.time < track.born and not track.is_worth_tracing:
            return False
        if track.last_seen >= moment.time:
            return True
        if moment.time > self._stays_until(track) or moment.time >= track.gone_since:
            return False
        return moment.unseen.get(track_id, 0.0) <= longest_unseen(track, moment)

    def _stays_until(self, track: Track) -> float:
        """Return for how long masks of the last scene stay; one frame may show both scenes."""
        might_be_flash = track.cuts > 1 or self._now <= track.scene_end + _RETURN
        return track.scene_end + _LINGER * might_be_flash

    def is_lost(self, track_id: int, moment: Moment) -> bool:
        """Return whether nobody can vouch in a moment that a track is still the same thing."""
        track = self.track(track_id)
        if track is None or track_id in moment.astray:
            return True
        limit = max(_UNVOUCHED, _LOOKS_MISSED * track.kind.plan.whole_every)
        return moment.unseen.get(track_id, 0.0) > limit

    def track(self, track_id: int) -> Track | None:
        """Return a track that lives, or ended lately."""
        return self._known.get(track_id)

    def label_of(self, track_id: int) -> str:
        """Return what a track is; one that is forgotten counts as the first kind."""
        track = self.track(track_id)
        return track.kind.label if track else next(iter(self._kinds))

    def forget(self, oldest_needed: float) -> list[Track]:
        """Let go of tracks that ended before any moment still held, and return them."""
        limit = oldest_needed - max(kind.plan.bridge for kind in self._kinds.values()) - 1.0
        stale = [track for track in self._ended.values() if track.last_seen < limit]
        for track in stale:
            del self._ended[track.track_id], self._known[track.track_id]
        return stale

    @property
    def known(self) -> list[Track]:
        """All tracks that live, or ended lately, by number."""
        return sorted([*self._ended.values(), *self.tracks], key=lambda track: track.track_id)

    def trace(self, everything: bool = False) -> None:
        """Follow new tracks back to where they came from, all in one go.

        What only might be there is followed, too, and covered there once it is believed.

        Args:
            everything: Nothing more will be learned: believe also what is still waiting for a
                second observation.
        """
        for track in self.tracks:
            track.is_final |= everything
        self._timeline.trace_back(self._sightings)
        self._sightings.clear()

    def _see(self, track: Track, observation: Observation, moment: Moment) -> None:
        was_denied, before = track.is_denied, track.box
        place = before if observation.is_cut else observation.box
        self._timeline.bridge(track.track_id, place, before, track.last_seen)
        if observation.is_second and is_elsewhere(before, place):
            # Flow went astray, or it came in over the edge: go back along the true box.
            self._trace(track, place, moment, track.last_seen)
        anatomy = track.kind.anatomy
        since = min(track.last_second, moment.time - anatomy.turning)
        show(track, observation, moment)
        if track.denial and track.is_denied:
            track.denial.compare(moment.luma, track.box, before, place)
            return
        if was_denied:
            # It is there after all, and was not covered meanwhile.
            self._trace(track, place, moment)
        if observation.is_second and is_near(before, place) and moment.covers.get(track.track_id):
            moment.covers[track.track_id][0] = track.mask(moment.time, moment.luma.shape)
        if track.last_profile == moment.time:
            self._timeline.widen(track.track_id, anatomy.turned_aspect, since)
        for box in dict.fromkeys((place, observation.box)):
            moment.cover(track.track_id, box)

    def _begin(
        self, kind: TrackingKind, observations: Sequence[Observation], moment: Moment
    ) -> None:
        for observation in observations:
            if observation.confidence < least_confidence(kind, observation):
                if not observation.is_close and observation.confidence >= kind.plan.keep_threshold:
                    moment.weak.append((kind.label, observation))
                continue
            track = Track(next(self._ids), observation.box, moment.time, kind=kind)
            show(track, observation, moment)
            self.tracks.append(track)
            self._known[track.track_id] = track
            self._trace(track, observation.box, moment)
            moment.cover(track.track_id, observation.box)

    def _trace_in_time(self) -> None:
        """Follow back what was seen some time ago, or at once where there is no time to spare."""
        # Answers come one by one, and flow costs as much for one thing as for many.
        oldest = min((each.time for each in self._sightings), default=math.inf)
        # One look may miss it; the frame before that look must not have left then.
        spare = min(k.plan.lookahead - 2 * k.plan.whole_every for k in self._kinds.values())
        if self._now - oldest >= _PATIENCE * spare:
            self.trace()

    def _trace(self, track: Track, box: Box, moment: Moment, until: float = -math.inf) -> None:
        self._sightings.append(Sighting(track.track_id, box, moment.time, until))

    def _drop_ended(self, moment: Moment) -> None:
        for track in list(self.tracks):
            late = moment.time - track.last_seen > track.kept_for
            late = late or moment.time > track.scene_end + _RETURN
            shape = moment.luma.shape
            gone = has_left(track.box, shape)
            if gone and not late and track.before == held_in(track.before, shape):
                # At once out of sight: flow overtakes things near the edge, so cover what may show.
                moment.cover(track.track_id, held_in(track.box, shape))
            if late or gone:
                self._end(track)

    def _end(self, track: Track) -> None:
        self._twins.forget(track)
        self.tracks.remove(track)
        self._ended[track.track_id] = track
