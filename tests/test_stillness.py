"""Things that never move: told from people by motion alone, and only if the camera stands still."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from analysis_kit import moving, verdict
from conftest import FACE
from numpy.typing import NDArray

from streamguard.analysis.track_tally import TrackTally
from streamguard.analysis.writer import record_of
from streamguard.detection.subjects.face import FACE as FACES
from streamguard.frames import TrackFacts
from streamguard.geometry import Box
from streamguard.plans import DetectionPlan
from streamguard.tracking.observations import Observation
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracker import Tracker
from streamguard.tracking.tracks import Track

WIDTH, HEIGHT, RATE, SECONDS = 240, 136, 12, 6
PLAN = DetectionPlan(
    primary_every=0.2, second_every=0.4, second_side=640, lookahead=1.0, coast=1.2, bridge=2.2
)
PLACE = Box(100, 40, 140, 92)
Shift = tuple[float, float]
Path = Callable[[float], Shift]


def stands(_: float) -> Shift:
    return 0.0, 0.0


def sways(time: float) -> Shift:
    return 0.8 * math.sin(1.7 * time), 0.3 * math.sin(time)


def pans(time: float) -> Shift:
    return 12 * time, 0.0


def nods_at_last(time: float) -> Shift:
    return 0.0, 2.0 if time > 4 else 0.0


@pytest.fixture(scope="module")
def parts(astronaut: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A background that has things to see, and the head, both in grey."""
    rng = np.random.default_rng(5)
    noise = rng.normal(128, 300, (HEIGHT, 2 * WIDTH)).astype(np.float32)
    x1, y1, x2, y2 = FACE
    head = cv2.cvtColor(astronaut[y1:y2, x1:x2], cv2.COLOR_RGB2GRAY)
    return (
        np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.0), np.float32),
        np.asarray(cv2.resize(head, (40, 52), interpolation=cv2.INTER_AREA), np.float32),
    )


def track_of(
    parts: tuple[NDArray[np.float32], NDArray[np.float32]], camera: Path, head: Path
) -> Track:
    """Return the track of a head that moves before a camera that moves, seen each 0.4 s."""
    back, face = parts
    tracker = Tracker([FACES.kind(PLAN)], Timeline())
    rng = np.random.default_rng(7)
    for index in range(SECONDS * RATE):
        time = index / RATE
        (cx, cy), (hx, hy) = camera(time), head(time)
        size = (WIDTH, HEIGHT)
        picture = cv2.warpAffine(back, _move(cx, cy), size, borderMode=cv2.BORDER_REFLECT)
        move = _move(PLACE.x1 + cx + hx, PLACE.y1 + cy + hy)
        laid = cv2.warpAffine(face, move, size)
        mask = cv2.warpAffine(np.ones_like(face), move, size)
        luma = picture * (1 - mask) + laid * mask + rng.normal(0, 1.5, picture.shape)
        tracker.advance(Moment(np.clip(luma, 0, 255).astype(np.uint8), time))
        if index % 5 == 0:
            box = PLACE.shift(cx + hx, cy + hy)
            tracker.observe([Observation(box, 0.9, is_second=True)])
    (track,) = tracker.tracks
    return track


def _move(dx: float, dy: float) -> NDArray[np.float64]:
    return np.array([[1, 0, dx], [0, 1, dy]], np.float64)


@pytest.mark.parametrize(
    ("camera", "head", "is_lifeless"),
    [
        (stands, stands, True),
        (stands, sways, False),
        (stands, nods_at_last, False),
        # Where the camera moves nothing is known.
        (pans, stands, False),
        (sways, stands, False),
    ],
)
def test_only_what_never_moves_before_a_camera_at_rest_is_lifeless(
    parts: tuple[NDArray[np.float32], NDArray[np.float32]],
    camera: Path,
    head: Path,
    is_lifeless: bool,
) -> None:
    assert track_of(parts, camera, head).never_moves is is_lifeless


def test_a_moment_of_rest_is_not_enough(
    parts: tuple[NDArray[np.float32], NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("test_stillness.SECONDS", 2)
    track = track_of(parts, stands, stands)
    assert 0 < track.still < 2
    assert not track.never_moves


@pytest.mark.parametrize("never_moves", [False, True])
def test_what_never_moves_is_marked_as_a_doubt_and_stays_covered(never_moves: bool) -> None:
    tally = TrackTally()
    for index in range(4):
        tally.add(record_of(verdict(index, [moving(1, index)])))
    facts = TrackFacts(track_id=1, confidence=0.9, sources=("centerface", "yunet"), hits=9)
    tally.end(replace(facts, never_moves=never_moves))
    ((track, doubts),) = tally.take()
    assert (track.first, track.last) == (0, 3)
    reasons = {word for doubt in doubts for word in doubt.reasons}
    assert ("probably not a person" in reasons) is never_moves
