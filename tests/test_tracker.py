"""What the tracker believes, for how long, and what a cut does to it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamguard.detection.subjects.face import FACE as FACES
from streamguard.geometry import Box
from streamguard.plans import DetectionPlan
from streamguard.tracking.flow import Moved
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracker import Tracker

WIDTH, HEIGHT, RATE = 240, 136, 25
WHOLE = Box(0, 0, WIDTH, HEIGHT)
FACE = Box(100, 40, 130, 76)
PLAN = DetectionPlan(
    primary_every=0.2, second_every=0.4, second_side=640, lookahead=1.0, coast=1.2, bridge=2.2
)


def texture(seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(128, 200, (HEIGHT, WIDTH)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2.0).clip(0, 255).astype(np.uint8)


SCENES = (texture(1), texture(2))


class Run:
    """A tracker whose every moment is held, and so can be asked about at the end."""

    def __init__(self, plan: DetectionPlan = PLAN) -> None:
        self.timeline = Timeline()
        self.tracker = Tracker([FACES.kind(plan)], self.timeline)
        self.scene = 0

    def frame(
        self,
        second: float | None = None,
        primary: float | None = None,
        *,
        close: float | None = None,
        cut: bool = False,
        face: Box = FACE,
    ) -> None:
        """One more frame; a confidence is a look, of 0 a look that sees nothing."""
        self.scene += cut
        luma = SCENES[self.scene % 2]
        self.tracker.advance(Moment(luma, len(self.timeline.moments) / RATE, cut=cut))
        if second is not None:
            self._look(second, face, is_second=True, region=WHOLE)
        if close is not None:
            self._look(close, face, is_second=True, region=face.pad(1), is_close=True)
        if primary is not None:
            self._look(primary, face, is_second=False)

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.frame()

    def _look(
        self,
        confidence: float,
        face: Box,
        *,
        is_second: bool,
        region: Box | None = None,
        is_close: bool = False,
    ) -> None:
        seen = [Observation(face, confidence, is_second, is_close)] if confidence else []
        searched = [SearchedRegion(region, 5.0, is_close)] if region else []
        self.tracker.observe(seen, searched)

    @property
    def covered(self) -> list[int]:
        """Indices of the frames in which something is covered, as things stand."""
        self.tracker.trace()
        return [
            n
            for n, moment in enumerate(self.timeline.moments)
            if any(self.tracker.covers(track_id, moment) for track_id in moment.covers)
        ]


def test_a_face_is_covered_before_it_was_found() -> None:
    run = Run()
    run.frames(10)
    run.frame(second=0.9)
    assert run.covered == list(range(11))


def test_a_face_nobody_sees_any_more_is_covered_for_a_while() -> None:
    run = Run()
    for _ in range(10):
        run.frame(second=0.9)
    run.frames(100)
    last = run.covered[-1]
    assert run.covered == list(range(last + 1))
    assert (last - 9) / RATE == pytest.approx(PLAN.coast, abs=1.5 / RATE)
    assert not run.tracker.tracks


def test_the_better_known_the_longer() -> None:
    lengths = []
    for observations in (1, 3, 8):
        run = Run()
        for _ in range(observations):
            run.frame(second=0.9)
        run.frames(80)
        lengths.append(len(run.covered) - observations)
    assert lengths == sorted(set(lengths))


def test_a_gap_between_two_sightings_is_covered_throughout() -> None:
    run = Run()
    for _ in range(8):
        run.frame(second=0.9)
    gap = round((PLAN.coast + PLAN.bridge) / 2 * RATE)
    run.frames(gap)
    assert len(run.covered) < 8 + gap
    run.frame(second=0.5)
    assert run.covered == list(range(8 + gap + 1))
    assert len({i for m in run.timeline.moments for i in m.covers}) == 1


def test_a_mask_grows_while_nobody_sees_its_face() -> None:
    run = Run()
    for _ in range(8):
        run.frame(second=0.9)
    run.frames(25)
    areas = [m.covers[1][0].area for m in run.timeline.moments]
    assert areas[-1] > 1.2 * areas[8]
    assert areas[8:] == sorted(areas[8:])


def test_a_face_that_left_over_the_edge_is_not_covered_for_long() -> None:
    def coasting(face: Box, *, followed: bool) -> int:
        run = Run()
        for _ in range(8):
            run.frame(second=0.9, face=face)
        for _ in range(80):
            run.scene += not followed  # another picture each time, in which flow finds nothing
            run.frame()
        return len(run.covered)

    at_edge = FACE.shift(-FACE.x1, 0)
    assert coasting(at_edge, followed=False) < coasting(FACE, followed=False) - 10
    # What flow still follows has not left.
    assert coasting(at_edge, followed=True) == coasting(FACE, followed=True)


def test_a_face_flow_follows_is_covered_until_the_next_look_at_all_of_the_picture() -> None:
    plan = replace(PLAN, second_every=0.9, coast=0.2)
    run = Run(plan)
    run.frame(second=0.9)
    run.frames(40)
    assert run.covered == list(range(1 + round(plan.second_every * RATE)))


@pytest.mark.parametrize(("start", "step", "shows"), [(0, 40, True), (-20, 10, False)])
def test_a_face_that_flow_carries_out_at_once_is_covered_once_more(
    start: int, step: int, shows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What creeps out has nothing left to show; what jumps out may have been overtaken."""

    def carried(_start: object, _end: object, boxes: list[Box]) -> list[Moved]:
        return [Moved(box.shift(0, -step), trusted=True) for box in boxes]

    monkeypatch.setattr("streamguard.tracking.carrying.propagate", carried)
    run = Run()
    run.frame(second=0.9, face=FACE.shift(0, start - FACE.y1))
    run.frame()
    assert not run.tracker.tracks
    assert run.covered == ([0, 1] if shows else [0])
    for (box,) in run.timeline.moments[1].covers.values():
        assert box.y2 == FACE.height / 2


@pytest.mark.parametrize(
    ("looks", "is_face"),
    [
        # Seen clearly once, by either: denials count for nothing.
        ([{"second": 0.5}, {"second": 0.0}, {"second": 0.0}, {"second": 0.0}], True),
        ([{"primary": 0.9}, {"second": 0.0}, {"second": 0.0}], True),
        # The primary alone, and not beyond doubt: one denial is enough.
        ([{"primary": 0.6}], True),
        ([{"primary": 0.6}, {"second": 0.0}], False),
        ([{"primary": 0.6}, {"second": 0.0}, {"second": 0.3}], True),
        # A faint second opinion: close looks decide, or many denials.
        ([{"second": 0.25}], True),
        ([{"second": 0.25}, {"second": 0.0}], True),
        ([{"second": 0.25}, {"close": 0.0}], False),
        ([{"second": 0.25}, {"close": 0.15}], False),
        ([{"second": 0.25}, {"close": 0.4}, {"close": 0.0}], True),
        ([{"second": 0.25}, *[{"second": 0.0}] * 6], False),
        ([{"second": 0.25}, {"second": 0.0}] * 6, True),
        # Below the threshold nothing begins, but it keeps what has begun.
        ([{"second": 0.15}], False),
        ([{"primary": 0.3}], False),
    ],
)
def test_who_is_believed(looks: list[dict[str, float]], is_face: bool) -> None:
    run = Run()
    for look in looks:
        run.frame(second=look.get("second"), primary=look.get("primary"), close=look.get("close"))
    assert bool(run.covered) is is_face
    assert (0 in run.covered) is is_face


def test_a_look_that_could_not_have_seen_it_is_no_denial() -> None:
    for region in (
        SearchedRegion(WHOLE, FACE.width + 1),
        SearchedRegion(Box(0, 0, FACE.center[0], HEIGHT), 5.0),
    ):
        run = Run()
        run.frame(primary=0.6)
        run.frame()
        run.tracker.observe([], [region])
        assert run.covered


def sideways(confidence: float, face: Box = FACE) -> Observation:
    return Observation(face, confidence, is_second=True, turns=1)


def test_a_face_seen_on_its_side_only_must_be_seen_surely() -> None:
    for confidence, is_face in ((0.3, False), (0.4, True)):
        run = Run()
        run.frame()
        run.tracker.observe([sideways(confidence)], [SearchedRegion(WHOLE, 5.0, turns=1)])
        assert bool(run.covered) is is_face
        # Once known it is kept as any other.
        run.frame()
        run.tracker.observe([sideways(0.15)])
        assert [track.hits for track in run.tracker.tracks] == [2] * is_face


def test_a_face_is_the_way_up_that_it_is_seen_most_surely() -> None:
    askew = Box(FACE.x1 - 20, FACE.y1 + 10, FACE.x2, FACE.y2)
    for upright, turned, moves in ((0.9, 0.5, False), (0.25, 0.8, True)):
        run = Run()
        run.frame(second=upright)
        run.tracker.observe([sideways(turned, askew)])
        (track,) = run.tracker.tracks
        assert (track.box != FACE) is moves
        # The next close look goes by the surer.
        assert track.turns == moves


def test_what_an_upright_look_makes_of_who_lies_does_not_count() -> None:
    # Half as large again, and so faint that the lying face must be meant.
    wrong = FACE.pad(0.3)
    for confidence, counts in ((0.3, False), (0.95, True)):
        run = Run()
        run.frame()
        run.tracker.observe([sideways(0.9)])
        run.frame()
        run.tracker.observe([Observation(wrong, confidence, is_second=True)])
        (track,) = run.tracker.tracks
        assert (track.box != FACE) is counts
        assert track.turns == (not counts)


def test_among_people_who_lie_one_seen_upright_only_must_be_seen_surely() -> None:
    other = FACE.shift(80, 0)
    for confidence, is_face in ((0.3, False), (0.4, True)):
        run = Run()
        run.frame()
        run.tracker.observe([sideways(0.9)])
        run.tracker.observe([Observation(other, confidence, is_second=True)])
        assert len(run.tracker.tracks) == 1 + is_face
        # What is weak is told as a candidate.
        assert len(run.timeline.moments[-1].weak) == (not is_face)


@pytest.mark.parametrize(
    ("turns", "tilt", "is_denied"),
    [(0, 0, True), (0, 30, True), (0, -30, False), (1, 0, False), (3, 0, False), (1, -60, True)],
)
def test_only_a_look_that_shows_a_face_upright_enough_denies_it(
    turns: int, tilt: float, is_denied: bool
) -> None:
    run = Run()
    run.frame()
    run.tracker.observe([Observation(FACE, 0.9, is_second=True, tilt=20)])
    run.frame()
    run.tracker.observe([], [SearchedRegion(WHOLE, 5.0, turns=turns, tilt=tilt)])
    (track,) = run.tracker.tracks
    assert track.denials == is_denied


@pytest.mark.parametrize(
    ("turns", "tilt", "way"),
    # Of what is seen the usual way up the tilt counts, and of what is not seen so up to 45.
    [
        (0, -20, (0, -20)),
        (0, -70, (3, 20)),
        (0, 80, (1, -10)),
        (2, 80, (2, 45)),
        (1, -30, (1, -30)),
    ],
)
def test_a_face_is_brought_upright_by_its_nearest_quarter_turn(
    turns: int, tilt: float, way: tuple[int, float]
) -> None:
    run = Run()
    run.frame()
    run.tracker.observe([Observation(FACE, 0.9, is_second=True, turns=turns, tilt=tilt)])
    (track,) = run.tracker.tracks
    assert track.way == pytest.approx(way)
    assert run.tracker.ways() == [way[0]]


def proposal(confidence: float, turns: int) -> Observation:
    return Observation(FACE, confidence, is_second=False, turns=turns, is_proposal=True)


def test_what_was_denied_one_way_up_is_asked_about_another_way_up() -> None:
    run = Run(replace(PLAN, proposer_every=0.4))
    run.frame()
    run.tracker.observe([proposal(0.4, turns=0)])
    (track,) = run.tracker.tracks
    assert track.is_open
    run.tracker.observe([], [SearchedRegion(FACE.pad(1), 5.0, True)])
    for confidence, is_open in ((0.25, False), (0.8, True)):
        run.frame()
        assert track.is_denied
        run.tracker.observe([proposal(confidence, turns=2)])
        assert track.is_open is is_open
    run.tracker.observe([], [SearchedRegion(FACE.pad(1), 5.0, True, turns=2)])
    # Denied each way, it is not asked about again because a proposal is turned.
    run.frame()
    run.tracker.observe([proposal(0.79, turns=0)])
    assert track.is_denied


def test_the_ways_up_of_confirmed_people_are_told() -> None:
    run = Run(replace(PLAN, proposer_every=0.4))
    run.frame()
    run.tracker.observe([proposal(0.4, turns=2)])
    assert run.tracker.ways() == []
    run.tracker.observe([sideways(0.9, FACE.shift(80, 0))])
    assert run.tracker.ways() == [1]


def test_looks_from_the_side_deny_only_who_lies() -> None:
    for turns in (0, 1):
        run = Run()
        run.frame()
        run.tracker.observe([Observation(FACE, 0.9, is_second=True, turns=turns)])
        run.frame()
        for region in (0, 1):
            run.tracker.observe([], [SearchedRegion(WHOLE, 5.0, turns=region)])
            (track,) = run.tracker.tracks
            assert track.denials == (region >= turns)


@pytest.mark.parametrize(
    ("looks", "name"),
    [
        ([{"second": 0.9}], "clear"),
        ([{"primary": 0.6}], "the primary's alone"),
        ([{"second": 0.25}, *[{"second": 0.0}] * 2], "faint"),
        # As many denials as its observations just outweigh.
        ([{"second": 0.25}] * 3 + [{"second": 0.0}] * 5, "doubtful"),
        # A gap that only the observation at its end explains.
        ([{"second": 0.9}, *[{}] * 12, {"second": 0.9}], "back again"),
    ],
)
def test_a_cut_takes_nothing_back(looks: list[dict[str, float]], name: str) -> None:
    # Frames of the last scene are still held when the next one begins: what the second
    # opinion does not see there says nothing about them.
    run = Run()
    for look in looks:
        run.frame(second=look.get("second"), primary=look.get("primary"))
    before = run.covered
    assert before == list(range(len(looks))), name
    run.frame(second=0.0, primary=0.0, cut=True)
    for _ in range(30):
        run.frame(second=0.0, primary=0.0)
    assert run.covered[: len(looks)] == before


def run_across_a_cut() -> Run:
    """A face seen twenty times, then a cut after which it is not."""
    run = Run()
    for _ in range(20):
        run.frame(second=0.9)
    run.frame(second=0.0, cut=True)
    return run


def test_masks_of_the_last_scene_stay_for_one_frame() -> None:
    run = run_across_a_cut()
    run.frames(40)
    assert run.covered[-1] == 20
    assert not run.tracker.tracks


@pytest.mark.parametrize("back", [None, 3, 8])
def test_masks_stay_a_while_after_what_may_be_a_flash(back: int | None) -> None:
    # It is one if a second cut leads back; until that is known it may be.
    run = run_across_a_cut()
    for frame in range(1, 9 if back is None else 40):
        run.frame(cut=frame == back)
    assert 20 + 0.1 * RATE <= run.covered[-1] <= 20 + 0.2 * RATE


def test_a_flash_that_looks_like_a_cut_bares_nobody() -> None:
    run = run_across_a_cut()
    run.frames(8)
    run.frame(second=0.9)
    run.frames(5)
    assert run.covered == list(range(35))


def test_duplicates_become_one() -> None:
    run = Run()
    run.frame(second=0.9)
    run.frame()
    # The first has drifted away by more than pairs allow, and comes back onto the second.
    run.tracker.observe([Observation(FACE.shift(40, 0), 0.9, is_second=True)])
    run.tracker.tracks[0].box = FACE.shift(42, 0)
    run.tracker.observe([Observation(FACE.shift(40, 0), 0.9, is_second=True)])
    assert len(run.tracker.tracks) == 1


def test_ended_tracks_are_forgotten_when_no_frame_needs_them() -> None:
    timeline = Timeline()
    tracker = Tracker([FACES.kind(PLAN)], timeline)
    for n in range(400):
        tracker.advance(Moment(SCENES[0], n / 5))
        x = 20 * (n % 10)
        tracker.observe([Observation(Box(x, 40, x + 12, 54), 0.3, is_second=True)])
        while timeline.moments[0].time < n / 5 - PLAN.lookahead:
            moment, _ = timeline.pop()
            tracker.forget(moment.time)
    assert len(timeline.moments) <= 1 + PLAN.lookahead * 5
    assert len(tracker.tracks) + len(tracker._ended) < 60


boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.floats(-30, WIDTH),
    st.floats(-30, HEIGHT),
    st.floats(0, 120),
    st.floats(0, 120),
)


@hypothesis_settings(deadline=None, max_examples=60)
@given(
    frames=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.booleans(),
            st.lists(st.tuples(boxes, st.floats(0, 1), st.booleans()), max_size=4),
        ),
        min_size=1,
        max_size=15,
    )
)
def test_whatever_is_seen_clearly_is_covered_where_it_was_seen(
    frames: list[tuple[float, bool, list[tuple[Box, float, bool]]]],
) -> None:
    timeline = Timeline()
    tracker = Tracker([FACES.kind(PLAN)], timeline)
    time = 0.0
    for number, (step, cut, found) in enumerate(frames):
        time += step
        moment = Moment(SCENES[number % 2], time, cut=cut)
        tracker.advance(moment)
        for second in (True, False):
            observations = [Observation(box, c, second) for box, c, kind in found if kind is second]
            tracker.observe(observations, [SearchedRegion(WHOLE, 8.0)] if second else [])
        for box, confidence, _ in found:
            if confidence >= 0.8:
                holders = [i for i, boxes in moment.covers.items() if box in boxes]
                assert holders
                assert any(tracker.covers(i, moment) for i in holders)
        assert all(b.is_finite for boxes in moment.covers.values() for b in boxes)
