"""One proposes, the other judges: who is asked about, and what an answer does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_anonymizer import MIDDLE, SeesRed, blind, frame, info
from test_tracker import FACE, PLAN, RATE, SCENES, WHOLE, texture

from streamguard.detection.confirming import Questions
from streamguard.detection.looks import CloseLookRequest, Role
from streamguard.detection.subjects.face import FACE as FACES
from streamguard.frames import Uncovered, Verdict
from streamguard.geometry import Box
from streamguard.judges.anonymizer import FrameAnonymizer
from streamguard.plans import PLANS, DetectionPlan, Quality
from streamguard.settings import Settings
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracker import Tracker

BALANCED = PLANS[Quality.BALANCED]
PLACE = Box(0, 0, 9, 9)


def proposed(number: int, since: float = 0.0, doubt: float = 0.5) -> CloseLookRequest:
    return CloseLookRequest(number, PLACE, 0, is_open=True, since=since, doubt=doubt)


def test_the_oldest_and_most_doubtful_proposals_are_asked_about_first() -> None:
    questions = Questions(BALANCED)
    crowd = [proposed(n, since=n % 2, doubt=n / 100) for n in range(100)]
    asked = [r.track_id for n in range(13) for r in questions.choose(n / RATE, crowd)]
    first = asked[:100]
    assert sorted(first) == list(range(100))
    assert first[:50] == sorted((n for n in range(100) if n % 2 == 0), reverse=True)


def test_a_crowd_is_asked_about_within_the_look_ahead() -> None:
    # About as many as a crowd of 1080p gives in the first look.
    questions, left = Questions(BALANCED), {n: proposed(n) for n in range(190)}
    frames = 0
    while left:
        chosen = questions.choose(frames / RATE, list(left.values()))
        assert 0 < len(chosen) <= BALANCED.crops
        for request in chosen:
            del left[request.track_id]
        frames += 1
    assert frames / RATE < BALANCED.lookahead


@pytest.mark.parametrize("quality", Quality)
def test_what_has_no_answer_yet_is_asked_about_several_times_within_the_look_ahead(
    quality: Quality,
) -> None:
    # What the picture's edge cuts needs three answers.
    plan, rate = PLANS[quality], 25
    questions = Questions(plan)
    times = [n / rate for n in range(rate) if questions.choose(n / rate, [proposed(1)])]
    assert times[0] == 0
    assert times[2] < plan.lookahead - plan.whole_every / 4


@given(
    plan=st.sampled_from(list(PLANS.values())),
    kinds=st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), max_size=20),
    rate=st.floats(5, 60),
)
def test_no_more_are_asked_about_than_the_plan_says(
    plan: DetectionPlan, kinds: list[tuple[bool, bool, int]], rate: float
) -> None:
    requests = [
        CloseLookRequest(n, PLACE, tries, is_open=is_open, is_denied=denied and not is_open)
        for n, (is_open, denied, tries) in enumerate(kinds)
    ]
    first, second = Questions(plan), Questions(plan)
    for number in range(40):
        chosen = first.choose(number / rate, requests)
        assert len(chosen) <= plan.crops + 1
        assert sum(not request.is_open for request in chosen) <= 1
        assert len({request.track_id for request in chosen}) == len(chosen)
        assert chosen == second.choose(number / rate, requests)


def test_a_denial_is_put_to_the_question_ever_more_rarely() -> None:
    questions, tries, at = Questions(BALANCED), 1, []
    for n in range(60 * RATE):
        denied = CloseLookRequest(1, PLACE, tries, is_denied=True)
        if questions.choose(n / RATE, [denied]):
            at.append(n / RATE)
            tries += 1
    gaps = [b - a for a, b in pairwise(at)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 8 * gaps[0]
    assert len(at) < 10
    # Unless it looks another way now.
    changed = CloseLookRequest(1, PLACE, tries, is_denied=True, changed=True)
    assert questions.choose(60.0, [changed])


class Run:
    """A tracker that is told of proposals and of close looks, with every moment held."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.tracker = Tracker([FACES.kind(PLAN)], self.timeline)

    def frame(
        self,
        proposal: float | None = None,
        close: float | None = None,
        *,
        face: Box = FACE,
        luma: NDArray[np.uint8] = SCENES[0],
    ) -> None:
        self.tracker.advance(Moment(luma, len(self.timeline.moments) / RATE))
        if proposal:
            self.tracker.observe([Observation(face, proposal, is_second=False, is_proposal=True)])
        if close is not None:
            seen = [Observation(face, close, is_second=True, is_close=True)] if close else []
            self.tracker.observe(seen, [SearchedRegion(face.pad(1), 5.0, is_close=True)])

    @property
    def covered(self) -> list[int]:
        return [
            n
            for n, moment in enumerate(self.timeline.moments)
            if any(self.tracker.covers(track_id, moment) for track_id in moment.covers)
        ]


@pytest.mark.parametrize(
    ("answers", "covered"),
    [
        # Nobody has answered yet: covered from where it was proposed, and not before.
        ([], [5]),
        # Confirmed: also in the frames before. A denial afterwards takes nothing back.
        ([0.25], [*range(7)]),
        ([0.5, 0.0, 0.0], [*range(9)]),
        # Denied, though the look that denied it saw a trace of something.
        ([0.0], []),
        ([0.15], []),
        # Denied first, and confirmed under the next look.
        ([0.0, 0.25], [*range(8)]),
        ([0.0, 0.0, 0.15], []),
    ],
)
def test_what_an_answer_does(answers: list[float], covered: list[int]) -> None:
    run = Run()
    for _ in range(5):
        run.frame()
    run.frame(proposal=0.6)
    for answer in answers:
        run.frame(close=answer)
    run.tracker.trace()
    assert run.covered == covered


def test_what_has_no_answer_is_covered() -> None:
    for settings in (Settings(), Settings(lookahead=0.0)):
        # The second opinion never gets to look: its looks come back from elsewhere.
        verdicts = judged(settings, proposes=lambda _n, _close: 0.6, judge=None)
        assert all(verdict.covers for verdict in verdicts)


def test_only_a_look_that_is_able_to_see_it_denies() -> None:
    for region, denies in (
        (SearchedRegion(FACE.pad(1), 5.0, is_close=True), True),
        (SearchedRegion(FACE.pad(1), FACE.height + 1, is_close=True), False),
        (SearchedRegion(Box(0, 0, FACE.center[0], 136), 5.0, is_close=True), False),
        # A whole look misses some of the smallest things that it can see.
        (SearchedRegion(WHOLE, FACE.width - 1), False),
        (SearchedRegion(WHOLE, FACE.width / 3), True),
        (SearchedRegion(WHOLE, FACE.width / 3, turns=1), False),
    ):
        run = Run()
        run.frame(proposal=0.6)
        run.tracker.observe([], [region])
        assert bool(run.covered) is not denies, region


def test_what_the_proposer_saw_beyond_doubt_needs_no_answer() -> None:
    run = Run()
    for _ in range(5):
        run.frame()
    run.frame(proposal=0.85)
    run.frame(close=0.0)
    run.tracker.trace()
    assert run.covered == [*range(7)]


@pytest.mark.parametrize(("proposal", "second", "agreed"), [(0.6, 0.4, True), (0.4, 0.4, False)])
def test_what_two_detectors_saw_well_needs_no_answer(
    proposal: float, second: float, agreed: bool
) -> None:
    run = Run()
    run.frame(proposal=proposal)
    run.tracker.observe([Observation(FACE, second, is_second=True)])
    run.frame(close=0.0)
    assert bool(run.covered) is agreed


def test_what_the_edge_cuts_is_not_denied_at_once() -> None:
    run, cut = Run(), FACE.shift(-FACE.x1, 0)
    run.frame(proposal=0.6, face=cut)
    covered = []
    for _ in range(3):
        run.frame(close=0.0, face=cut)
        covered.append(bool(run.covered))
    assert covered == [True, True, False]


def test_what_was_denied_absorbs_the_proposals_of_its_place() -> None:
    run = Run()
    run.frame(proposal=0.6)
    run.frame(close=0.0)
    for _ in range(40):
        run.frame(proposal=0.6)
    (track,) = run.tracker.tracks
    assert track.is_denied
    assert not track.is_changed
    assert not run.covered
    (wanting,) = run.tracker.wanting_close_look()
    assert wanting is track


def test_what_was_denied_is_asked_about_again_when_it_changes() -> None:
    for change in ("picture", "place"):
        run = Run()
        run.frame(proposal=0.6)
        run.frame(close=0.0)
        luma = SCENES[0].copy()
        face = FACE
        if change == "picture":
            x1, y1, x2, y2 = FACE.pad(0.3).pixels(240, 136)
            luma[y1:y2, x1:x2] = cv2.resize(texture(9), (x2 - x1, y2 - y1))
        else:
            face = FACE.shift(FACE.width / 2, FACE.height / 3)
        run.frame(proposal=0.6, face=face, luma=luma)
        (track,) = run.tracker.tracks
        assert track.is_changed, change


def test_what_one_detector_alone_saw_faintly_needs_an_answer_too() -> None:
    run = Run()
    for _ in range(5):
        run.frame()
    run.tracker.observe([Observation(FACE, 0.25, is_second=True)])
    assert run.covered == [4]
    run.frame(close=0.0)
    assert not run.covered


def judged(
    settings: Settings,
    proposes: Callable[[int, bool], float],
    judge: Callable[[int, bool], float] | None,
    count: int = 60,
) -> list[Verdict]:
    """Verdicts on a still red patch; a judge that is None is never asked."""
    crew = {Role.PROPOSER: SeesRed(proposes), Role.PRIMARY: SeesRed(blind)}
    if judge is not None:
        crew[Role.SECOND] = SeesRed(judge)
    anonymizer = FrameAnonymizer(info(), settings, {"face": crew})
    verdicts = [verdict for n in range(count) for verdict in anonymizer.push(frame(n, MIDDLE))]
    return verdicts + anonymizer.finish()


def test_what_was_denied_is_a_candidate() -> None:
    verdicts = judged(Settings(), proposes=lambda _n, _close: 0.6, judge=blind)
    assert not any(verdict.covers for verdict in verdicts)
    found = [verdict.candidates for verdict in verdicts]
    assert all(found[2:])
    reasons = {candidate.reason for candidates in found for candidate in candidates}
    assert reasons == {Uncovered.DENIED}
    assert len({candidate.track_id for candidates in found for candidate in candidates}) == 1


def test_what_a_close_look_confirms_is_covered_in_every_frame() -> None:
    # Only a close look shows it: for the whole one it is too small.
    verdicts = judged(Settings(), proposes=lambda n, _close: 0.5 * (n >= 5), judge=closely)
    assert all(verdict.covers for verdict in verdicts)


def closely(_n: int, close: bool) -> float:
    return 0.3 * close


def test_what_the_second_opinion_sees_in_a_whole_photo_needs_no_close_look() -> None:
    for sees, is_face in ((0.25, True), (0.15, False)):

        def whole(_n: int, close: bool, sure: float = sees) -> float:
            return sure * (not close)

        crew = {Role.SECOND: SeesRed(whole)}
        anonymizer = FrameAnonymizer(info(still=True), Settings(), {"face": crew})
        (verdict,) = anonymizer.push(frame(0, MIDDLE))
        assert bool(verdict.covers) is is_face


def test_a_photo_has_all_its_answers_at_once() -> None:
    for sees, is_face in ((closely, True), (blind, False)):
        crew = {
            Role.PROPOSER: SeesRed(lambda _n, _close: 0.5),
            Role.SECOND: SeesRed(sees),
        }
        anonymizer = FrameAnonymizer(info(still=True), Settings(), {"face": crew})
        (verdict,) = anonymizer.push(frame(0, MIDDLE))
        assert bool(verdict.covers) is is_face
        assert bool(verdict.candidates) is not is_face


def test_a_look_in_which_a_face_lies_does_not_change_its_cover() -> None:
    run = Run()
    run.frame()
    run.tracker.observe([Observation(FACE, 0.9, is_second=True)])
    before = run.tracker.tracks[0].box
    wide = FACE.resize(1.4)
    lying = Observation(wide, 0.85, is_second=True, turns=1, tilt=-87.0)
    run.tracker.observe([lying])
    assert run.tracker.tracks[0].box == before
    assert len(run.tracker.tracks) == 1
