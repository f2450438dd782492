"""What a sighting tells a track, and which sightings tell it nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamguard.geometry import Box, containment, iou
from streamguard.tracking.edges import at_edge
from streamguard.tracking.kinds import TrackingKind
from streamguard.tracking.observations import Observation
from streamguard.tracking.presence import Presence
from streamguard.tracking.timeline import Moment
from streamguard.tracking.tracks import Track
from streamguard.tracking.ways import is_another

_AGREES = 0.6
_NEAR = 0.4
_OFF = 1.0
"""Pixels by which boxes of small things differ for no reason."""
_SAME = 0.5
"""Share of a box in another from which both show one thing."""

_MOST_TILT = 45.0
"""Degrees beyond which a detector hardly knows how far a thing is tilted, unless most are so."""
_LATELY = 1.5
"""Times between two looks at everything within which a sighting still counts."""


def show(track: Track, observation: Observation, moment: Moment) -> None:
    """Tell a track that it was seen, and what it looked like.

    Args:
        track: The track.
        observation: What a detector saw of it.
        moment: When.
    """
    track.see(observation, moment.time, moment.luma.shape)
    track.presence = Presence(moment.glimpse(track.box))
    height, width = moment.luma.shape
    x1, y1, x2, y2 = observation.box.pixels(width, height)
    if x1 < x2 and y1 < y2:
        track.light += float(moment.luma[y1:y2, x1:x2].mean())


def telling(
    observations: Sequence[Observation],
    moment: Moment,
    tracks: Sequence[Track],
    kind: TrackingKind,
    way: int,
) -> list[Observation]:
    """Return what tells something of the things there are, as sure as it is.

    Args:
        observations: What was seen.
        moment: When.
        tracks: What is known of the same kind.
        kind: What it is.
        way: Quarter turns beyond upright in which most of them are. What is seen in others is
            less sure.
    """
    sure = [_doubted(seen, kind.doubt(seen.turns, way)) for seen in observations]
    return [seen for seen in sure if not _is_askew(seen, moment, tracks)]


def _doubted(seen: Observation, doubt: float) -> Observation:
    """Return an observation that is less sure by a factor, also of how it is tilted."""
    if doubt == 1:
        return seen
    tilt = min(max(seen.tilt, -_MOST_TILT), _MOST_TILT)
    return replace(seen, confidence=seen.confidence / doubt, tilt=tilt, is_doubted=True)


def _is_askew(observation: Observation, moment: Moment, tracks: Sequence[Track]) -> bool:
    """Return whether a thing was lately seen as surely another way up.

    It says little then: not how large it is, and not for sure that it is still there. So does
    what lies on its side in the look that showed it.
    """
    lies = abs(observation.tilt) >= _MOST_TILT
    return any(
        track.last_second >= moment.time - _LATELY * track.kind.plan.second_every
        and (lies or is_another((observation.turns, observation.tilt), track.way))
        and track.lately >= observation.confidence
        and containment(track.box, observation.box) > _SAME
        for track in tracks
    )


def is_elsewhere(expected: Box, seen: Box) -> bool:
    """Return whether a thing was seen away from where it was expected."""
    (ax, ay), (bx, by) = expected.center, seen.center
    is_off = max(abs(ax - bx), abs(ay - by)) > _OFF
    return is_off and iou(expected, seen) < _AGREES


def expect(track: Track, moment: Moment) -> None:
    """Write into a moment where a track is taken to be, before anybody has looked."""
    if track.is_denied:
        moment.denied[track.track_id] = track.box
        return
    moment.cover(track.track_id, track.mask(moment.time, moment.luma.shape))
    moment.places[track.track_id] = track.box
    moment.unseen[track.track_id] = moment.time - track.last_seen
    if track.blind:
        moment.astray.add(track.track_id)


def is_near(expected: Box, seen: Box) -> bool:
    """Return whether a thing was seen so near to where it was expected that it is not there too."""
    return iou(expected, seen) > _NEAR


def least_confidence(kind: TrackingKind, observation: Observation) -> float:
    """Return how sure a detector must be for a track to begin with what it saw."""
    enough = kind.plan.primary_threshold
    if observation.is_second:
        enough = kind.plan.second_threshold
    elif observation.is_proposal:
        enough = kind.plan.proposer_threshold
    return enough


def longest_unseen(track: Track, moment: Moment) -> float:
    """Return how long a track that coasts may go unseen to be covered in a moment, in seconds."""
    plan = track.kind.plan
    limit = track.coasts_for(plan.coast)
    if track.track_id not in moment.astray:
        # Flow still follows it: it is there at least until somebody looks again.
        return max(limit, plan.whole_every)
    if at_edge(track.seen, moment.luma.shape):
        limit *= track.kind.belief.at_edge
    return limit
