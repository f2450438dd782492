"""All tracks carried from one moment to the next."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.tracking.flow import camera_motion, propagate, quarters_of
from streamguard.tracking.passing import released
from streamguard.tracking.timeline import Moment
from streamguard.tracking.tracks import Track


def carry_all(tracks: Sequence[Track], previous: Moment, moment: Moment) -> None:
    """Carry tracks to the next moment, and note there how the camera moved.

    Args:
        tracks: The tracks, where they were before.
        previous: The moment before.
        moment: The next one, of the same scene.
    """
    quarters = quarters_of(moment.luma.shape)
    boxes = [*quarters, *(track.box for track in tracks)]
    moved = propagate(previous.luma, moment.luma, boxes)
    moment.camera = camera_motion(quarters, moved)
    for track, step in released(tracks, moved[len(quarters) :], moment.camera):
        track.carry(step, moment.camera)
