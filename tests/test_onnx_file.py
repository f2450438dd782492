"""The ONNX file with its size set free: the same network, or a clear error."""

from __future__ import annotations

import cv2
import numpy as np
import onnxruntime as ort
import pytest

from streamguard.detection.onnx_file import with_free_size, with_pictures
from streamguard.detection.weights import model_bytes

OUTPUTS = ("537", "538", "539")


@pytest.fixture(scope="module")
def freed() -> bytes:
    return with_free_size(model_bytes("centerface"), {"input.1"}, OUTPUTS)


@pytest.fixture(scope="module")
def session(freed: bytes) -> ort.InferenceSession:
    return ort.InferenceSession(freed, providers=["CPUExecutionProvider"])


def test_nothing_is_listed_but_what_was_named(session: ort.InferenceSession) -> None:
    assert [taken.name for taken in session.get_inputs()] == ["input.1"]
    assert [made.name for made in session.get_outputs()] == list(OUTPUTS)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 160), (160, 64)])
def test_another_engine_reads_the_same_from_the_untouched_file(
    session: ort.InferenceSession, height: int, width: int
) -> None:
    picture = np.random.default_rng(1).uniform(0, 255, (1, 3, height, width)).astype(np.float32)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model_bytes("centerface"), np.uint8))
    net.setInput(picture)
    for ours, theirs in zip(
        session.run(OUTPUTS, {"input.1": picture}), net.forward(OUTPUTS), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("missing", [1, 7, 50, 3000, 7_000_000])
def test_a_file_cut_short_is_refused(freed: bytes, missing: int) -> None:
    with pytest.raises(ValueError, match=r"too late|in the middle"):
        with_free_size(freed[:-missing], {"input.1"}, OUTPUTS)


def test_what_is_no_onnx_is_refused() -> None:
    with pytest.raises(ValueError, match="wire type"):
        with_free_size(b"\x07abc", (), ())


def test_freeing_twice_changes_nothing(freed: bytes) -> None:
    assert with_free_size(freed, {"input.1"}, OUTPUTS) == freed


@pytest.mark.parametrize("count", [1, 3])
def test_pictures_are_taken_as_they_are(
    freed: bytes, session: ort.InferenceSession, count: int
) -> None:
    changed = ort.InferenceSession(
        with_pictures(freed, "input.1", "pictures"), providers=["CPUExecutionProvider"]
    )
    (taken,) = changed.get_inputs()
    assert (taken.name, taken.type) == ("pictures", "tensor(uint8)")
    pictures = np.random.default_rng(2).integers(0, 256, (count, 64, 96, 3), np.uint8)
    planes = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)).astype(np.float32)
    for ours, plain in zip(
        changed.run(OUTPUTS, {"pictures": pictures}),
        session.run(OUTPUTS, {"input.1": planes}),
        strict=True,
    ):
        np.testing.assert_allclose(ours, plain, atol=1e-5)
