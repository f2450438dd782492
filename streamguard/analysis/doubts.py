"""What of a decision a person should look at, how urgently, and why. Pure: values in, values out.

A score is a share of 1: how likely somebody who looks would change something. Scores of several
reasons add up like chances: two of 0.5 make 0.75.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

from streamguard.analysis.records import Doubt, StoredCandidate, StoredTrack
from streamguard.frames import Uncovered

WEAK, ONE, FAST = "weak", "one detector", "fast"
DARK, DAMAGED, SMALL, NO_FACE = "dark", "damaged", "small", "not a face"
LIFELESS = "probably not a person"

SURE = 0.45
"""Confidence from which on a face is no weak one."""
FAST_STEP = 0.35
"""Share of its height that a cover moves in one frame when it moves fast."""
LEAST_STEP = 4.0
"""Pixels, at least: covers of small faces jump by rounding alone."""
_DARK_BELOW = 40.0
"""Mean brightness, 0 to 255."""
_SMALL_BELOW = 24.0
"""Mean height of covers in pixels."""
_BLIND_ABOVE = 0.3
"""Share of frames in which motion could not be followed."""
_LEAST = 0.2
"""Scores below this are not worth anybody's time."""
_REPEATED = 4
"""Observations after which a weak face was seen often enough."""
_BARE = {
    Uncovered.WEAK: (0.6, WEAK),
    Uncovered.DENIED: (0.4, NO_FACE),
    Uncovered.SHORT: (0.5, WEAK),
    Uncovered.SMALL: (0.5, SMALL),
    Uncovered.SECOND_LOOK: (0.7, ONE),
}
"""Score of a bare thing that was seen well, and its reason. Where somebody said that faces do not
matter, none is doubtful."""

_Reason = tuple[float, str]


@dataclass(frozen=True, slots=True)
class CoverSummary:
    """What the covers of a track say about it.

    Attributes:
        height: Mean height in pixels.
        fast: First and last frame of each stretch in which it moved fast.
        damaged: First and last frame of each stretch of damage that it borders on.
        never_moves: Whether what is covered did not move at all while the camera stood still.
    """

    height: float
    fast: tuple[tuple[int, int], ...] = ()
    damaged: tuple[tuple[int, int], ...] = ()
    never_moves: bool = False


def doubts_of_track(track: StoredTrack, course: CoverSummary) -> list[Doubt]:
    """Return the doubts about one track: one about all of it, and one for each stretch.

    Args:
        track: What is known of it; with no observation, only its covers count.
        course: What its covers say.
    """
    reasons = [*_of_seeing(track), *_of_picture(track, course)]
    doubts = [_doubt(track.first, track.last, reasons, track.track_id)]
    for reason, spans, score in ((FAST, course.fast, 0.25), (DAMAGED, course.damaged, 0.4)):
        doubts += [_doubt(first, last, [(score, reason)], track.track_id) for first, last in spans]
    return [doubt for doubt in doubts if doubt.score >= _LEAST]


def doubt_of_candidate(stored: StoredCandidate) -> Doubt | None:
    """Return the doubt about something that is bare: whether it is a face after all; or None."""
    seen = stored.candidate
    if seen.reason not in _BARE:
        return None
    weight, why = _BARE[seen.reason]
    if seen.reason is Uncovered.WEAK:
        # A chance likeness is rarely seen twice at one place.
        weight *= min(1.0, len(stored.boxes) / _REPEATED)
    reasons = [(weight * min(1.0, seen.confidence / SURE), why)]
    if seen.box.height < _SMALL_BELOW:
        # Hardly anybody can be told by it.
        reasons = [(0.7 * reasons[0][0], why), (0.0, SMALL)]
    doubt = _doubt(stored.first, stored.last, reasons, seen.track_id, stored.number)
    return doubt if doubt.score >= _LEAST else None


def _of_seeing(track: StoredTrack) -> Iterable[_Reason]:
    if not track.hits:
        return
    is_weak = track.confidence < SURE
    if is_weak:
        yield 0.15 + 0.45 * (SURE - track.confidence) / SURE, WEAK
    if len(set(track.sources)) == 1:
        yield 0.1 if track.hits > 2 else 0.2, ONE
    # A face that went is looked for in vain, too; so only those that were never sure count.
    if is_weak and track.misses >= track.hits:
        yield 0.5 * track.misses / (track.hits + track.misses), NO_FACE


def _of_picture(track: StoredTrack, course: CoverSummary) -> Iterable[_Reason]:
    if course.never_moves:
        # A statue, a poster or an emblem: what lives moves a little within seconds.
        yield 0.5, LIFELESS
    # Motion cannot be followed where it is too fast, or where it is too dark to see any.
    lost = 0.3 * track.blind if track.blind > _BLIND_ABOVE else 0.0
    if track.hits and track.luma < _DARK_BELOW:
        yield 0.1 + 0.2 * (1 - track.luma / _DARK_BELOW) + lost, DARK
    elif lost:
        yield lost, FAST
    if course.height < _SMALL_BELOW:
        yield 0.1, SMALL


def _doubt(
    first: int, last: int, reasons: Iterable[_Reason], track_id: int, candidate: int = 0
) -> Doubt:
    ordered = sorted(reasons, reverse=True)
    score = 1 - prod(1 - each for each, _ in ordered)
    words = tuple(dict.fromkeys(word for _, word in ordered))
    return Doubt(first, last, round(score, 2), words, track_id, candidate)
