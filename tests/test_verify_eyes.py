"""What verification sees by itself: small and turned faces, and none under a cover."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import FACE
from numpy.typing import NDArray

import streamguard
from streamguard.detection.likeness import detail_left
from streamguard.geometry import Box, Detection, common, iou

Picture = NDArray[np.uint8]
BARE = 0.105
"""What `verification.inspection` takes for bare."""
SIDE = 512


def save(path: Path, picture: Picture) -> Path:
    assert cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return path


def load(path: Path) -> Picture:
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


def scaled(picture: Picture, share: float) -> Picture:
    size = round(SIDE * share)
    return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def grey(picture: Picture, quality: int) -> NDArray[np.uint8]:
    """Return it in grey, after a JPEG encoder had it."""
    found, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert found
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


@pytest.fixture(scope="module")
def covered(astronaut: Picture, tmp_path_factory: pytest.TempPathFactory) -> dict[float, Picture]:
    """The photograph by scale, blurred by streamguard."""
    folder, made = tmp_path_factory.mktemp("blurred"), {}
    for share in (1.0, 0.5, 0.25):
        path = save(folder / f"{share}.png", scaled(astronaut, share))
        streamguard.anonymize(path, folder / f"out{share}.png")
        made[share] = load(folder / f"out{share}.png")
    return made


@pytest.mark.parametrize("quality", [95, 40])
@pytest.mark.parametrize("share", [1.0, 0.5, 0.25])
def test_detail_left_tells_bare_from_blurred(
    astronaut: Picture, covered: dict[float, Picture], share: float, quality: int
) -> None:
    face = Box(*FACE).scale(share, share)
    assert detail_left(grey(scaled(astronaut, share), quality), face) > 1.5 * BARE
    assert detail_left(grey(covered[share], quality), face) < BARE


def test_dither_on_a_cover_is_no_detail(covered: dict[float, Picture]) -> None:
    rng = np.random.default_rng(2)
    dithered = np.clip(covered[0.5] + rng.choice([-8, 8], covered[0.5].shape), 0, 255)
    assert detail_left(grey(dithered.astype(np.uint8), 95), Box(*FACE).scale(0.5, 0.5)) < BARE


def test_detail_is_left_in_the_dark(astronaut: Picture) -> None:
    noise = np.random.default_rng(1).normal(0, 1, astronaut.shape)
    dark = np.clip(astronaut / 16 + noise, 0, 255).astype(np.uint8)
    assert detail_left(grey(dark, 90), Box(*FACE)) > BARE


def test_a_face_that_is_half_bare_has_detail_left(
    astronaut: Picture, covered: dict[float, Picture]
) -> None:
    half = covered[1.0].copy()
    middle = (FACE[1] + FACE[3]) // 2
    half[:middle] = astronaut[:middle]
    assert detail_left(grey(half, 90), Box(*FACE)) > BARE


@pytest.mark.parametrize("box", [Box(0, 0, 4, 4), Box(-9, -9, -1, -1), Box(60, 0, 90, 90)])
def test_where_nothing_can_be_told_it_counts(box: Box) -> None:
    assert detail_left(np.full((64, 64), 100, np.uint8), box) == 1.0


def test_one_colour_has_no_detail() -> None:
    assert detail_left(np.full((64, 64), 100, np.uint8), Box(0, 0, 60, 60)) < 0.001


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_face_is_reported_and_its_cover_is_not(
    tmp_path: Path, astronaut: Picture, covered: dict[float, Picture], turns: int
) -> None:
    lying = np.ascontiguousarray(np.rot90(astronaut[:320], turns))
    bare = save(tmp_path / "bare.png", lying)
    hidden = np.ascontiguousarray(np.rot90(covered[1.0][:320], turns))
    done = save(tmp_path / "done.png", hidden)
    (span,) = streamguard.verify(bare).spans
    assert iou(Box(*map(float, span.box)), Box(*FACE).rotate(-turns, 512, 320)) > 0.3
    assert streamguard.verify(done).passed
    assert streamguard.verify(done, bare).passed


def crowd(astronaut: Picture, height: int) -> tuple[Picture, list[Box]]:
    """Return a grey picture with six small copies of the photograph, and where their faces are."""
    share = height / (FACE[3] - FACE[1])
    small = scaled(astronaut, share)
    canvas, faces = np.full((540, 960, 3), 110, np.uint8), []
    for x, y in ((40, 40), (300, 60), (640, 90), (90, 340), (420, 310), (780, 380)):
        canvas[y : y + len(small), x : x + len(small)] = small
        faces.append(Box(*FACE).scale(share, share).shift(x, y))
    return canvas, faces


def test_small_faces_are_reported(tmp_path: Path, astronaut: Picture) -> None:
    picture, faces = crowd(astronaut, 13)
    spans = streamguard.verify(save(tmp_path / "crowd.png", picture)).spans
    found = [Box(*map(float, span.box)) for span in spans]
    assert all(max(iou(face, box) for box in found) > 0.3 for face in faces)


class Believer:
    """Eyes that see a face from the mouth to the collar, wherever they look."""

    collar = Box(FACE[0], FACE[1] + 70, FACE[2], FACE[3] + 60)

    def __init__(self, _threshold: float) -> None:
        pass

    def faces(self, *_: object) -> list[Detection]:
        return [Detection(self.collar, 0.9)]

    def seen_close(self, *_: object) -> list[Box]:
        return [Box(*FACE)]

    def close(self) -> None:
        pass


def test_a_collar_below_a_cover_is_no_face(
    tmp_path: Path, astronaut: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamguard.verification.inspection.Eyes", Believer)
    face, collar = Box(*FACE), Believer.collar
    # What is seen lies on the face for the better part, and most of its detail is there.
    assert common(face, collar).area > 0.4 * collar.area
    x1, y1, x2, y2 = FACE
    hidden = astronaut.copy()
    hidden[y1:y2, x1:x2] = 128
    before, after = save(tmp_path / "before.png", astronaut), save(tmp_path / "after.png", hidden)
    assert streamguard.verify(after, before).passed
    assert not streamguard.verify(before, before).passed
