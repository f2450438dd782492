"""What each detector frames becomes the same box of a face."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from streamguard.detection.centerface import CenterFaceDetector
from streamguard.detection.face_box import skin_to_face, square_to_face
from streamguard.detection.mediapipe import MediaPipeDetector
from streamguard.detection.yunet import YuNetDetector
from streamguard.geometry import Box, iou

SKIN = Box(100, 100, 180, 200)
MIDDLE = 140.0


@pytest.mark.parametrize("nose", [MIDDLE - 6, MIDDLE, MIDDLE + 6])
def test_a_face_that_looks_ahead_is_what_was_framed(nose: float) -> None:
    assert skin_to_face(SKIN, nose) == SKIN


@pytest.mark.parametrize(("nose", "sign"), [(176.0, -1), (104.0, 1), (900.0, -1), (-900.0, 1)])
def test_of_a_head_from_the_side_the_box_goes_back_to_the_ear(nose: float, sign: int) -> None:
    face = skin_to_face(SKIN, nose)
    assert (face.y1, face.y2) == (SKIN.y1, SKIN.y2)
    assert 10 < sign * (face.center[0] - MIDDLE) < 25
    # Heads are about as wide from the side as they are high; the cover adds the rest.
    assert 0.85 * SKIN.height < face.width < SKIN.height


@given(st.floats(-50, 50))
def test_left_is_as_right(turn: float) -> None:
    one, other = skin_to_face(SKIN, MIDDLE + turn), skin_to_face(SKIN, MIDDLE - turn)
    assert one.x1 - SKIN.x1 == pytest.approx(SKIN.x2 - other.x2)
    assert one.width == pytest.approx(other.width)
    assert one.width >= SKIN.width


def test_a_square_becomes_narrower_and_higher_and_turns_as_the_nose_does() -> None:
    square = Box(0, 0, 100, 100)
    ahead = square_to_face(square, 52)
    assert 0.75 < ahead.width / ahead.height < 0.85
    left, right = square_to_face(square, 35), square_to_face(square, 69)
    assert left.center[0] > ahead.center[0] > right.center[0]
    assert min(left.width, right.width) > ahead.width


@pytest.mark.parametrize("to_face", [skin_to_face, square_to_face])
def test_a_box_without_size_stays(to_face: Callable[[Box, float], Box]) -> None:
    assert to_face(Box(5, 5, 5, 9), 5.0) == Box(5, 5, 5, 9)


def test_all_detectors_say_the_same_of_one_face() -> None:
    picture = cv2.resize(data.astronaut(), (320, 320), interpolation=cv2.INTER_AREA)
    for image in (picture, np.ascontiguousarray(picture[:, ::-1])):
        found = []
        for detector in (CenterFaceDetector(), YuNetDetector(), MediaPipeDetector()):
            found.append(max(detector.detect(image, 0), key=lambda d: d.confidence).box)
            detector.close()
        assert iou(found[0], found[1]) > 0.8
        assert iou(found[0], found[2]) > 0.7
