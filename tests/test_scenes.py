"""Scene cuts: found where the picture changes as a whole, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from streamguard.tracking.scenes import CutFinder

Gray = NDArray[np.uint8]


def scene(seed: int, shape: tuple[int, int] = (180, 320)) -> Gray:
    """A picture of large light and dark parts."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8), np.uint8)
    rows = np.linspace(0, 5.99, shape[0]).astype(int)
    columns = np.linspace(0, 7.99, shape[1]).astype(int)
    return np.ascontiguousarray(coarse[rows][:, columns])


def cuts(pictures: list[Gray]) -> list[int]:
    finder = CutFinder()
    return [n for n, picture in enumerate(pictures) if finder.is_cut(picture)]


def test_cuts_are_found_at_their_first_frame() -> None:
    assert cuts([scene(n // 5) for n in range(20)]) == [5, 10, 15]


def test_the_first_frame_is_none() -> None:
    # Nothing comes before it, so everything is looked at anyway.
    assert cuts([scene(0)]) == []


def test_noise_panning_and_fading_are_none() -> None:
    rng = np.random.default_rng(0)
    base = scene(3, (180, 640))
    noisy = [np.clip(base + rng.normal(0, 12, base.shape), 0, 255).astype(np.uint8)] * 9
    panned = [np.ascontiguousarray(base[:, 8 * n : 8 * n + 320]) for n in range(30)]
    faded = [(base * (1 - n / 20)).astype(np.uint8) for n in range(20)]
    assert cuts(noisy) == cuts(panned) == cuts(faded) == []


def test_shaking_is_no_chain_of_cuts() -> None:
    pictures = [scene(0)] + [scene(1 + n % 2) for n in range(10)]
    assert len(cuts(pictures)) == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (8, 16), (1080, 1920)])
def test_pictures_may_be_of_any_size(shape: tuple[int, int]) -> None:
    dark, light = np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)
    assert cuts([dark, dark, light, light]) == [2]


def test_the_size_may_change() -> None:
    assert cuts([scene(0), scene(0, (90, 160)), scene(0, (360, 640))]) == []
