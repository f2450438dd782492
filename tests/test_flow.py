"""Boxes follow what they lie on, and say so when they cannot."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamguard.geometry import Box, iou
from streamguard.tracking.flow import Moved, camera_motion, propagate, quarters_of

Gray = NDArray[np.uint8]
SHAPE = (270, 480)
FACE = Box(200, 110, 240, 160)


def texture(seed: int, shape: tuple[int, int] = SHAPE) -> Gray:
    """Noise with detail of a few pixels, as skin and cloth have."""
    noise = np.random.default_rng(seed).normal(128, 200, shape).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2.5).clip(0, 255).astype(np.uint8)


def moved(picture: Gray, dx: float, dy: float, scale: float = 1.0) -> Gray:
    """The picture scaled about the middle of `FACE`, and then shifted."""
    x, y = FACE.center
    matrix = np.array([[scale, 0, x - scale * x + dx], [0, scale, y - scale * y + dy]])
    height, width = picture.shape
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_WRAP))


def with_patch(background: Gray, patch: Gray, x: int, y: int) -> Gray:
    result = background.copy()
    result[y : y + patch.shape[0], x : x + patch.shape[1]] = patch
    return result


def follow(start: Gray, end: Gray, box: Box = FACE) -> Moved:
    (step,) = propagate(start, end, [box])
    return step


def corners(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


@hypothesis_settings(deadline=None, max_examples=40)
@given(dx=st.floats(-12, 12), dy=st.floats(-12, 12), scale=st.floats(0.95, 1.05))
def test_a_box_follows_a_shift_and_a_scale(dx: float, dy: float, scale: float) -> None:
    start = texture(1)
    step = follow(start, moved(start, dx, dy, scale))
    assert step.trusted
    assert corners(step.box) == pytest.approx(corners(FACE.resize(scale).shift(dx, dy)), abs=1.0)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (5, 0), (-8, 3), (6, -6)])
def test_a_patch_is_followed_before_another_background(dx: int, dy: int) -> None:
    ground, patch = texture(1), texture(2, (50, 40))
    step = follow(
        with_patch(ground, patch, 200, 110), with_patch(ground, patch, 200 + dx, 110 + dy)
    )
    assert step.trusted
    assert iou(step.box, FACE.shift(dx, dy)) > 0.9


def test_faces_that_go_different_ways_do_not_pull_each_other() -> None:
    ground = texture(1)
    one, two = texture(2, (50, 40)), texture(3, (50, 40))
    start = with_patch(with_patch(ground, one, 60, 60), two, 300, 150)
    end = with_patch(with_patch(ground, one, 67, 60), two, 300, 142)
    boxes = [Box(60, 60, 100, 110), Box(300, 150, 340, 200)]
    first, second = propagate(start, end, boxes)
    assert iou(first.box, boxes[0].shift(7, 0)) > 0.9
    assert iou(second.box, boxes[1].shift(0, -8)) > 0.9


@pytest.mark.parametrize("level", [0, 128, 255])
def test_flat_pictures_are_not_trusted(level: int) -> None:
    flat = np.full(SHAPE, level, np.uint8)
    assert follow(flat, flat) == Moved(FACE, trusted=False)


def test_another_scene_is_not_trusted() -> None:
    assert follow(texture(1), texture(2)) == Moved(FACE, trusted=False)


@pytest.mark.parametrize("dx", [0, 3])
@pytest.mark.parametrize(
    "box",
    [Box(-15, 100, 25, 150), Box(447, 100, 487, 150), Box(200, -15, 240, 35), FACE.pad(2.5)],
)
def test_boxes_over_the_edge_follow_what_shows_of_them(box: Box, dx: int) -> None:
    step = follow(texture(1), moved(texture(1), dx, 0), box)
    assert step.trusted
    assert corners(step.box) == pytest.approx(corners(box.shift(dx, 0)), abs=0.5 + box.width / 50)


@pytest.mark.parametrize(
    "box", [Box(-90, 10, -50, 60), Box(500, 300, 540, 350), Box(1e12, 0, 1e13, 9)]
)
def test_boxes_outside_stay_where_they_are(box: Box) -> None:
    assert follow(texture(1), moved(texture(1), 3, 0), box) == Moved(box, trusted=False)


def test_nothing_to_follow() -> None:
    assert propagate(texture(1), texture(1), []) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 480), (480, 1), (8, 16), (16, 8)])
@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(5, 5, 5, 5), Box(-9, -9, 900, 900)])
def test_pictures_of_any_size(shape: tuple[int, int], box: Box) -> None:
    picture = texture(1, shape)
    boxes = [box, *quarters_of(shape)]
    steps = propagate(picture, picture, boxes)
    assert len(steps) == len(boxes)
    assert all(step.box.is_finite for step in steps)


def test_many_boxes_are_what_each_would_be_alone() -> None:
    start, end = texture(1), moved(texture(1), 4, -3)
    boxes = [Box(x, y, x + 12, y + 15) for x in range(0, 460, 24) for y in range(0, 250, 24)]
    assert len(boxes) > 200
    together = propagate(start, end, boxes)
    for box, step in zip(boxes[::23], together[::23], strict=True):
        alone = follow(start, end, box)
        assert alone.trusted == step.trusted
        assert corners(alone.box) == pytest.approx(corners(step.box), abs=0.5)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (6, 0), (-4, 9), (0, -11)])
def test_camera_motion_of_a_panned_picture(dx: int, dy: int) -> None:
    start = texture(1)
    quarters = quarters_of(start.shape)
    motion = camera_motion(quarters, propagate(start, moved(start, dx, dy), quarters))
    assert motion == pytest.approx((dx, dy), abs=0.3)


def test_one_thing_that_moves_is_no_camera_motion() -> None:
    ground, patch = texture(1), texture(2, (120, 200))
    start, end = with_patch(ground, patch, 20, 10), with_patch(ground, patch, 27, 10)
    quarters = quarters_of(start.shape)
    motion = camera_motion(quarters, propagate(start, end, quarters))
    assert motion == pytest.approx((0, 0), abs=0.3)


def test_camera_motion_is_unknown_where_the_picture_is_flat() -> None:
    flat = np.full(SHAPE, 90, np.uint8)
    quarters = quarters_of(SHAPE)
    assert camera_motion(quarters, propagate(flat, flat, quarters)) is None


def test_the_quarters_are_the_whole() -> None:
    assert sum(box.area for box in quarters_of((7, 13))) == 7 * 13
