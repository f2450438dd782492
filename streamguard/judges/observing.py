"""From what detectors found to what the tracker is told, and what it asks in return."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.detection.finder import Finding
from streamguard.detection.layers import Layer
from streamguard.detection.looks import CloseLookRequest, Role
from streamguard.geometry import Box, Detection, containment, nms
from streamguard.media.scaling import TrackingScale
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.tracker import Tracker
from streamguard.tracking.ways import tilt_of

_NEAR_EDGE = 0.05
"""Share of its size within which something lies at the edge of a look that cuts it."""
_SAME = 0.5
"""Share of a cut thing in a whole one from which both are the same."""
_LARGEST = 128
"""Pixels of the picture that the proposer is given above which it sees faces in anything; the other
detectors see faces so large."""


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
    whole, cut = _whole_and_cut(findings, scale)
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
                is_cut=is_cut,
            )
            for found, is_cut in ((whole, False), (cut, True))
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


def _whole_and_cut(
    findings: Sequence[Finding], scale: TrackingScale
) -> tuple[list[Detection], list[Detection]]:
    """Return what was found, each thing once: what is whole, and what the edge of a look cuts.

    A close look at one face often cuts its neighbours. The box of such a half says where a face
    is, but not how large, and where its middle is.
    """
    picture = scale.to_coded(Box(0, 0, scale.width, scale.height))
    parted: tuple[list[Detection], list[Detection]] = [], []
    for finding in findings:
        look = finding.look
        for found in _sane(finding, picture):
            is_cut = look.is_close and _is_cut(found.box, look.region, picture)
            parted[is_cut].append(found)
    whole = nms(parted[False])
    shown = [found.box for found in whole]
    cut = [d for d in nms(parted[True]) if all(containment(d.box, b) <= _SAME for b in shown)]
    return whole, cut


def _is_cut(box: Box, region: Box, picture: Box) -> bool:
    """Return whether the edge of a look, where it is not the picture's own, cuts a thing."""
    dx, dy = _NEAR_EDGE * box.width, _NEAR_EDGE * box.height
    return (
        (region.x1 > picture.x1 + 1 and box.x1 < region.x1 + dx)
        or (region.y1 > picture.y1 + 1 and box.y1 < region.y1 + dy)
        or (region.x2 < picture.x2 - 1 and box.x2 > region.x2 - dx)
        or (region.y2 < picture.y2 - 1 and box.y2 > region.y2 - dy)
    )


def _sane(finding: Finding, picture: Box) -> list[Detection]:
    """Return what was found, less proposals of which the proposer knows nothing.

    That are those too large for it, and those cut by the edge of a band: it most often takes
    something else for a face there, and sees the whole face a moment before or later.
    """
    look = finding.look
    if look.role is not Role.PROPOSER:
        return list(finding.detections)
    largest = _LARGEST * look.region.width / look.width
    return [
        found
        for found in finding.detections
        if max(found.box.width, found.box.height) <= largest
        and not _is_cut(found.box, look.region, picture)
    ]


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
