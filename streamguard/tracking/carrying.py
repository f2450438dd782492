"""All tracks carried from one moment to the next."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.tracking.flow import Moved, camera_motion, propagate, quarters_of
from streamguard.tracking.passing import released
from streamguard.tracking.timeline import Moment
from streamguard.tracking.tracks import Track


def carry_all(tracks: Sequence[Track], previous: Moment, moment: Moment) -> None:
    """Carry tracks to the next moment, and note there how the camera moved.

    What was denied is not covered: the camera's motion will do for it, since flow costs more.

    Args:
        tracks: The tracks, where they were before.
        previous: The moment before.
        moment: The next one, of the same scene.
    """
    followed = [track for track in tracks if not track.is_denied]
    quarters = quarters_of(moment.luma.shape)
    boxes = [*quarters, *(track.box for track in followed)]
    moved = propagate(previous.luma, moment.luma, boxes)
    moment.camera = camera_motion(quarters, moved)
    for track, step in released(followed, moved[len(quarters) :], moment.camera):
        track.carry(step, moment.camera)
    for track in tracks:
        if track.is_denied:
            place = track.box.shift(*(moment.camera or track.camera))
            track.carry(Moved(place, trusted=True), moment.camera)
