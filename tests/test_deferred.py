"""Stand-ins for modules that a library imports and nobody uses."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from streamguard.detection.deferred import deferred


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "a_slow_package"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("PLACE = 'package'\n")
    (tmp_path / name / "part.py").write_text("PLACE = 'part'\n")
    (tmp_path / "its_user.py").write_text(
        f"import {name}.part as part\ndef place():\n    return part.PLACE\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in (name, f"{name}.part", "its_user"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return name


def test_a_deferred_module_is_loaded_when_it_is_used(package: str) -> None:
    with deferred(package, f"{package}.part"):
        user = importlib.import_module("its_user")
    assert package not in sys.modules
    assert user.place() == "part"
    assert package in sys.modules
    with pytest.raises(AttributeError):
        _ = user.part.nothing


def test_a_module_already_there_is_left_alone(package: str) -> None:
    real = importlib.import_module(package)
    with deferred(package):
        assert importlib.import_module(package) is real
    assert sys.modules[package] is real


def test_a_failing_import_leaves_no_stand_in(package: str) -> None:
    with pytest.raises(ZeroDivisionError), deferred(package):
        _ = 1 / 0
    assert package not in sys.modules


def test_the_detector_starts_without_what_it_does_not_use() -> None:
    program = (
        "import sys; from streamguard.detection.mediapipe import MediaPipeDetector as Detector;"
        "Detector().close(); print('matplotlib' in sys.modules, 'sounddevice' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
