"""Dark pictures are made clearer for detectors, and bright ones stay as they are."""

from __future__ import annotations

from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
from conftest import FACE
from numpy.typing import NDArray

from streamguard.detection.dark import amplified, with_contrast
from streamguard.detection.finder import Finder
from streamguard.detection.looks import Look, Role
from streamguard.detection.registry import make_detector
from streamguard.detection.schedule import close_look
from streamguard.detection.view import FrameView
from streamguard.frames import Frame
from streamguard.geometry import Box, Detection, iou

Picture = NDArray[np.uint8]
WHOLE = Box(0, 0, 640, 480)


def darkened(picture: Picture, exposure: float) -> Picture:
    noise = np.random.default_rng(4).normal(0, 1.5, picture.shape)
    return np.clip(picture * exposure + noise, 0, 255).astype(np.uint8)


def small(astronaut: Picture, exposure: float) -> tuple[Picture, Box]:
    """Return a dark wide picture with the photograph at a quarter, and where its face is."""
    canvas = np.full((480, 640, 3), 90, np.uint8)
    quarter = cv2.resize(astronaut, (128, 128), interpolation=cv2.INTER_AREA)
    canvas[200:328, 300:428] = quarter
    return darkened(canvas, exposure), Box(*FACE).scale(0.25, 0.25).shift(300, 200)


def found(picture: Picture, look: Look, detector: str) -> list[Detection]:
    finder = Finder({look.role: make_detector(detector, 0.2)})
    frame = Frame(av.VideoFrame.from_ndarray(picture, format="rgb24"), 0, 0.0)
    (finding,) = finder.find(FrameView(frame), [look], 0, 0)
    finder.close()
    return list(finding.detections)


@pytest.mark.parametrize("change", [with_contrast, amplified])
def test_a_bright_picture_stays_as_it_is(astronaut: Picture, change: object) -> None:
    assert callable(change)
    assert change(astronaut) is astronaut
    assert change(darkened(astronaut, 0.5)).mean() < 100


@pytest.mark.parametrize("change", [with_contrast, amplified])
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (300, 2, 3), (97, 31, 3)])
def test_a_dark_picture_of_any_size_keeps_it(change: object, shape: tuple[int, int, int]) -> None:
    assert callable(change)
    for level in (0, 3):
        changed = change(np.full(shape, level, np.uint8))
        assert (changed.shape, changed.dtype) == (shape, np.uint8)


def test_a_dark_close_up_becomes_bright(astronaut: Picture) -> None:
    dark = darkened(astronaut, 1 / 20)
    kept = dark.copy()
    assert np.percentile(amplified(dark), 98) > 80
    assert (dark == kept).all()


def test_the_proposer_sees_faces_in_the_dark(astronaut: Picture) -> None:
    picture, face = small(astronaut, 1 / 28)
    plain = make_detector("yunet", 0.2)
    assert not [one for one in plain.detect(picture, 0) if iou(one.box, face) > 0.3]
    plain.close()
    seen = found(picture, Look(Role.PROPOSER, WHOLE, 640, 480), "yunet")
    assert max(iou(one.box, face) for one in seen) > 0.3


def test_a_close_look_in_the_dark_is_surer(astronaut: Picture) -> None:
    picture, face = small(astronaut, 1 / 28)
    look = close_look(face, WHOLE)
    assert look.is_close
    plain = found(picture, replace(look, is_close=False), "centerface")
    assert surest(found(picture, look, "centerface"), face) > surest(plain, face) + 0.1


def surest(detections: list[Detection], face: Box) -> float:
    return max((one.confidence for one in detections if iou(one.box, face) > 0.3), default=0.0)
