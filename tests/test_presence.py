"""A place that looks like something else: tracks end there, and are not followed back beyond."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamguard.detection.subjects.face import FACE as FACES
from streamguard.geometry import Box
from streamguard.plans import DetectionPlan
from streamguard.tracking.flow import Moved
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.presence import Glimpse, Likeness
from streamguard.tracking.timeline import Moment, Sighting, Timeline
from streamguard.tracking.tracker import Tracker
from streamguard.tracking.tracks import Track

Gray = NDArray[np.uint8]
WIDTH, HEIGHT, RATE = 240, 136, 25
WHOLE = Box(0, 0, WIDTH, HEIGHT)
FACE = Box(100, 40, 130, 76)
PLAN = DetectionPlan(
    primary_every=0.2, second_every=0.4, second_side=640, lookahead=1.0, coast=1.2, bridge=2.2
)
COAST = round(PLAN.coast * RATE)


def texture(seed: int, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> Gray:
    noise = np.random.default_rng(seed).normal(128, 200, shape).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2.0).clip(30, 225).astype(np.uint8)


GROUND = texture(1)
SIDES = [texture(seed, (36, 30)) for seed in (2, 3)]
"""What a head looks like from the front, and from behind."""


def picture(face: Box | None = FACE, turned: float = 0.0, ground: Gray = GROUND) -> Gray:
    """A head before a wall, turned away by a share, or the wall alone."""
    luma = ground.copy()
    if face is not None:
        x, y = round(face.x1), round(face.y1)
        front, behind = SIDES
        head = cv2.addWeighted(front, 1 - turned, behind, turned, 0.0)
        luma[y : y + 36, x : x + 30] = head
    return luma


class Run:
    """A tracker whose every moment is held."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.tracker = Tracker([FACES.kind(PLAN)], self.timeline)

    def frame(self, luma: Gray, seen: list[Box] | None = None) -> None:
        """One more picture; a list is what a look at the whole of it found."""
        self.tracker.advance(Moment(luma, len(self.timeline.moments) / RATE))
        if seen is not None:
            found = [Observation(box, 0.9, is_second=True) for box in seen]
            self.tracker.observe(found, [SearchedRegion(WHOLE, 5.0)])

    def covered(self, track_id: int = 1) -> list[int]:
        return [
            n
            for n, moment in enumerate(self.timeline.moments)
            if track_id in moment.covers and self.tracker.covers(track_id, moment)
        ]


def seen_for(frames: int) -> Run:
    run = Run()
    for _ in range(frames):
        run.frame(picture(), [FACE])
    return run


def test_a_cover_ends_when_looks_find_nothing_and_the_place_shows_something_else() -> None:
    run = seen_for(10)
    for n in range(40):
        run.frame(picture(None), [] if n % 5 == 4 else None)
    # From the first of two looks on, though that was known only later.
    assert run.covered() == list(range(14))


@pytest.mark.parametrize(
    ("after", "looks", "name"),
    [
        (lambda _n: picture(), 5, "it is still there"),
        (lambda n: picture(turned=min(1.0, n / 12)), 5, "it turns away"),
        (lambda _n: picture(None), 35, "one look may be wrong"),
        (lambda _n: picture(None) // 8, 5, "too dark to tell"),
    ],
)
def test_every_doubt_covers(after: Callable[[int], Gray], looks: int, name: str) -> None:
    run = seen_for(10)
    for n in range(COAST + 10):
        run.frame(after(n), [] if n % looks == looks - 1 else None)
    assert len(run.covered()) >= 10 + COAST - 1, name


def test_what_comes_back_was_there_all_the_time() -> None:
    run = seen_for(10)
    for n in range(20):
        run.frame(picture(None), [] if n % 5 == 4 else None)
    assert len(run.covered()) < 20
    run.frame(picture(), [FACE])
    assert run.covered() == list(range(31))


@pytest.mark.parametrize(("away", "waits"), [(24, True), (90, False)])
def test_what_may_be_behind_somebody_waits(away: int, waits: bool) -> None:
    run, other = seen_for(10), FACE.shift(away, 0)
    for n in range(COAST + 10):
        run.frame(picture(other), [other] if n % 5 == 4 else None)
    assert (len(run.covered()) >= 10 + COAST - 1) is waits


def test_who_passes_later_does_not_bring_it_back() -> None:
    run, passes = seen_for(10), FACE.shift(24, 0)
    for n in range(25):
        is_there = n > 12
        seen = [passes] if is_there else []
        run.frame(picture(passes if is_there else None), seen if n % 3 == 2 else None)
    assert run.covered() == list(range(12))


def test_a_plain_wall_is_something_else() -> None:
    plain = np.full((HEIGHT, WIDTH), 180, np.uint8)
    run = seen_for(10)
    for n in range(40):
        run.frame(plain, [] if n % 5 == 4 else None)
    assert run.covered() == list(range(14))


def test_after_a_gap_nobody_knows_what_it_looks_like() -> None:
    for gap, fits in ((0.1, False), (1.0, True)):
        known = Likeness(Glimpse(0.0, picture(), FACE))
        assert known.fits(Glimpse(gap, picture(None), FACE)) is fits


@pytest.mark.parametrize(
    ("before", "first"),
    [
        (lambda n: picture(FACE if n >= 15 else None), 13),
        # A head that turns round, and one nobody sees well, have been there before.
        (lambda n: picture(turned=min(1.0, (24 - n) / 12)), 0),
        (lambda n: picture(FACE if n >= 15 else None) // (1 if n >= 15 else 8), 0),
    ],
)
def test_it_is_followed_back_to_where_the_place_looks_like_something_else(
    before: Callable[[int], Gray], first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Timeline()
    for n in range(25):
        held.append(Moment(before(n), n / RATE))
    monkeypatch.setattr("streamguard.tracking.timeline.propagate", _stays)
    held.trace_back([Sighting(1, FACE, 24 / RATE)])
    covered = [n for n, moment in enumerate(held.moments) if 1 in moment.covers]
    assert covered == list(range(first, 24))


@pytest.mark.parametrize(("pace", "last"), [(5, 20), (0, 14 + COAST)])
def test_what_left_over_the_edge_is_not_covered_there(
    pace: int, last: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flow stays behind at the edge, where no look can deny what is cut; it may have stopped."""
    run = Run()
    for n in range(15):
        at = FACE.shift(-FACE.x1 + pace * (14 - n), 0)
        run.frame(picture(at), [at])
    monkeypatch.setattr("streamguard.tracking.carrying.propagate", _stays)
    run.tracker.tracks[0].box = FACE.shift(-FACE.x1 - 2, 0)
    for _ in range(COAST + 10):
        run.frame(picture(None))
    assert run.covered()[-1] == pytest.approx(last, abs=1)


@given(st.floats(0, 40), st.integers(0, 60), st.floats(0, 2), st.floats(10, 90), st.floats(10, 90))
def test_what_coasts_grows_no_further_than_it_may_have_gone(
    pace: float, blind: int, unseen: float, width: float, height: float
) -> None:
    face = Box(100, 40, 100 + width, 40 + height)
    track = Track(track_id=1, kind=FACES.kind(PLAN), first=face, born=0.0)
    track.blind, track.pace = blind, (pace, 0.0)
    mask = track.mask(unseen, (400, 400))
    other = Track(track_id=2, kind=FACES.kind(PLAN), first=face, born=0.0)
    still = other.mask(unseen, (400, 400))
    gone = 2 * pace * blind
    assert mask.width <= 1.25 * still.width + gone + 1e-6
    assert mask.height <= 1.25 * still.height + gone + 1e-6
    # Never wider than a head is from any side, and what waits behind something does not grow.
    head = FACES.anatomy.tall * max(height, FACES.anatomy.least_aspect * width)
    assert still.height <= 1.1 * head + 1e-6
    assert still.width <= max(width, FACES.anatomy.side_aspect * head) + 1e-6
    track.waits = True
    assert track.mask(unseen, (400, 400)).area <= still.area + 1e-6


def _stays(_start: Gray, _end: Gray, boxes: list[Box]) -> list[Moved]:
    """Flow that follows what lies behind."""
    return [Moved(box, trusted=True) for box in boxes]
