"""Things that pass one another: flow follows what is in front, also from the box behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from streamguard.geometry import intersection, iou
from streamguard.tracking.flow import Moved
from streamguard.tracking.tracks import Track

_JUMP = 0.05
"""Share of a thing's size from which a step it did not seem about to take is a jump."""
_NOISE = 1.0
"""Pixels of a step that mean nothing."""
_KNOWN = 8
"""Frames after which it is known how a thing moves."""
_OVERLAP = 0.1
"""Share of a thing's box from which another may carry flow away with it."""
_TAKEN = 0.5
"""How near to the other's way such a jump is, over how far apart the two moved before."""
_DUPLICATE = 0.6
"""IoU of two tracks that are one thing."""

Vector = tuple[float, float]
"""Pixels a frame, to the right and down."""


def released(
    tracks: Sequence[Track], steps: Sequence[Moved], camera: Vector | None
) -> list[tuple[Track, Moved]]:
    """Return all tracks with their steps, not trusted where one was carried away by another.

    What stands, or goes another way, and is passed by somebody seems at once to go with them.

    Args:
        tracks: The tracks, where they were before.
        steps: Where flow leads them, one a track.
        camera: How the picture as a whole moved, in pixels, if known.
    """
    return [
        (track, replace(step, box=track.box, trusted=False))
        if step.trusted and _is_carried_away(track, step, tracks, camera or track.camera)
        else (track, step)
        for track, step in zip(tracks, steps, strict=True)
    ]


def _is_carried_away(track: Track, step: Moved, tracks: Sequence[Track], camera: Vector) -> bool:
    if track.carried - track.lost < _KNOWN:
        return False
    (ax, ay), (bx, by) = track.box.center, step.box.center
    # What it did by itself, without the camera's motion.
    did, before = (bx - ax - camera[0], by - ay - camera[1]), track.velocity
    if math.dist(did, before) < max(_NOISE, _JUMP * max(track.box.width, track.box.height)):
        return False
    own = track.box
    near = [t for t in tracks if t.box.x1 < own.x2 and own.x1 < t.box.x2 and t is not track]
    return any(
        math.dist(did, other.velocity) < _TAKEN * math.dist(before, other.velocity)
        and intersection(own, other.box) > _OVERLAP * own.area
        for other in near
    )


def drifted_onto_another(tracks: Sequence[Track], now: float) -> list[Track]:
    """Return tracks that have drifted onto a thing another track has just been seen at."""
    seen = [track for track in tracks if track.last_seen == now]
    return [
        track
        for track in tracks
        if track.last_seen < now and any(iou(track.box, other.box) > _DUPLICATE for other in seen)
    ]
