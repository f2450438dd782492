"""Coded pixels to the tracking picture and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamguard.geometry import Box
from streamguard.media.scaling import TrackingScale
from streamguard.media.sphere import Sphere

SIDES = st.integers(1, 8000)
PLACES = st.floats(-100, 8000)


@pytest.mark.parametrize(
    ("size", "small"),
    [((1920, 1080), (480, 270)), ((1080, 1920), (270, 480)), ((320, 240), (320, 240))],
)
def test_the_tracking_picture_has_480_pixels_at_most(
    size: tuple[int, int], small: tuple[int, int]
) -> None:
    scale = TrackingScale.of(*size)
    assert (scale.width, scale.height) == small


def test_an_unrolled_picture_keeps_the_scale_of_the_frame() -> None:
    scale = TrackingScale.of(1920, 960, Sphere(1920, 960).extent)
    assert (scale.width, scale.height) == (720, 240)
    assert scale.across == scale.down == 0.25


@given(SIDES, SIDES, PLACES, PLACES)
def test_boxes_come_back(width: int, height: int, x: float, y: float) -> None:
    scale, box = TrackingScale.of(width, height), Box(x, y, x + 10, y + 20)
    back = scale.to_coded(scale.to_small(box))
    for side, other in zip(
        (box.x1, box.y1, box.x2, box.y2), (back.x1, back.y1, back.x2, back.y2), strict=True
    ):
        assert side == pytest.approx(other, abs=1e-6)


def test_lengths_and_motion() -> None:
    scale = TrackingScale.of(1920, 1080)
    assert scale.length_to_small(40) == 10
    assert scale.shares((48, -27)) == (0.1, -0.1)
