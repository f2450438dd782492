"""What the anonymizer tells of its decision besides the covers: candidates, and facts of tracks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from streamguard.detection.looks import Role
from streamguard.frames import Candidate, Cover, TrackFacts, Uncovered
from streamguard.geometry import Box
from streamguard.outlines import outward
from streamguard.tracking.association import is_covered
from streamguard.tracking.observations import Observation
from streamguard.tracking.tracks import Track

_FEW = 2
"""Observations that are too few for something which no later look repeated."""
_FULL = 255.0
_PAINTED = 0.7
"""Share of a candidate that other covers hide. From this share on it is no candidate."""


def candidates_of(
    doubted: Iterable[tuple[Track, Box]],
    weak: Iterable[tuple[str, Observation, Box]],
    covers: Iterable[Cover],
) -> tuple[Candidate, ...]:
    """Return what was seen in a frame and is not covered there.

    Args:
        doubted: Tracks that are not believed, each with where it is in coded pixels.
        weak: Detections that made no track, likewise, and what they seemed to be.
        covers: What is covered in the frame.
    """
    found = [
        Candidate(outward(box), track.confidence, _reason(track), track.track_id, track.kind.label)
        for track, box in doubted
    ]
    found += [
        Candidate(outward(box), seen.confidence, Uncovered.WEAK, label=label)
        for label, seen, box in weak
    ]
    painted = [cover.box for cover in covers]
    return tuple(each for each in found if not is_covered(each.box, painted, _PAINTED))


def facts_of(
    track: Track, names: Mapping[Role, str], lost: Sequence[tuple[int, int]]
) -> TrackFacts:
    """Return what is known of a track.

    Args:
        track: The track.
        names: What its detectors are called.
        lost: First and last frame of each stretch in which it was lost.
    """
    seen = {
        Role.PRIMARY: track.best_primary,
        Role.PROPOSER: track.best_proposal,
        Role.SECOND: track.best_second,
    }
    return TrackFacts(
        track_id=track.track_id,
        label=track.kind.label,
        confidence=track.confidence,
        sources=tuple(names[role] for role, best in seen.items() if best > 0 and role in names),
        hits=track.hits,
        misses=track.misses,
        blind=track.lost / track.carried if track.carried else 0.0,
        luma=track.light / track.hits if track.hits else _FULL / 2,
        lost=tuple(lost),
        never_moves=track.never_moves,
    )


def _reason(track: Track) -> Uncovered:
    # What only the first detector saw was a proposal; the second opinion did not agree.
    if not track.best_second or track.hits > _FEW:
        return Uncovered.DENIED
    return Uncovered.SHORT
