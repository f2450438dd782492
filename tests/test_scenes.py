"""Scene cuts: found where the picture shows something else, and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamguard.tracking.scenes import CutFinder

Gray = NDArray[np.uint8]


def scene(seed: int, shape: tuple[int, int] = (180, 320)) -> Gray:
    """A picture of large light and dark parts."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8), np.uint8)
    rows = np.linspace(0, 5.99, shape[0]).astype(int)
    columns = np.linspace(0, 7.99, shape[1]).astype(int)
    return np.ascontiguousarray(coarse[rows][:, columns])


def equalized(picture: NDArray[np.generic], mean: float = 105.0, spread: float = 22.0) -> Gray:
    """The same picture with a brightness and a contrast that all scenes share."""
    values = picture.astype(np.float64)
    values = (values - values.mean()) / values.std() * spread + mean
    return np.asarray(np.clip(values, 0, 255), np.uint8)


def landscape(seed: int, width: int = 1600) -> Gray:
    """A wide picture with structure of many sizes, as the world has, to pan over."""
    rng = np.random.default_rng(seed)
    total = np.zeros((180, width))
    for size in (90, 45, 20, 9):
        noise = rng.normal(0, size, (180 // size + 2, width // size + 2))
        total += cv2.resize(noise, (width, 180), interpolation=cv2.INTER_CUBIC)
    return equalized(total, 110, 45)


def window(picture: Gray, x: float, y: float = 90.0, scale: float = 1.0) -> Gray:
    """What a camera of 320×180 sees of a picture."""
    size = (round(320 / scale), round(180 / scale))
    part = cv2.getRectSubPix(picture, size, (x, y))
    return np.asarray(cv2.resize(part, (320, 180), interpolation=cv2.INTER_AREA), np.uint8)


def cuts(pictures: list[Gray]) -> list[int]:
    finder = CutFinder()
    return [n for n, picture in enumerate(pictures) if finder.is_cut(picture)]


def test_cuts_are_found_at_their_first_frame() -> None:
    assert cuts([scene(n // 5) for n in range(20)]) == [5, 10, 15]


def test_the_first_frame_is_none() -> None:
    # Nothing comes before it, so everything is looked at anyway.
    assert cuts([scene(0)]) == []


@pytest.mark.parametrize("spread", [8.0, 22.0, 45.0])
def test_scenes_of_equal_brightness_and_contrast_are_told_apart(spread: float) -> None:
    shots = [equalized(scene(n), spread=spread) for n in range(6)]
    assert cuts([shots[n // 5] for n in range(30)]) == [5, 10, 15, 20, 25]


def test_a_cut_is_found_between_bars() -> None:
    # A portrait video in a landscape frame: two thirds of the picture never change.
    def pillarboxed(picture: Gray) -> Gray:
        framed = np.full((180, 320), 16, np.uint8)
        framed[:, 110:210] = equalized(picture)[:, :100]
        return framed

    assert cuts([pillarboxed(scene(n // 5)) for n in range(15)]) == [5, 10]


def test_a_cut_in_the_middle_of_a_pan_is_found() -> None:
    first, second = landscape(1), landscape(2)
    shots = [window(first, 200 + 12 * n) for n in range(12)]
    shots += [window(second, 200 + 12 * n) for n in range(12)]
    assert cuts(shots) == [12]


@pytest.mark.parametrize("pixels", [4, 16, 32, 44])
def test_no_pan_is_a_cut(pixels: int) -> None:
    picture = landscape(3)
    assert cuts([window(picture, 170 + pixels * n) for n in range(1200 // pixels)]) == []


def test_zooming_is_none() -> None:
    picture = landscape(4)
    assert cuts([window(picture, 800, 90, 1.0 + 0.06 * n) for n in range(40)]) == []


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), strength=st.floats(1, 14))
def test_no_shake_is_a_cut(seed: int, strength: float) -> None:
    rng, picture = np.random.default_rng(seed), landscape(5)
    steps = rng.normal(0, strength, (25, 2)).cumsum(axis=0).clip(-60, 60)
    assert cuts([window(picture, 800 + x, 90 + y / 2) for x, y in steps]) == []


@pytest.mark.parametrize("light", [lambda p: p * 0.4, lambda p: p * 0.6 + 90, lambda p: p + 40.0])
def test_a_flash_is_none(light: object) -> None:
    assert callable(light)
    base = landscape(6)[:, :320]
    lit = np.clip(light(base.astype(float)), 0, 255).astype(np.uint8)
    assert cuts([base, base, lit, base, base]) == []


def test_noise_and_fading_are_none() -> None:
    rng = np.random.default_rng(0)
    base = scene(3)
    noisy = [
        np.clip(base + rng.normal(0, 12, base.shape), 0, 255).astype(np.uint8) for _ in range(9)
    ]
    faded = [(base * (1 - n / 20)).astype(np.uint8) for n in range(20)]
    other = scene(4)
    mixed = [cv2.addWeighted(base, 1 - n / 20, other, n / 20, 0) for n in range(20)]
    assert cuts(noisy) == cuts(faded) == cuts([np.asarray(m, np.uint8) for m in mixed]) == []


def test_grain_in_the_dark_is_none() -> None:
    rng = np.random.default_rng(0)
    dark = [rng.normal(20, 6, (180, 320)).clip(0, 255).astype(np.uint8) for _ in range(20)]
    assert cuts(dark) == []


def test_the_first_picture_after_black_is_a_cut() -> None:
    black = np.full((180, 320), 16, np.uint8)
    assert cuts([black] * 5 + [equalized(scene(1))] * 5 + [black] * 2) == [5, 10]


def test_shaking_is_no_chain_of_cuts() -> None:
    pictures = [scene(0)] + [scene(1 + n % 2) for n in range(10)]
    assert len(cuts(pictures)) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (8, 16), (1080, 1920)])
def test_pictures_may_be_of_any_size(shape: tuple[int, int]) -> None:
    dark, light = np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    assert cuts([dark, dark, light, light]) == [2]


def test_the_size_may_change() -> None:
    assert cuts([scene(0), scene(0, (90, 160)), scene(0, (360, 640))]) == []
