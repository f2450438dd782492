"""Frames in, verdicts out: each once, in order, and no face bare that somebody has seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from conftest import FACE
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamguard.detection.looks import Role
from streamguard.errors import DetectionError
from streamguard.frames import Frame, Uncovered, Verdict, VideoInfo
from streamguard.geometry import Box, Detection, containment
from streamguard.judges.anonymizer import FrameAnonymizer
from streamguard.plans import Quality
from streamguard.redaction import MaskRedactor
from streamguard.redaction.covers import cover_of
from streamguard.redaction.masks import region_of
from streamguard.settings import Effect, RedactionSettings, Settings
from streamguard.sources import FileSource
from streamguard.tracking.timeline import Moment

Rgb = NDArray[np.uint8]
WIDTH, HEIGHT, RATE = 320, 180, 25
FACE_SIZE = (36, 44)
MIDDLE = Box(140, 60, 176, 104)
ROUNDER = 1.2
"""Size of an ellipse in those of the box that it lies in: its corners stick out."""


def texture(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(128, 160, (height, width)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2.0).clip(30, 200).astype(np.uint8)


GROUNDS = [texture(seed, WIDTH, HEIGHT) // 2 + 110 * (seed - 1) for seed in (1, 2)]
SKIN = texture(3, *FACE_SIZE)


def frame(n: int, face: Box | None = None, scene: int = 0, turns: int = 0) -> Frame:
    """A textured picture, with one textured red patch for a face, also over the edges."""
    canvas = np.repeat(GROUNDS[scene][..., None], 3, axis=2)
    if face is not None:
        x1, y1, x2, y2 = face.pixels(WIDTH, HEIGHT)
        left, top = round(x1 - face.x1), round(y1 - face.y1)
        patch = SKIN[top : top + y2 - y1, left : left + x2 - x1]
        canvas[y1:y2, x1:x2, 0] = np.minimum(patch + 50, 255)
        canvas[y1:y2, x1:x2, 1] = canvas[y1:y2, x1:x2, 2] = patch // 2
    return Frame(av.VideoFrame.from_ndarray(canvas, format="rgb24"), n, n * 1000 / RATE, turns)


def info(width: int = WIDTH, height: int = HEIGHT, still: bool = False) -> VideoInfo:
    return VideoInfo(
        width=width, height=height, pix_fmt="rgb24", time_base=Fraction(1, RATE), still=still
    )


class SeesRed:
    """Sees what is red, from time to time, as clearly as it is told."""

    name = "red"

    def __init__(self, sees: Callable[[int, bool], float] = lambda _n, _close: 0.9) -> None:
        self._sees = sees
        self.looked_at: list[int] = []
        self.closed = 0

    def detect(self, image: Rgb, time_ms: int) -> Sequence[Detection]:
        number = round(time_ms * RATE / 1000)
        self.looked_at.append(number)
        close = image.shape[0] == image.shape[1]
        confidence = self._sees(number, close)
        rows, columns = np.nonzero(image[..., 0].astype(int) - image[..., 2] > 40)
        if not confidence or rows.size < 20:
            return []
        box = Box(columns.min(), rows.min(), columns.max() + 1.0, rows.max() + 1.0)
        return [Detection(box, confidence)]

    def close(self) -> None:
        self.closed += 1


def blind(_n: int, _close: bool) -> float:
    return 0.0


def run(
    frames: Sequence[Frame],
    second: Callable[[int, bool], float] = lambda _n, _close: 0.9,
    primary: Callable[[int, bool], float] = blind,
    settings: Settings = Settings(),  # noqa: B008 - frozen
) -> list[Verdict]:
    anonymizer = FrameAnonymizer(
        info(), settings, {"face": {Role.SECOND: SeesRed(second), Role.PRIMARY: SeesRed(primary)}}
    )
    verdicts = [verdict for one in frames for verdict in anonymizer.push(one)]
    verdicts += anonymizer.finish()
    assert [verdict.frame for verdict in verdicts] == list(frames)
    return verdicts


def boxes_of(verdict: Verdict) -> list[Box]:
    return [cover.box for cover in verdict.covers]


def share(face: Box, verdict: Verdict) -> float:
    """How much of what shows of a face is covered, but for the corners of its box."""
    width, height = verdict.frame.width, verdict.frame.height
    hidden = np.zeros((height, width), bool)
    for cover in verdict.covers:
        region = region_of(cover.outline, width, height, RedactionSettings(), (1, 1))
        if region is not None:
            x1, y1, x2, y2 = region.rect
            hidden[y1:y2, x1:x2] |= cover_of(region) == 255
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    (x, y), rounder = face.center, face.resize(ROUNDER)
    ellipse = ((columns - x) / rounder.width) ** 2 + ((rows - y) / rounder.height) ** 2 <= 0.25
    x1, y1, x2, y2 = face.pixels(width, height)
    return float(hidden[y1:y2, x1:x2][ellipse[y1:y2, x1:x2]].mean())


def shows(face: Box) -> float:
    """How much of a face is in the picture."""
    return face.clip(WIDTH, HEIGHT).area / face.area


def test_a_face_is_covered_from_the_frame_it_came_in() -> None:
    # It comes in over the left edge at frame 12 and nobody sees it before frame 32.
    faces = [MIDDLE.shift(3 * (n - 12) - MIDDLE.x2, 0) for n in range(60)]
    late = run([frame(n, faces[n]) for n in range(60)], second=lambda n, _close: 0.9 * (n >= 32))
    bare = {n: share(faces[n], late[n]) for n in range(60) if shows(faces[n]) >= 0.5}
    assert len(bare) > 30
    assert min(bare.values()) > 0.95, bare


def test_a_face_is_not_covered_in_the_scene_before_its_own() -> None:
    frames = [frame(n, MIDDLE if n >= 20 else None, int(n >= 20)) for n in range(50)]
    verdicts = run(frames, second=lambda n, _close: 0.9 * (n >= 32))
    assert not any(boxes_of(verdict) for verdict in verdicts[:20])
    assert all(share(MIDDLE, verdict) == 1 for verdict in verdicts[20:])


def test_a_gap_between_two_sightings_is_covered() -> None:
    count, gap = 125, range(60, 90)
    faces = [MIDDLE.shift(n - 60, 0) for n in range(count)]
    frames = [frame(n, faces[n]) for n in range(count)]
    verdicts = run(frames, lambda n, _close: 0.0 if n in gap else 0.9)
    shares = [share(face, verdict) for face, verdict in zip(faces, verdicts, strict=True)]
    assert min(shares) > 0.95, shares


def test_what_is_gone_is_not_covered_for_ever() -> None:
    frames = [frame(n, MIDDLE if n < 25 else None) for n in range(100)]
    covered = [bool(boxes_of(verdict)) for verdict in run(frames)]
    assert all(covered[:25])
    longest = Settings().plan.coast
    assert not any(covered[25 + math.ceil(longest * RATE) :])


def test_weak_sightings_are_decided_by_a_close_look() -> None:
    frames = [frame(n, MIDDLE) for n in range(60)]
    face = run(frames, lambda _n, close: 0.4 if close else 0.25)
    assert all(share(MIDDLE, verdict) == 1 for verdict in face)
    # Seen once and, from near, not at all: a chance likeness.
    chance = run(frames, lambda n, close: 0.25 if n == 0 and not close else 0.0)
    assert not any(boxes_of(verdict) for verdict in chance)


def test_the_last_frame_is_looked_at() -> None:
    # The face comes up in the last frame only, between two looks.
    count = 9 + next(n for n in range(99) if n > Settings().plan.second_every * RATE) // 2
    frames = [frame(n, MIDDLE if n == count - 1 else None) for n in range(count)]
    assert share(MIDDLE, run(frames)[-1]) == 1


def test_one_frame_is_a_video() -> None:
    (verdict,) = run([frame(0, MIDDLE)])
    assert share(MIDDLE, verdict) == 1


def test_nothing_is_a_video() -> None:
    assert run([]) == []


def test_without_look_ahead_nothing_is_held() -> None:
    detector = SeesRed()
    anonymizer = FrameAnonymizer(
        info(), Settings(lookahead=0.0), {"face": {Role.PRIMARY: detector}}
    )
    for n in range(12):
        (verdict,) = anonymizer.push(frame(n, MIDDLE))
        assert verdict.frame.index == n
        assert share(MIDDLE, verdict) == 1
    assert detector.looked_at == list(range(12))
    assert anonymizer.finish() == []
    assert [facts.hits for facts in anonymizer.untold()] == [12]
    assert anonymizer.untold() == ()


def test_the_look_ahead_is_held_and_no_longer() -> None:
    anonymizer = FrameAnonymizer(
        info(), Settings(lookahead=0.4), {"face": {Role.SECOND: SeesRed()}}
    )
    out = [len(anonymizer.push(frame(n))) for n in range(40)]
    held = 10
    assert out[:held] == [0] * held
    assert sum(out) + len(anonymizer.finish()) == 40
    # Times are rounded, so that one more may be in hand.
    assert all(n + 1 - sum(out[: n + 1]) <= held + 1 for n in range(40))
    assert anonymizer.notes == ()


def test_memory_shortens_the_look_ahead_and_that_is_said() -> None:
    frames = [frame(n, MIDDLE) for n in range(40)]
    limit = 5 * frames[0].nbytes
    settings = Settings(memory_limit=limit)
    anonymizer = FrameAnonymizer(info(), settings, {"face": {Role.SECOND: SeesRed()}})
    verdicts: list[Verdict] = []
    for n, one in enumerate(frames):
        verdicts += anonymizer.push(one)
        held = sum(f.nbytes for f in frames[len(verdicts) : n + 1])
        assert held <= limit
    assert "look-ahead shortened" in anonymizer.notes[0]
    verdicts += anonymizer.finish()
    assert [verdict.frame for verdict in verdicts] == frames
    assert all(share(MIDDLE, verdict) == 1 for verdict in verdicts)


def test_one_frame_larger_than_the_limit() -> None:
    anonymizer = FrameAnonymizer(
        info(), Settings(memory_limit=1), {"face": {Role.SECOND: SeesRed()}}
    )
    out = [len(anonymizer.push(frame(n))) for n in range(4)]
    assert out == [0, 1, 1, 1]
    assert len(anonymizer.finish()) == 1


@pytest.mark.parametrize("failing", [Role.PRIMARY, Role.SECOND])
@pytest.mark.parametrize("at", [0, 12])
def test_after_an_error_nothing_is_given_out_any_more(failing: Role, at: int) -> None:
    def fails_once(n: int, _close: bool) -> float:
        if n >= at and not tired:
            tired.append(n)
            raise ValueError("tired")
        return 0.9

    tired: list[int] = []
    detectors = {role: SeesRed() for role in Role}
    detectors[failing] = SeesRed(fails_once)
    anonymizer = FrameAnonymizer(info(), Settings(lookahead=0.2), {"face": detectors})
    n = 0
    while not tired:
        try:
            anonymizer.push(frame(n, MIDDLE))
        except DetectionError as error:
            assert "tired" in str(error)  # noqa: PT017
        n += 1
    pushed = n - 1
    assert pushed >= at
    # The detector would work again; but the frames in hand were not looked at as they should.
    for n in range(pushed + 1, pushed + 3):
        with pytest.raises(DetectionError, match="earlier frame"):
            anonymizer.push(frame(n, MIDDLE))
    with pytest.raises(DetectionError, match="earlier frame"):
        anonymizer.finish()
    anonymizer.close()


def test_closing_twice() -> None:
    detector = SeesRed()
    anonymizer = FrameAnonymizer(info(), Settings(), {"face": {Role.SECOND: detector}})
    assert anonymizer.detectors == ("red",)
    anonymizer.close()
    anonymizer.close()
    assert detector.closed == 2


@pytest.mark.parametrize("turns", range(4))
def test_covers_reach_up_to_the_hair_whichever_way_is_up(turns: int) -> None:
    still = FrameAnonymizer(info(still=True), Settings(), {"face": {Role.SECOND: SeesRed()}})
    (verdict,) = still.push(frame(0, MIDDLE, turns=turns))
    (box,) = boxes_of(verdict)
    upright, face = (b.rotate(turns, WIDTH, HEIGHT) for b in (box, MIDDLE))
    above, below = face.y1 - upright.y1, upright.y2 - face.y2
    assert above > below + 0.05 * face.height
    # The round end of the cover goes on below.
    assert below > -0.06 * face.height - 1.5
    assert share(MIDDLE, verdict) > 0.97


@pytest.mark.parametrize("level", Quality)
def test_a_photo_is_judged_at_once(level: Quality) -> None:
    still = FrameAnonymizer(
        info(still=True), Settings(quality=level), {"face": {Role.SECOND: SeesRed()}}
    )
    (verdict,) = still.push(frame(0, MIDDLE))
    assert share(MIDDLE, verdict) == 1
    assert still.finish() == []


class SeesWhoLies(SeesRed):
    """Sees only when the picture, which is wider than high, is shown on its side."""

    def detect(self, image: Rgb, time_ms: int) -> Sequence[Detection]:
        return super().detect(image, time_ms) if image.shape[0] > image.shape[1] else []


def test_who_lies_is_covered() -> None:
    still = FrameAnonymizer(info(still=True), Settings(), {"face": {Role.SECOND: SeesWhoLies()}})
    (verdict,) = still.push(frame(0, MIDDLE))
    assert share(MIDDLE, verdict) == 1
    settings = Settings(quality=Quality.THOROUGH)
    lying = FrameAnonymizer(info(), settings, {"face": {Role.SECOND: SeesWhoLies()}})
    verdicts = [v for n in range(60) for v in lying.push(frame(n, MIDDLE))] + lying.finish()
    assert all(share(MIDDLE, verdict) == 1 for verdict in verdicts)


def enlarged(one: Frame, factor: int) -> Frame:
    picture = cv2.resize(one.picture.to_ndarray(), None, fx=factor, fy=factor)
    made = av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), format="rgb24")
    return Frame(made, one.index, one.time_ms)


def test_a_new_size_begins_anew() -> None:
    factors = [1] * 15 + [2] * 15 + [1] * 15
    frames = [enlarged(frame(n, MIDDLE), factor) for n, factor in enumerate(factors)]
    verdicts = run(frames)
    for verdict, factor in zip(verdicts, factors, strict=True):
        assert share(MIDDLE.scale(factor, factor), verdict) == 1
    numbers = [set(verdict.track_ids) for verdict in verdicts]
    # The report tells faces apart by these numbers.
    assert not numbers[0] & numbers[20]
    assert not numbers[0] & numbers[40]


class Dice:
    """Sees anything anywhere, the same for the same seed."""

    name = "dice"

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def detect(self, image: Rgb, time_ms: int) -> Sequence[Detection]:
        height, width = image.shape[:2]
        found = []
        for _ in range(int(self._rng.integers(0, 4))):
            x, y, w, h = self._rng.uniform(-0.3, 1.2, 4)
            w, h = max(0.0, w) * width, max(0.0, h) * height
            corner = Box(x * width, y * height, x * width + w, y * height + h)
            found.append(Detection(corner, float(self._rng.uniform(0, 1))))
        return found

    def close(self) -> None:
        pass


def plain(n: int, seconds: float, width: int, height: int, turns: int) -> Frame:
    pixels = np.random.default_rng(n).integers(0, 256, (height, width, 3), np.uint8)
    picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    return Frame(picture, n, seconds * 1000, turns)


sizes = st.sampled_from([(1, 1), (16, 8), (64, 48), (48, 64), (333, 5)])


@hypothesis_settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(
        st.tuples(
            st.one_of(st.sampled_from([0.0, 0.04, 1e-6]), st.floats(0, 1000)),
            sizes,
            st.integers(0, 3),
        ),
        max_size=25,
    ),
    keep_size=st.booleans(),
    level=st.sampled_from(list(Quality)),
    lookahead=st.one_of(st.none(), st.floats(0, 2)),
    memory=st.sampled_from([1, 10_000, 10**9]),
    seed=st.integers(0, 99),
)
def test_every_frame_comes_out_once_in_order_with_a_verdict(
    steps: list[tuple[float, tuple[int, int], int]],
    keep_size: bool,
    level: Quality,
    lookahead: float | None,
    memory: int,
    seed: int,
) -> None:
    settings = Settings(quality=level, lookahead=lookahead, memory_limit=memory)
    detectors = {"face": {Role.PRIMARY: Dice(seed), Role.SECOND: Dice(seed + 1)}}
    anonymizer = FrameAnonymizer(info(64, 48), settings, detectors)
    pushed, verdicts, time = [], [], 0.0
    for n, (step, size, turns) in enumerate(steps):
        time += step
        pushed.append(plain(n, time, *((64, 48) if keep_size else size), turns))
        verdicts += anonymizer.push(pushed[-1])
    verdicts += anonymizer.finish()
    assert all(a.frame is b for a, b in zip(verdicts, pushed, strict=True))
    for verdict in verdicts:
        assert all(cover.track_id > 0 for cover in verdict.covers)
        assert all(box.is_finite for box in boxes_of(verdict))
    assert anonymizer.finish() == []


class Says:
    """Sees clearly what it is told, in shares of the picture."""

    name = "says"

    def __init__(self, boxes: Iterator[Box]) -> None:
        self._boxes = boxes
        self.said: list[Box] = []

    def detect(self, image: Rgb, time_ms: int) -> Sequence[Detection]:
        height, width = image.shape[:2]
        self.said.append(next(self._boxes))
        return [Detection(self.said[-1].scale(width, height), 0.9)]

    def close(self) -> None:
        pass


unit = st.floats(0, 0.9)


@hypothesis_settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(unit, unit, unit, unit), min_size=1, max_size=12))
def test_masks_are_never_smaller_than_what_was_seen(
    corners: list[tuple[float, float, float, float]],
) -> None:
    seen = [Box(x, y, x + w + 0.01, y + h + 0.01) for x, y, w, h in corners]
    detector = Says(iter(seen))
    # Every frame is looked at, and by the primary only: its thresholds are the hardest.
    anonymizer = FrameAnonymizer(
        info(160, 90), Settings(lookahead=0.0), {"face": {Role.PRIMARY: detector}}
    )
    for n, box in enumerate(seen):
        (verdict,) = anonymizer.push(plain(n, n / RATE, 160, 90, 0))
        raw = box.scale(160, 90)
        assert any(
            out.x1 <= raw.x1 + 1e-6
            and out.y1 <= raw.y1 + 1e-6
            and out.x2 >= raw.x2 - 1e-6
            # The round end of the cover goes on below.
            and out.y2 + 0.06 * out.height >= raw.y2 - 1e-6
            for out in boxes_of(verdict)
        )
    assert detector.said == seen


class Crowd:
    """Sees four hundred faces, every time somewhere else."""

    name = "crowd"

    def detect(self, image: Rgb, time_ms: int) -> Sequence[Detection]:
        height, width = image.shape[:2]
        x, y = width / 20, height / 20
        shift = (time_ms // 40) % 5 / 5
        return [
            Detection(Box((i + shift) * x, j * y, (i + shift + 0.8) * x, (j + 0.8) * y), 0.5)
            for i in range(20)
            for j in range(20)
        ]

    def close(self) -> None:
        pass


def test_hundreds_of_faces() -> None:
    anonymizer = FrameAnonymizer(info(), Settings(lookahead=0.2), {"face": {Role.SECOND: Crowd()}})
    verdicts = [v for n in range(20) for v in anonymizer.push(frame(n))] + anonymizer.finish()
    assert len(verdicts) == 20
    assert all(len(verdict.track_ids) >= 380 for verdict in verdicts)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 8), (2, 200)])
@pytest.mark.parametrize("still", [False, True])
def test_the_real_detectors_take_tiny_pictures(width: int, height: int, still: bool) -> None:
    anonymizer = FrameAnonymizer(info(width, height, still), Settings(quality=Quality.THOROUGH))
    count = 1 if still else 8
    verdicts = []
    with closing(anonymizer):
        for n in range(count):
            verdicts += anonymizer.push(plain(n, n / 5, width, height, n % 4))
        verdicts += anonymizer.finish()
    assert len(verdicts) == count


@pytest.mark.parametrize("level", Quality)
@pytest.mark.parametrize("lookahead", [None, 0.0])
def test_a_real_face_is_covered_as_long_as_half_of_it_shows(
    face_clip: Path, level: Quality, lookahead: float | None
) -> None:
    source = FileSource(face_clip)
    settings = Settings(quality=level, lookahead=lookahead)
    redactor = MaskRedactor(RedactionSettings(effect=Effect.SOLID, color=(0, 255, 0)))
    frames = [item for item in source.read() if isinstance(item, Frame)]
    source.close()
    with closing(FrameAnonymizer(source.info, settings)) as anonymizer:
        verdicts = [verdict for one in frames for verdict in anonymizer.push(one)]
        verdicts += anonymizer.finish()
    assert [verdict.frame for verdict in verdicts] == frames
    assert len(frames) == 50
    for n, verdict in enumerate(verdicts):
        pixels = redactor.redact(verdict).picture.to_ndarray(format="rgb24").astype(int)
        green = (pixels[..., 1] > 200) & (pixels[..., 0] < 60) & (pixels[..., 2] < 60)
        face = Box(*FACE).scale(0.5, 0.5).shift(2 * n, 0)
        x1, y1, x2, y2 = face.pixels(320, 240)
        assert (x2 - x1) * (y2 - y1) >= 0.5 * face.area  # all through the clip
        assert green[y1:y2, x1:x2].mean() >= 0.95, n
        # Nor is everything else covered.
        assert green.mean() < 0.3, n


def test_a_likeness_that_is_not_believed_is_a_candidate_and_not_covered() -> None:
    frames = [frame(n, MIDDLE) for n in range(60)]
    verdicts = run(frames, lambda n, close: 0.25 if n == 0 and not close else 0.0)
    found = [candidate for verdict in verdicts for candidate in verdict.candidates]
    assert {candidate.reason for candidate in found} == {Uncovered.SHORT}
    assert {candidate.confidence for candidate in found} == {0.25}
    first = verdicts[0].candidates[0]
    assert containment(first.box, MIDDLE) > 0.9
    assert first.track_id > 0
    assert all(float(side).is_integer() for side in (first.box.x1, first.box.y2))
    # It was never covered: no track ended.
    assert not any(verdict.ended for verdict in verdicts)


def test_what_only_the_first_detector_proposes_is_a_denied_candidate() -> None:
    frames = [frame(n, MIDDLE) for n in range(60)]
    verdicts = run(frames, second=blind, primary=lambda n, _close: 0.5 * (n < 3))
    reasons = {c.reason for verdict in verdicts for c in verdict.candidates}
    assert reasons == {Uncovered.DENIED}
    assert not any(verdict.covers for verdict in verdicts)


def test_a_detection_too_weak_for_a_track_is_a_candidate() -> None:
    frames = [frame(n, MIDDLE) for n in range(40)]
    verdicts = run(frames, lambda _n, _close: 0.15)
    found = [candidate for verdict in verdicts for candidate in verdict.candidates]
    assert len(found) >= 3
    assert {(c.reason, c.confidence, c.track_id) for c in found} == {(Uncovered.WEAK, 0.15, 0)}


def test_what_is_covered_anyway_is_no_candidate() -> None:
    frames = [frame(n, MIDDLE) for n in range(60)]
    verdicts = run(frames, primary=lambda _n, _close: 0.3)
    assert all(share(MIDDLE, verdict) == 1 for verdict in verdicts)
    assert not any(verdict.candidates for verdict in verdicts)


def test_the_facts_of_a_track_come_once_and_after_its_last_cover() -> None:
    frames = [frame(n, MIDDLE if n < 25 or n >= 150 else None) for n in range(200)]
    verdicts = run(frames, primary=lambda _n, _close: 0.6)
    ended = {facts.track_id: n for n, v in enumerate(verdicts) for facts in v.ended}
    assert sum(len(verdict.ended) for verdict in verdicts) == len(ended) == 2
    for track_id, at in ended.items():
        covered = [n for n, verdict in enumerate(verdicts) if track_id in verdict.track_ids]
        assert max(covered) <= at
    assert max(ended.values()) == 199
    assert min(ended.values()) < 150
    first = next(facts for verdict in verdicts for facts in verdict.ended)
    assert (first.confidence, first.sources) == (0.9, ("red", "red"))
    # It was looked for in vain after it had gone.
    assert first.hits > 3 < first.misses
    assert first.blind < 0.2
    assert abs(first.luma - _luma(frames[0], MIDDLE)) < 10


def test_a_photo_has_facts_and_another_size_ends_all_tracks() -> None:
    with closing(
        FrameAnonymizer(info(still=True), Settings(), {"face": {Role.SECOND: SeesRed()}})
    ) as still:
        (photo,) = still.push(frame(0, MIDDLE))
        assert [facts.track_id for facts in photo.ended] == [photo.covers[0].track_id]
    small = frame(10, MIDDLE).picture.reformat(WIDTH // 2, HEIGHT // 2)
    frames = [*(frame(n, MIDDLE) for n in range(10)), Frame(small, 10, 400.0)]
    verdicts = run(frames)
    assert [len(verdict.ended) for verdict in verdicts] == [0] * 9 + [1, 1]
    # Without a look-ahead, the verdict after the change tells of those before.
    verdicts = run(frames, settings=Settings(lookahead=0.0))
    assert [len(verdict.ended) for verdict in verdicts] == [0] * 10 + [1]


def _luma(shown: Frame, box: Box) -> float:
    gray = shown.picture.reformat(format="gray").to_ndarray()
    x1, y1, x2, y2 = box.pixels(WIDTH, HEIGHT)
    return float(gray[y1:y2, x1:x2].mean())


def test_a_face_that_nobody_has_seen_for_long_is_told_as_lost() -> None:
    frames = [frame(n, MIDDLE) for n in range(120)]
    verdicts = run(frames, lambda n, _close: 0.9 * (n < 40 or n > 66))
    (facts,) = (facts for verdict in verdicts for facts in verdict.ended)
    covered = {n for n, verdict in enumerate(verdicts) if facts.track_id in verdict.track_ids}
    lost = {n for first, last in facts.lost for n in range(first, last + 1)}
    assert lost <= covered
    assert 64 in lost
    assert not lost & {*range(40), *range(90, 120)}


def test_a_face_that_is_seen_all_the_time_is_never_lost() -> None:
    frames = [frame(n, MIDDLE) for n in range(60)]
    (facts,) = (facts for verdict in run(frames) for facts in verdict.ended)
    assert facts.lost == ()


def test_what_is_known_of_tracks_that_are_over_is_forgotten() -> None:
    detectors = {"face": {Role.SECOND: SeesRed()}}
    anonymizer = FrameAnonymizer(info(), Settings(lookahead=0.2), detectors)
    ended, known = 0, []
    for n in range(600):
        shows_face = n % 100 < 10
        verdicts = anonymizer.push(frame(n, MIDDLE if shows_face else None))
        ended += sum(len(verdict.ended) for verdict in verdicts)
        maker = anonymizer._verdicts
        known.append(len(anonymizer._tracker.known) + len(maker._covered) + len(maker._lost))
    anonymizer.close()
    assert ended >= 5
    assert 0 < max(known) <= 6


def test_stretches_in_which_a_track_was_lost_are_not_without_number() -> None:
    anonymizer = FrameAnonymizer(info(), Settings(), {"face": {Role.SECOND: SeesRed()}})
    maker = anonymizer._verdicts
    maker._tracker.is_lost = lambda *_: True  # type: ignore[method-assign]
    moment = Moment(np.zeros((4, 4), np.uint8), 0.0)
    for n in range(0, 4000, 2):
        maker._note(n, {1}, moment)
    anonymizer.close()
    assert len(maker._lost[1]) <= 500
    assert maker._lost[1][-1][1] == 3998


def test_in_a_live_stream_nobody_is_told_more_than_the_covers() -> None:
    frames = [frame(n, MIDDLE if n < 30 or n > 110 else None) for n in range(130)]

    def decided(live: bool) -> list[Verdict]:
        detectors = {"face": {Role.SECOND: SeesRed(lambda n, _close: 0.9 if n < 30 else 0.15)}}
        anonymizer = FrameAnonymizer(replace(info(), live=live), Settings(), detectors)
        with closing(anonymizer):
            verdicts = [verdict for one in frames for verdict in anonymizer.push(one)]
            return verdicts + anonymizer.finish()

    told, live = decided(False), decided(True)
    assert [verdict.covers for verdict in live] == [verdict.covers for verdict in told]
    assert any(verdict.covers for verdict in told)
    assert any(verdict.candidates for verdict in told)
    assert any(verdict.ended for verdict in told)
    assert not any(verdict.candidates or verdict.ended for verdict in live)
