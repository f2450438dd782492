"""Boxes find their way back to the coded frame, and nonsense does not get through."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamguard.detection.finder import Finder
from streamguard.detection.looks import Look, Role
from streamguard.detection.view import FrameView
from streamguard.errors import DetectionError
from streamguard.frames import Frame
from streamguard.geometry import Box, Detection, intersection

WIDTH, HEIGHT = 192, 128
LOOK = Look(Role.SECOND, Box(0, 0, WIDTH, HEIGHT), WIDTH, HEIGHT)


class Brightest:
    """Reports what is brighter than half, as one box."""

    name = "brightest"

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.closed = 0

    def detect(self, image: NDArray[np.uint8], time_ms: int) -> Sequence[Detection]:
        self.shapes.append(image.shape)
        rows, columns = np.nonzero(image[..., 0] > 127)
        if not rows.size:
            return []
        left, right = float(columns.min()), float(columns.max() + 1)
        return [Detection(Box(left, rows.min(), right, rows.max() + 1.0), 0.75)]

    def close(self) -> None:
        self.closed += 1


class Nearest(Brightest):
    """The same of the middle of the picture: what lies beyond the frame is mirrored in it."""

    def detect(self, image: NDArray[np.uint8], time_ms: int) -> Sequence[Detection]:
        count, _, boxes, centers = cv2.connectedComponentsWithStats(
            np.asarray(image[..., 0] > 127, np.uint8)
        )
        middle = np.array(image.shape[1::-1]) / 2
        spots = sorted(range(1, count), key=lambda n: float(np.hypot(*(centers[n] - middle))))
        x, y, w, h = (float(v) for v in boxes[spots[0]][:4])
        return [Detection(Box(x, y, x + w, y + h), 0.75)]


class Says:
    """Returns or raises what it was given."""

    name = "says"

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def detect(self, image: NDArray[np.uint8], time_ms: int) -> Sequence[Detection]:
        if isinstance(self._answer, BaseException):
            raise self._answer
        answer: Sequence[Detection] = self._answer
        return answer

    def close(self) -> None:
        pass


def frame_with(spot: tuple[int, int, int, int] | None = None, turns: int = 0) -> Frame:
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    if spot:
        x1, y1, x2, y2 = spot
        canvas[y1:y2, x1:x2] = 255
    return Frame(av.VideoFrame.from_ndarray(canvas, format="rgb24"), 0, 0.0, turns)


def find(detector: Says | Brightest, frame: Frame, look: Look = LOOK) -> tuple[Detection, ...]:
    found = Finder({Role.SECOND: detector}).find(FrameView(frame), [look], 0, frame.quarter_turns)
    return found[0].detections


@given(
    ways=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    left=st.integers(0, WIDTH - 24),
    top=st.integers(0, HEIGHT - 24),
    size=st.tuples(st.integers(12, 24), st.integers(12, 24)),
    margins=st.tuples(*[st.integers(0, 60)] * 4),
    scale=st.floats(0.4, 2.0),
)
def test_a_spot_is_found_where_it_is(
    ways: tuple[int, int],
    left: int,
    top: int,
    size: tuple[int, int],
    margins: tuple[int, int, int, int],
    scale: float,
) -> None:
    spot = (left, top, left + size[0], top + size[1])
    # Any region that holds the spot, scaled and turned in any way.
    region = Box(
        max(0, spot[0] - margins[0]),
        max(0, spot[1] - margins[1]),
        min(WIDTH, spot[2] + margins[2]),
        min(HEIGHT, spot[3] + margins[3]),
    )
    width, height = max(1, round(region.width * scale)), max(1, round(region.height * scale))
    detector = Brightest()
    # What brings the frame upright, and on which side it is then shown.
    turns, more = ways
    look = Look(Role.SECOND, region, width, height, turns=more)
    (found,) = find(detector, frame_with(spot, turns), look)
    shown = (width, height, 3) if (turns + more) % 2 else (height, width, 3)
    assert detector.shapes == [shown]
    assert (found.confidence, found.label) == (0.75, "face")
    # To within a pixel or two of the smaller of the two pictures.
    near = 1.5 / min(scale, 1) + 1
    corners = (found.box.x1, found.box.y1, found.box.x2, found.box.y2)
    assert corners == pytest.approx(spot, abs=near)
    assert intersection(found.box, Box(*spot)) > 0


@given(
    ways=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    tilt=st.floats(-60, 60),
    at=st.tuples(st.integers(20, WIDTH - 20), st.integers(20, HEIGHT - 20)),
    off=st.tuples(st.floats(-12, 12), st.floats(-12, 12)),
    scale=st.floats(0.5, 2.0),
)
def test_a_spot_in_a_tilted_picture_is_found_where_it_is(
    ways: tuple[int, int],
    tilt: float,
    at: tuple[int, int],
    off: tuple[float, float],
    scale: float,
) -> None:
    # Near the picture's edge, too, where what the corners reach is not there.
    side = 64.0
    left = min(max(at[0] + off[0] - side / 2, 0.0), WIDTH - side)
    top = min(max(at[1] + off[1] - side / 2, 0.0), HEIGHT - side)
    region, shown = Box(left, top, left + side, top + side), round(side * scale)
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.circle(canvas, at, 8, (255, 255, 255), -1)
    turns, more = ways
    frame = Frame(av.VideoFrame.from_ndarray(canvas, format="rgb24"), 0, 0.0, turns)
    look = Look(Role.SECOND, region, shown, shown, turns=more, tilt=tilt)
    (found,) = find(Nearest(), frame, look)
    near = 2.0 / min(scale, 1) + 1
    assert found.box.center == pytest.approx((at[0] + 0.5, at[1] + 0.5), abs=near)
    assert (found.box.width, found.box.height) == pytest.approx((17, 17), abs=2 * near)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize(("tilt", "seen", "roll"), [(0, 0, 0), (30, 5, -25), (-45, 0, 45)])
def test_how_far_a_face_is_turned_counts_from_upright(
    turns: int, tilt: float, seen: float, roll: float
) -> None:
    square = Box(0, 0, 100, 100)
    look = Look(Role.SECOND, square, 100, 100, turns=turns, tilt=tilt)
    (found,) = find(Says([Detection(Box(40, 40, 60, 60), 0.9, roll=seen)]), frame_with(), look)
    assert (found.roll - roll + 90 * turns) % 360 == pytest.approx(0)
    assert -180 <= found.roll <= 180


@pytest.mark.parametrize(
    ("box", "confidence"),
    [
        (Box(math.nan, 0, 10, 10), 0.9),
        (Box(0, 0, 10, math.nan), 0.9),
        (Box(0, 0, math.inf, 10), 0.9),
        (Box(-math.inf, 0, math.inf, 10), 0.9),
        (Box(20, 0, 10, 10), 0.9),
        (Box(0, 20, 10, 10), 0.9),
        (Box(0, 0, 2 * WIDTH + 40, 10), 0.9),
        (Box(0, 0, 10, 2 * HEIGHT + 40), 0.9),
        (Box(1e9, 1e9, 1e9 + 10, 1e9 + 10), 0.9),
        (Box(-1e9, 0, -1e9 + 10, 10), 0.9),
        (Box(0, 0, 10, 10), math.nan),
        (Box(0, 0, 10, 10), -0.01),
        (Box(0, 0, 10, 10), 1.01),
        (Box(0, 0, 10, 10), math.inf),
    ],
)
def test_nonsense_is_refused(box: Box, confidence: float) -> None:
    good = Detection(Box(1, 1, 9, 9), 0.9)
    with pytest.raises(DetectionError, match="the detector says returned"):
        find(Says([good, Detection(box, confidence)]), frame_with())


@pytest.mark.parametrize(
    "box",
    [
        Box(-20, -20, 40, 40),
        Box(WIDTH - 10, HEIGHT - 10, WIDTH + 30, HEIGHT + 30),
        Box(-0.5 * WIDTH, 0, 1.5 * WIDTH, HEIGHT),
        Box(5, 5, 5, 5),
    ],
)
@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_boxes_may_reach_beyond_the_edges(box: Box, confidence: float) -> None:
    (found,) = find(Says([Detection(box, confidence)]), frame_with())
    assert (found.box, found.confidence) == (box, confidence)


@pytest.mark.parametrize(
    "answer",
    [None, 3, [None], ["face"], [(0, 0, 1, 1)], [Detection(None, 0.5)]],  # type: ignore[arg-type]
    ids=repr,
)
def test_an_answer_of_another_kind_is_refused(answer: object) -> None:
    with pytest.raises(DetectionError, match="the detector says failed"):
        find(Says(answer), frame_with())


def test_an_error_keeps_its_cause() -> None:
    error = ValueError("tired")
    with pytest.raises(DetectionError, match="the detector says failed: ValueError: tired") as info:
        find(Says(error), frame_with())
    assert info.value.__cause__ is error


def test_a_role_nobody_plays_is_skipped() -> None:
    finder = Finder({Role.PRIMARY: Brightest()})
    view = FrameView(frame_with((50, 50, 70, 70)))
    first = Look(Role.PRIMARY, LOOK.region, 96, 64)
    assert [f.look for f in finder.find(view, [LOOK, first, LOOK], 0, 0)] == [first]
    assert Finder({}).find(view, [LOOK, first], 0, 0) == []


@pytest.mark.parametrize("number", [np.float32, np.float64, np.int64, np.uint8])
def test_numbers_of_numpy_become_ordinary_ones(number: Callable[[int], Any]) -> None:
    answer = Detection(Box(number(9), number(8), number(20), number(30)), number(1))
    (found,) = find(Says([answer]), frame_with())
    box = found.box
    assert {type(n) for n in (box.x1, box.y1, box.x2, box.y2, found.confidence)} == {float}
    assert (box, found.confidence) == (Box(9, 8, 20, 30), 1)


def test_names_and_closing() -> None:
    detectors = {Role.PRIMARY: Brightest(), Role.SECOND: Brightest()}
    finder = Finder(detectors)
    assert finder.names == ("brightest", "brightest")
    finder.close()
    assert [detector.closed for detector in detectors.values()] == [1, 1]


class Slow(Brightest):
    """Looks until it is told to go on, as native code does, and notes what befalls it meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.looking, self.goes_on = threading.Event(), threading.Event()
        self.closed_in_a_look = False

    def detect(self, image: NDArray[np.uint8], time_ms: int) -> Sequence[Detection]:
        self.looking.set()
        assert self.goes_on.wait(30)
        self.closed_in_a_look = self.closed > 0
        return super().detect(image, time_ms)


def test_a_detector_is_never_closed_in_the_middle_of_a_look_nor_asked_after_it() -> None:
    detector, frame = Slow(), frame_with()
    finder = Finder({Role.SECOND: detector})
    errors: list[DetectionError] = []

    def look() -> None:
        # The second of the two begins while the finder is being closed.
        try:
            finder.find(FrameView(frame), [LOOK, LOOK], 0, 0)
        except DetectionError as error:
            errors.append(error)

    looker = threading.Thread(target=look)
    looker.start()
    assert detector.looking.wait(30)
    closer = threading.Thread(target=finder.close)
    closer.start()
    time.sleep(0.2)
    assert closer.is_alive()
    detector.goes_on.set()
    for thread in (looker, closer):
        thread.join(30)
    assert not detector.closed_in_a_look
    assert detector.closed == 1
    assert len(detector.shapes) == 1
    assert "closed" in str(errors[0])


class Together(Brightest):
    """Takes several pictures at once."""

    def __init__(self, spare: int = 0) -> None:
        super().__init__()
        self.batches: list[int] = []
        self._spare = spare

    def detect_many(
        self, images: Sequence[NDArray[np.uint8]], time_ms: int
    ) -> list[Sequence[Detection]]:
        assert len({image.shape for image in images}) == 1
        self.batches.append(len(images))
        return [self.detect(image, time_ms) for image in images] + [[]] * self._spare


def some_looks() -> list[Look]:
    """Return looks of two sizes, of two roles and on either side, in turn."""
    crops = [
        Look(Role.SECOND, Box(x, 0, x + 64, 64), 128, 128, True, turns)
        for turns, x in enumerate(range(0, 128, 16))
    ]
    wide = [
        Look(Role.SECOND, Box(0, y, 96, y + 48), 96, 48, turns=turns)
        for turns in range(4)
        for y in (0, 40)
    ]
    proposer = Look(Role.PRIMARY, Box(0, 0, WIDTH, HEIGHT), 128, 128)
    return [look for pair in zip(crops, wide, strict=True) for look in (*pair, proposer)]


def test_looks_of_one_size_are_one_call_and_find_the_same() -> None:
    frame = frame_with((40, 20, 60, 44), turns=1)
    looks = some_looks()
    together, primary = Together(), Brightest()
    found = Finder({Role.SECOND: together, Role.PRIMARY: primary}).find(
        FrameView(frame), looks, 0, 1
    )
    alone = Finder({Role.SECOND: Brightest(), Role.PRIMARY: Brightest()}).find(
        FrameView(frame), looks, 0, 1
    )
    assert found == alone
    assert [finding.look for finding in found] == looks
    assert sum(bool(finding.detections) for finding in found) > 8
    assert sorted(together.batches) == [4, 4, 4, 4]
    # Those of a detector that cannot are not put together.
    assert len(primary.shapes) == 8


def test_large_pictures_are_not_put_together() -> None:
    large = [Look(Role.SECOND, Box(0, 0, WIDTH, HEIGHT), 640, 400, turns=t) for t in (1, 3)]
    many = [Look(Role.SECOND, Box(x, 0, x + 64, 64), 128, 128, True) for x in range(20)]
    together = Together()
    Finder({Role.SECOND: together}).find(FrameView(frame_with()), large + many, 0, 0)
    assert sorted(together.batches) == [4, 8, 8]
    assert len(together.shapes) == 22


def test_a_batch_without_an_answer_for_each_is_a_failure() -> None:
    looks = some_looks()
    finder = Finder({Role.SECOND: Together(spare=1), Role.PRIMARY: Brightest()})
    with pytest.raises(DetectionError, match="failed: ValueError"):
        finder.find(FrameView(frame_with()), looks, 0, 0)
