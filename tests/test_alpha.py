"""What transparency shows is looked for, covered and verified like colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from conftest import FACE as WHERE
from frames_kit import Picture, as_frame, covered
from numpy.typing import NDArray
from PIL import Image

import streamguard
from streamguard.detection.layers import Layer
from streamguard.detection.likeness import detail_kept
from streamguard.detection.view import FrameView
from streamguard.frames import Frame
from streamguard.geometry import Box
from streamguard.settings import Effect, RedactionSettings, Settings

FACE = Box(*WHERE).shift(-96, 0)
KINDS = ("copy", "black, inverted", "black", "white", "white, inverted", "hidden", "dithered")


@pytest.fixture
def photo(astronaut: Picture) -> Picture:
    """The face and what is round it, 256 by 256."""
    return astronaut[:256, 96:352]


def rgba(kind: str, photo: Picture) -> Picture:
    """The photo hidden in a picture with alpha, shape ``(height, width, 4)``."""
    grey = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY))
    flat = np.full_like(photo, 255 if "white" in kind else 0)
    alphas: dict[str, NDArray[Any]] = {
        "hidden": np.tile(np.arange(grey.shape[1]) // 2 % 2 * 255, (grey.shape[0], 1)),
        "dithered": np.asarray(Image.fromarray(grey).convert("1")) * np.uint8(255),
    }
    alpha = alphas.get(kind, 255 - grey if "inverted" in kind else grey)
    return np.dstack([photo if kind in ("copy", "hidden") else flat, alpha.astype(np.uint8)])


def kept(before: Frame, after: av.VideoFrame, layer: Layer, face: Box) -> float:
    size = before.width, before.height
    after_view = FrameView(Frame(after, 0, 0.0))
    return detail_kept(FrameView(before).gray(*size, layer), after_view.gray(*size, layer), face)


@pytest.mark.parametrize("kind", KINDS)
def test_a_face_is_covered_in_whatever_shows_it(kind: str, photo: Picture) -> None:
    before = as_frame(rgba(kind, photo), "rgba")
    ((_, after),) = covered([before], still=True)
    layers = FrameView(before).layers
    assert len(layers) > 1
    shown = [layer for layer in layers if kept(before, before.picture, layer, FACE) > 0.9]
    assert shown
    for layer in layers:
        flat = np.ptp(FrameView(before).gray(256, 256, layer)) < 3
        assert flat or kept(before, after, layer, FACE) < 0.3, layer


@pytest.mark.parametrize("pix_fmt", ["ya8", "ya16le", "gbrap", "gbrap16le", "rgba64le", "yuva420p"])
def test_every_format_with_alpha_is_looked_into(pix_fmt: str, photo: Picture) -> None:
    before = as_frame(rgba("black", photo), pix_fmt)
    ((_, after),) = covered([before], still=True)
    assert after.format.name == pix_fmt
    assert kept(before, before.picture, Layer.ALPHA, FACE) > 0.9
    assert kept(before, after, Layer.ALPHA, FACE) < 0.3


def test_a_solid_cover_is_opaque(photo: Picture) -> None:
    before = as_frame(rgba("copy", photo), "rgba")
    settings = Settings(redaction=RedactionSettings(effect=Effect.SOLID, color=(10, 20, 30)))
    ((_, after),) = covered([before], settings, still=True)
    x1, y1, x2, y2 = FACE.pixels(256, 256)
    hidden = (after.to_ndarray(format="rgba")[y1:y2, x1:x2] == (10, 20, 30, 255)).all(-1)
    assert hidden.mean() > 0.99  # covers are round


def test_faint_alpha_is_looked_at_with_its_contrast_stretched(photo: Picture) -> None:
    picture = rgba("black", photo)
    picture[..., 3] = 200 + picture[..., 3] // 16
    before = as_frame(picture, "rgba")
    ((_, after),) = covered([before], still=True)
    (x1, y1, x2, y2), raw = FACE.pixels(256, 256), picture[..., 3].astype(int)
    changed = after.to_ndarray(format="rgba")[..., 3] != raw
    assert changed[y1:y2, x1:x2].mean() > 0.5
    assert not changed[:, :20].any()


@pytest.mark.parametrize("kind", ["black, inverted", "white", "copy"])
def test_a_face_that_moves_in_alpha_stays_covered(kind: str, photo: Picture) -> None:
    frames = []
    for number in range(25):
        canvas = np.full((256, 320, 3), 90, np.uint8)
        canvas[:, 2 * number :][:, :256] = photo[:, : 320 - 2 * number]
        frames.append(as_frame(rgba(kind, canvas), "yuva444p", number))
    for before, after in covered(frames):
        face = FACE.shift(2 * before.index, 0)
        assert kept(before, before.picture, Layer.ALPHA, face) > 0.9
        assert kept(before, after, Layer.ALPHA, face) < 0.3, before.index


@pytest.mark.parametrize("value", [255, 128, 0])
def test_constant_alpha_costs_no_look(value: int, photo: Picture) -> None:
    plain = np.dstack([photo, np.full(photo.shape[:2], value, np.uint8)])
    for pix_fmt in ("rgba", "yuva420p", "gbrap12le"):
        assert FrameView(as_frame(plain, pix_fmt)).layers == (Layer.COLOR,)
    assert FrameView(as_frame(plain, "yuv420p")).layers == (Layer.COLOR,)


def test_layers_that_look_alike_are_looked_at_once(photo: Picture) -> None:
    cut_out = rgba("copy", photo)
    cut_out[..., 3] = 255
    cut_out[:64] = 0
    layers = FrameView(as_frame(cut_out, "rgba")).layers
    assert Layer.ON_WHITE in layers
    assert Layer.ON_BLACK not in layers


def write_png(path: Path, picture: Picture) -> Path:
    colors = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    assert cv2.imwrite(str(path), cv2.cvtColor(picture, colors))
    return path


@pytest.mark.parametrize("kind", ["copy", "black, inverted", "white"])
def test_verification_looks_at_alpha(kind: str, tmp_path: Path, photo: Picture) -> None:
    raw = write_png(tmp_path / "raw.png", rgba(kind, photo))
    done = tmp_path / "done.png"
    assert len(streamguard.anonymize(raw, done).tracks) == 1
    assert streamguard.verify(done).passed
    assert streamguard.verify(done, raw).passed
    # The same with the alpha of the original: only colour is covered.
    half = np.array(cv2.imread(str(done), cv2.IMREAD_UNCHANGED))
    half[..., 3] = rgba(kind, photo)[..., 3]
    assert cv2.imwrite(str(tmp_path / "half.png"), half)
    assert not streamguard.verify(tmp_path / "half.png").passed
    assert not streamguard.verify(tmp_path / "half.png", raw).passed


def test_alpha_that_was_dropped_is_no_mismatch(tmp_path: Path, photo: Picture) -> None:
    raw = write_png(tmp_path / "raw.png", rgba("copy", photo))
    done = tmp_path / "done.jpg"
    streamguard.anonymize(raw, done)
    assert streamguard.verify(done, raw).passed
