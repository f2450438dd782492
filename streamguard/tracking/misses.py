"""What a look that did not show a thing says of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from streamguard.geometry import intersection
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.timeline import Moment
from streamguard.tracking.tracks import Track
from streamguard.tracking.ways import is_able

_WHOLE = 0.9
"""Share of a thing that must lie in a region for a look at it to say anything."""
_SHOWN = 0.6
"""Share of it that must lie in the picture."""


def says_no(track: Track, observation: Observation, way: int) -> bool:
    """Return whether a close look at what was only proposed saw too little to call it a face.

    Args:
        track: The track.
        observation: What the look saw of it.
        way: Quarter turns beyond upright in which most are.
    """
    belief, surer = track.kind.belief, 1.0
    if observation.pixels >= belief.large:
        # A close look shows it as well as it can, so it has to convince.
        surer = max(1.0, belief.large_surer / track.kind.doubt(observation.turns, way))
    is_faint = observation.confidence < track.kind.plan.second_threshold * surer
    # What was seen before in another's close look has a look of its own still to come.
    return observation.is_close and is_faint and track.is_unconfirmed


def deny(
    unseen: Sequence[Track], searched: Sequence[SearchedRegion], moment: Moment
) -> list[Track]:
    """Tell tracks that the second opinion looked where they are and did not see them.

    Returns:
        Those tracks.
    """
    height, width = moment.luma.shape
    missed: list[Track] = []
    for track in unseen if searched else ():
        if track.scene_end < math.inf:
            continue  # another scene says nothing about what was in the last
        size = min(track.box.width, track.box.height)
        shown = track.box.clip(width, height)
        if shown.area < _SHOWN * track.box.area:
            continue
        for look in searched:
            shared = intersection(look.region, shown)
            # Upright, what lies on its side is hardly seen, and the other way round.
            sees = shared > 0 and is_able((look.turns, look.tilt), track.way)
            if sees and size >= look.smallest and shared >= _WHOLE * shown.area:
                track.miss(look, moment.luma)
                missed.append(track)
    return missed
