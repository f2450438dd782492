"""What a sighting tells a track, and which sightings tell it nothing."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.geometry import containment
from streamguard.tracking.observations import Observation
from streamguard.tracking.presence import Presence
from streamguard.tracking.timeline import Moment
from streamguard.tracking.tracks import Track

_SAME = 0.5
"""Share of a box in another from which both show one thing."""


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


def is_upright(observation: Observation, moment: Moment, tracks: Sequence[Track]) -> bool:
    """Return whether a thing seen sideways was lately seen as surely another way up."""
    return any(
        track.last_second >= moment.time - track.kind.plan.second_every
        and track.turns != observation.turns
        and track.best_second >= observation.confidence
        and containment(track.box, observation.box) > _SAME
        for track in tracks
    )
