"""YuNet on ONNX Runtime: what OpenCV's own detector says of the untouched file, and no less."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from conftest import FACE
from numpy.typing import NDArray

from streamguard.detection.face_box import skin_to_face
from streamguard.detection.weights import model_path
from streamguard.detection.yunet import YuNetDetector
from streamguard.geometry import Box, Detection, iou


@pytest.fixture(scope="module")
def detector() -> Iterator[YuNetDetector]:
    made = YuNetDetector(0.2)
    yield made
    made.close()


def crowd(astronaut: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture of many faces, 12 to 100 pixels high, some cut by the edge."""
    rng = np.random.default_rng(3)
    canvas = np.full((height, width, 3), 90, np.uint8)
    for side in rng.integers(48, 400, 24):
        small = cv2.resize(astronaut, (int(side), int(side)), interpolation=cv2.INTER_AREA)
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        part = canvas[y : y + side, x : x + side]
        part[:] = small[: part.shape[0], : part.shape[1]]
    return canvas


def as_opencv_sees_it(image: NDArray[np.uint8]) -> list[Detection]:
    height, width = image.shape[:2]
    path = str(model_path("yunet"))
    theirs = cv2.FaceDetectorYN.create(path, "", (width, height), 0.2, 0.3, 5000)
    found = theirs.detect(np.ascontiguousarray(image[..., ::-1]))[1]
    return [
        Detection(skin_to_face(Box(x, y, x + w, y + h), float(row[8])), float(row[14]))
        for row in found
        for x, y, w, h in [row[:4].tolist()]
    ]


@pytest.mark.parametrize(("width", "height"), [(1280, 704), (416, 608)])
def test_boxes_are_those_of_opencv(
    detector: YuNetDetector, astronaut: NDArray[np.uint8], width: int, height: int
) -> None:
    image = crowd(astronaut, width, height)
    expected = as_opencv_sees_it(image)
    found = detector.detect(image, 0)
    assert len(found) == len(expected) >= 5
    for one in expected:
        nearest = max(found, key=lambda d: iou(d.box, one.box))
        np.testing.assert_allclose(
            [nearest.box.x1, nearest.box.y1, nearest.box.x2, nearest.box.y2],
            [one.box.x1, one.box.y1, one.box.x2, one.box.y2],
            atol=1,
        )
        assert nearest.confidence == pytest.approx(one.confidence, abs=0.01)


def test_it_finds_a_face_of_a_dozen_pixels(
    detector: YuNetDetector, astronaut: NDArray[np.uint8]
) -> None:
    small = cv2.resize(astronaut, (54, 54), interpolation=cv2.INTER_AREA)
    image = np.full((540, 960, 3), 90, np.uint8)
    image[200:254, 600:654] = small
    face = Box(*FACE).scale(54 / 512, 54 / 512).shift(600, 200)
    (found,) = detector.detect(image, 0)
    assert face.height < 14
    assert iou(found.box, face) > 0.4


def test_a_mirror_image_in_the_margin_is_no_face(
    detector: YuNetDetector, astronaut: NDArray[np.uint8]
) -> None:
    # Cut so that the margin of 31 columns repeats all of a small face.
    small = cv2.resize(astronaut, (100, 100), interpolation=cv2.INTER_AREA)[:97, 30:55]
    image = np.full((97, 65, 3), 90, np.uint8)
    image[:, 40:] = small
    for found in detector.detect(image, 0):
        assert found.box.x1 < 65
        assert found.box.y1 < 97
