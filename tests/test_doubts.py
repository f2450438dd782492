"""What a person should look at: scores and reasons, by table, and over covers that move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from analysis_kit import moving, verdict

from streamguard.analysis.doubts import CoverSummary, doubt_of_candidate, doubts_of_track
from streamguard.analysis.records import Doubt, StoredCandidate, StoredTrack
from streamguard.analysis.track_tally import TrackTally
from streamguard.analysis.writer import record_of
from streamguard.frames import Candidate, Cover, TrackFacts, Uncovered, Verdict
from streamguard.geometry import Box

SURE = StoredTrack(
    track_id=3,
    label="face",
    first=10,
    last=90,
    best=50,
    confidence=0.9,
    sources=("mediapipe", "centerface"),
    hits=20,
    misses=1,
    blind=0.05,
    luma=120.0,
)
LARGE = CoverSummary(height=80.0)
BOX = (0, 0, 60, 60)


def test_a_face_that_is_sure_is_not_doubted() -> None:
    assert doubts_of_track(SURE, LARGE) == []
    # One that went is looked for in vain, and that means nothing.
    assert doubts_of_track(replace(SURE, misses=30), LARGE) == []


@pytest.mark.parametrize(
    ("track", "course", "reasons", "low", "high"),
    [
        (replace(SURE, confidence=0.22), LARGE, ("weak",), 0.3, 0.5),
        (replace(SURE, sources=("centerface",), hits=1), LARGE, ("one detector",), 0.2, 0.2),
        (replace(SURE, luma=10.0), LARGE, ("dark",), 0.2, 0.3),
        (replace(SURE, blind=0.9), LARGE, ("fast",), 0.2, 0.3),
        (replace(SURE, blind=0.9, luma=20.0), LARGE, ("dark",), 0.4, 0.5),
        (
            replace(SURE, confidence=0.22, sources=("centerface",), hits=1, misses=3),
            LARGE,
            ("weak", "not a face", "one detector"),
            0.6,
            0.8,
        ),
        (
            replace(SURE, sources=("centerface",), hits=2, luma=30.0),
            CoverSummary(12.0),
            ("one detector", "dark", "small"),
            0.3,
            0.5,
        ),
    ],
)
def test_reasons_and_scores(
    track: StoredTrack, course: CoverSummary, reasons: Sequence[str], low: float, high: float
) -> None:
    (doubt,) = doubts_of_track(track, course)
    assert (doubt.first, doubt.last, doubt.track_id, doubt.candidate) == (10, 90, 3, 0)
    assert sorted(doubt.reasons) == sorted(reasons)
    assert low <= doubt.score <= high


def test_what_was_never_told_of_a_track_is_no_reason() -> None:
    unknown = replace(SURE, confidence=0.0, sources=(), hits=0, luma=0.0)
    assert doubts_of_track(unknown, LARGE) == []


def test_stretches_have_doubts_of_their_own() -> None:
    course = CoverSummary(80.0, fast=((20, 24), (60, 60)), damaged=((40, 41),))
    assert doubts_of_track(SURE, course) == [
        Doubt(20, 24, 0.25, ("fast",), 3),
        Doubt(60, 60, 0.25, ("fast",), 3),
        Doubt(40, 41, 0.4, ("damaged",), 3),
    ]


@pytest.mark.parametrize(
    ("reason", "confidence", "seen", "side", "reasons", "low", "high"),
    [
        (Uncovered.WEAK, 0.19, 4, 60, ("weak",), 0.2, 0.3),
        (Uncovered.SHORT, 0.4, 2, 60, ("weak",), 0.4, 0.5),
        (Uncovered.DENIED, 0.7, 9, 60, ("not a face",), 0.4, 0.4),
        (Uncovered.SMALL, 0.7, 9, 10, ("small",), 0.3, 0.4),
        (Uncovered.DENIED, 0.7, 9, 10, ("not a face", "small"), 0.2, 0.3),
    ],
)
def test_candidates_that_may_be_faces(  # noqa: PLR0917
    reason: Uncovered,
    confidence: float,
    seen: int,
    side: int,
    reasons: Sequence[str],
    low: float,
    high: float,
) -> None:
    candidate = Candidate(Box(0, 0, side, side), confidence, reason)
    boxes = {4 * n: (0, 0, side, side) for n in range(seen)}
    doubt = doubt_of_candidate(StoredCandidate(7, 0, 4 * seen, candidate, boxes))
    assert doubt is not None
    assert (doubt.candidate, doubt.track_id, doubt.reasons) == (7, 0, tuple(reasons))
    assert low <= doubt.score <= high


@pytest.mark.parametrize("reason", Uncovered)
def test_whatever_is_bare_is_doubtful_but_where_faces_do_not_matter(reason: Uncovered) -> None:
    candidate = Candidate(Box(0, 0, 60, 60), 1.0, reason)
    doubt = doubt_of_candidate(StoredCandidate(1, 0, 9, candidate, dict.fromkeys(range(9), BOX)))
    assert (doubt is None) == (reason is Uncovered.IGNORED)


def test_a_chance_likeness_is_nobodys_time() -> None:
    candidate = Candidate(Box(0, 0, 60, 60), 0.13, Uncovered.WEAK)
    assert doubt_of_candidate(StoredCandidate(1, 5, 5, candidate, {5: (0, 0, 60, 60)})) is None


def tallied(verdicts: Sequence[Verdict]) -> tuple[StoredTrack, list[Doubt]]:
    tally = TrackTally()
    for each in verdicts:
        tally.add(record_of(each))
    tally.end(TrackFacts(track_id=1, confidence=0.9, sources=("a", "b"), hits=9))
    ((track, doubts),) = tally.take()
    assert tally.take() == []
    return track, doubts


def at(x: float, size: float = 40.0) -> Cover:
    return Cover(Box(x, 0.0, x + size, size), 1)


def test_where_a_track_is_largest_and_where_it_hurries() -> None:
    steps = [*(1.0,) * 10, *(20.0,) * 4, *(1.0,) * 3, 20.0, *(1.0,) * 10]
    places = [sum(steps[:n]) for n in range(len(steps) + 1)]
    verdicts = [verdict(n, [at(x, 44.0 if n == 5 else 40.0)]) for n, x in enumerate(places)]
    track, doubts = tallied(verdicts)
    assert (track.first, track.last, track.best) == (0, 28, 5)
    assert doubts == [Doubt(11, 18, 0.25, ("fast",), 1)]


def test_repairs_and_gaps_are_no_motion() -> None:
    # Two covers in one frame, and a track that comes back elsewhere.
    verdicts = [verdict(n, [at(0), at(300)]) for n in range(5)]
    verdicts += [verdict(n) for n in range(5, 8)]
    verdicts += [verdict(n, [at(300)]) for n in range(8, 12)]
    assert tallied(verdicts)[1] == []


def test_damage_that_a_track_borders_on() -> None:
    verdicts = [verdict(n, [at(0)]) for n in range(5)]
    verdicts += [verdict(n, damage="torn") for n in range(5, 8)]
    verdicts += [verdict(n, [at(0)]) for n in range(8, 12)]
    expected = [Doubt(5, 7, 0.4, ("damaged",), 1)]
    assert tallied(verdicts)[1] == expected  # on both sides
    assert tallied(verdicts[:8])[1] == expected
    later = [verdict(n, damage="torn") for n in range(3)]
    later += [verdict(n, [moving(1, n)]) for n in range(3, 6)]
    track, doubts = tallied(later)
    assert (track.first, doubts[-1].first, doubts[-1].last) == (3, 0, 2)


def test_stretches_of_one_track_are_not_without_number() -> None:
    verdicts = [verdict(n, [at(30.0 * (n % 20 == 0))]) for n in range(3000)]
    doubts = tallied(verdicts)[1]
    assert len(doubts) == 100
    assert doubts[-1].last == 2981
