"""Under overload, looks really get fewer, and nobody who is followed is forgotten for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from live_kit import plan_of

from streamguard.detection.looks import Role
from streamguard.frames import RedactedFrame
from streamguard.geometry import Box, Detection
from streamguard.handoff.mailbox import Mailbox
from streamguard.judges.looking import LookingJudges
from streamguard.plans import PLANS, Quality
from streamguard.protocols import Image
from streamguard.redaction import blank_slate
from streamguard.relay.capture import Captured
from streamguard.relay.overload import Governor
from streamguard.relay.states import Freshness
from streamguard.relay.status import CameraStatus
from streamguard.relay.view import View
from streamguard.relay.worker import Worker
from streamguard.settings import Settings
from streamguard.sources.arrays import frame_of

SIDE, RATE, PERIOD = 96, 25, 4.0
FACE = Box(30, 30, 60, 60)


class Recorder:
    """Notes when it looks; sees a face during some of the time."""

    name = "recorder"

    def __init__(self, sees: tuple[float, float] = (0.0, 0.0)) -> None:
        self.times: list[float] = []
        self._sees = sees

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        self.times.append(time_ms / 1000)
        begin, end = self._sees
        whole = image.shape[:2] == (SIDE, SIDE)
        return [Detection(FACE, 0.9)] if whole and begin <= time_ms / 1000 < end else []

    def close(self) -> None:
        pass


def run(quality: Quality, second: Recorder, seconds: float) -> list[RedactedFrame]:
    """Let a worker see a still picture while every third frame is said to be dropped."""
    settings = Settings(quality=quality, lookahead=0.4)
    status, out = CameraStatus(), list[RedactedFrame]()
    detectors = {"face": {Role.PRIMARY: Recorder(), Role.SECOND: second}}
    worker = Worker(
        plan_of("lavfi:color", settings=settings, budget=float("inf")),
        status,
        lambda frame, _captured: out.append(frame),
        LookingJudges(settings, lambda _settings: detectors),
    )
    texture = np.random.default_rng(1).integers(60, 200, (SIDE, SIDE, 3)).astype(np.uint8)

    def frames() -> Iterator[Captured]:
        for number in range(round(seconds * RATE)):
            status.captured += 1
            status.dropped["newer frame"] = status.captured // 3
            yield Captured(frame_of(texture, number, number / RATE), 1)

    worker.run(frames())
    assert status.errors == 0
    return out


@pytest.mark.parametrize(
    ("quality", "beats"),
    [(Quality.FAST, [0.4, 0.8]), (Quality.BALANCED, [0.4, 0.4, 0.8]), (Quality.THOROUGH, [0.16])],
)
def test_the_steps_of_the_governor_reach_the_detectors(
    quality: Quality, beats: list[float]
) -> None:
    second = Recorder()
    run(quality, second, PERIOD * (len(beats) + 1))
    for step, beat in enumerate(beats):
        begin = PERIOD * step + 0.5
        times = [time for time in second.times if begin <= time < begin + PERIOD - 0.5]
        if quality is Quality.THOROUGH:
            # Each of its looks is at the whole picture and at one tile.
            times = sorted(set(times))
        gaps = [b - a for a, b in pairwise(times)]
        assert np.median(gaps) == pytest.approx(beat, abs=1 / RATE), (step, gaps)


def test_a_step_forgets_nobody_and_lets_nothing_go_early() -> None:
    # Seen for the last time just before the step.
    out = run(Quality.BALANCED, Recorder(sees=(0.0, PERIOD - 0.1)), PERIOD + 1.5)
    covered = [bool(frame.boxes) for frame in out]
    assert all(covered[: round((PERIOD + 0.8) * RATE)])
    # What the look-ahead holds at the end was never let go.
    held = round((PERIOD + 1.5) * RATE) - len(out)
    assert held == pytest.approx(0.4 * RATE, abs=1)


def test_a_frame_decided_upon_too_late_counts_as_a_slate() -> None:
    mailbox = Mailbox.create(64, 48)
    try:
        view = View(mailbox, Freshness(patience=60.0, interval=0.1))
        for late, words in ((True, "overload"), (False, "")):
            slate = blank_slate(64, 48, text="overload")
            mailbox.write(slate if late else replace(slate, slate=""), time.monotonic_ns())
            due = view.next()
            assert due is not None
            assert due.slate == words
    finally:
        mailbox.close()


def test_the_floor_keeps_look_ahead_and_thresholds() -> None:
    governor = Governor(Quality.THOROUGH)
    settings = Settings(quality=Quality.THOROUGH)
    governor.changes(0.0, 0, 0)
    plans = [governor.plan(settings)]
    for period in range(1, 6):
        governor.changes(PERIOD * period, 100 * period, 50 * period)
        plans.append(governor.plan(settings))
    assert plans[0] == settings.plan
    assert plans[-1] == plans[-2]
    assert plans[-1].second_every == 2 * PLANS[Quality.FAST].second_every
    assert plans[-1].primary_every == 2 * PLANS[Quality.FAST].primary_every
    assert {plan.lookahead for plan in plans} == {settings.plan.lookahead}
    for before, after in pairwise(plans):
        assert after.second_every >= before.second_every
        assert after.primary_every >= before.primary_every
        assert after.keep_threshold == before.keep_threshold


@pytest.mark.parametrize("quality", list(Quality))
@pytest.mark.parametrize("lookahead", [0.1, 0.4, 1.0])
def test_even_at_the_floor_the_primary_looks_within_the_look_ahead(
    quality: Quality, lookahead: float
) -> None:
    """So a face large enough for it is covered from its first frame, however busy the machine."""
    settings, governor = Settings(quality=quality, lookahead=lookahead), Governor(quality)
    for step in range(20):
        governor.changes(step * PERIOD, 100 * step, 50 * step)
    assert governor.plan(settings).primary_every <= lookahead


def test_overload_is_a_warning_and_its_end_is_none(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    status = CameraStatus()
    plan = plan_of("lavfi:color")
    worker = Worker(plan, status, lambda *_: None, LookingJudges(plan.settings))
    black = np.zeros((8, 8, 3), np.uint8)
    for period in range(20):
        status.captured = 100 * period
        status.dropped["newer frame"] = min(50, status.captured)
        worker._adapt(frame_of(black, period, period * PERIOD))
    levels = [(line.levelname, line.getMessage().partition(":")[0]) for line in caplog.records]
    assert levels == [("WARNING", "overload"), ("INFO", "no overload any more")]
