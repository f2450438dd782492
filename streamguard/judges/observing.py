"""From what detectors found to what the tracker is told, and what it asks in return."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.detection.finder import Finding
from streamguard.detection.layers import Layer
from streamguard.detection.looks import CloseLookRequest, Role
from streamguard.geometry import nms
from streamguard.media.scaling import TrackingScale
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.tracker import Tracker
from streamguard.tracking.ways import tilt_of


def observe(
    tracker: Tracker, scale: TrackingScale, label: str, findings: Sequence[Finding]
) -> None:
    """Hand what was found to the tracker, in pixels of the tracking picture.

    Args:
        tracker: Who is told.
        scale: How the tracking picture lies over the coded one.
        label: What was looked for.
        findings: What each look found.
    """
    for turns in sorted({finding.look.turns for finding in findings}):
        for role in (Role.SECOND, Role.PROPOSER):
            alike = [f for f in findings if f.look.turns == turns and f.look.role is role]
            _take_in(tracker, scale, label, alike)
    _take_in(tracker, scale, label, [f for f in findings if f.look.role is Role.PRIMARY])


def _take_in(
    tracker: Tracker, scale: TrackingScale, label: str, findings: Sequence[Finding]
) -> None:
    """Hand on what one detector found in pictures turned alike."""
    if not findings:
        return
    role, turns = findings[0].look.role, findings[0].look.turns
    second, proposed = role is Role.SECOND, role is Role.PROPOSER
    found = nms([detection for finding in findings for detection in finding.detections])
    is_close = any(f.look.is_close for f in findings)
    tracker.observe(
        [
            Observation(
                scale.to_small(d.box),
                d.confidence,
                second,
                is_close,
                turns,
                proposed,
                max(d.box.width, d.box.height),
                tilt_of(d.roll, turns),
            )
            for d in found
        ],
        [
            SearchedRegion(
                scale.to_small(f.look.region),
                scale.length_to_small(f.look.smallest),
                f.look.is_close,
                turns,
                f.look.tilt,
            )
            for f in findings
            if second and f.look.layer is Layer.COLOR
        ],
        label,
    )


def close_look_requests(
    tracker: Tracker, scale: TrackingScale, label: str, now: float
) -> list[CloseLookRequest]:
    """Return the close looks that tracks want, in coded pixels, most urgent first.

    Args:
        tracker: Who asks.
        scale: How the tracking picture lies over the coded one.
        label: What is to be looked for.
        now: Time of the newest frame, in seconds.
    """
    return [
        CloseLookRequest(
            track.track_id,
            scale.to_coded(track.box),
            track.denials,
            track.turns,
            track.tilt,
            is_open=track.is_open,
            is_missed=track.is_missed(now),
            is_denied=track.is_denied,
            changed=track.is_changed,
            since=track.born,
            doubt=1 - track.confidence,
        )
        for track in tracker.wanting_close_look(label)
    ]
