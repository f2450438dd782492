"""What looks that did not find a thing say of where it is: there all the same, hidden, or gone."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.geometry import intersection
from streamguard.tracking.timeline import Moment
from streamguard.tracking.tracks import Track

_HIDES = 0.15
"""Share of a thing's box from which another thing may hide it."""
_HIDING = 0.2
"""Share of its size by which a thing hides more than its box on every side."""
_LATELY = 0.5
"""Seconds since another thing was seen within which it is there to hide something."""


def note_missed(
    missed: Sequence[Track], tracks: Sequence[Track], moments: Sequence[Moment]
) -> None:
    """Compare the places of things that were not found with what was last seen there.

    Args:
        missed: Tracks that a look able to see them did not find in the newest moment.
        tracks: All that live.
        moments: The moments held.
    """
    for track in missed:
        views = [
            moment.glimpse(moment.places[track.track_id])
            for moment in moments
            if moment.time > track.last_seen and track.track_id in moment.places
        ]
        if track.presence and views:
            track.waits = _may_be_hidden(track, tracks, views[-1].time)
            track.presence.follow(views)
            track.presence.miss(views[-1], track.waits)


def note_left(tracks: Sequence[Track], moment: Moment) -> None:
    """Tell tracks that have left over the picture's edge, where flow stays behind.

    No look can deny what the edge cuts. But it was on its way out, should be out by now, and
    its place looks like something else.

    Args:
        tracks: Those that live.
        moment: The newest moment.
    """
    shape = moment.luma.shape
    for track in tracks:
        is_cut = track.box != track.box.clip(shape[1], shape[0])
        if is_cut and track.presence and track.last_seen < moment.time:
            track.presence.follow([moment.glimpse(track.box)])
            if not track.expected.clip(shape[1], shape[0]).area:
                track.presence.leave(moment.time)


def _may_be_hidden(track: Track, tracks: Sequence[Track], now: float) -> bool:
    """Return whether something that is there overlaps a thing that nobody sees."""
    return any(
        other is not track
        and now - other.last_seen < _LATELY
        and other.hits > 1
        and other.is_believed()
        and intersection(other.box.pad(_HIDING), track.box) > _HIDES * track.box.area
        for other in tracks
    )
