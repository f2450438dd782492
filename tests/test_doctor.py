"""The doctor finds what is wrong, says what to do, and never raises over it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from streamguard import doctor
from streamguard.doctor import Check, Status, examine, require_system
from streamguard.errors import ModelError, SystemNotReadyError

ROOT = Path(__file__).parent.parent


def named(checks: list[Check], name: str) -> Check:
    (found,) = [check for check in checks if check.name == name]
    return found


def test_this_machine_is_ready(capfd: pytest.CaptureFixture[str]) -> None:
    require_system()
    checks = examine()
    assert [check for check in checks if check.status is Status.FAIL] == []
    assert named(checks, "detectors").detail == "mediapipe, yunet, centerface run"
    assert named(checks, "encoder libx264").status is Status.OK
    # Encoders and MediaPipe print on their own; none of it may reach the user.
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("missing", "packages"),
    [
        (["libGL.so.1"], "libgl1"),
        (["libEGL.so.1", "libGLESv2.so.2"], "libegl1 libgles2"),
        (["libglib-2.0.so.0", "libgthread-2.0.so.0"], "libglib2.0-0"),
        (list(doctor.SYSTEM_LIBRARIES), "libegl1 libgl1 libgles2 libglib2.0-0"),
    ],
)
def test_missing_system_libraries_are_named_with_their_packages(
    missing: list[str], packages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Names that no system has stand in for libraries that this one has.
    libraries = {
        (f"{name}.missing" if name in missing else name): package
        for name, package in doctor.SYSTEM_LIBRARIES.items()
    }
    monkeypatch.setattr(doctor, "SYSTEM_LIBRARIES", libraries)
    monkeypatch.setattr(doctor, "_is_linux", lambda: True)
    monkeypatch.setattr(doctor, "_loads", lambda name: not name.endswith(".missing"))
    with pytest.raises(SystemNotReadyError) as caught:
        require_system()
    assert caught.value.hint == f"On Debian and Ubuntu: apt-get install {packages}"
    assert all(name in caught.value.what for name in missing)
    checks = examine()
    assert named(checks, "system libraries").status is Status.FAIL
    assert "detectors" not in [check.name for check in checks]


def test_a_library_that_does_not_exist_does_not_load() -> None:
    assert not doctor._loads("libno-such-thing.so.1")


def test_nothing_is_asked_of_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_is_linux", lambda: False)
    monkeypatch.setattr(doctor, "_loads", lambda name: False)
    assert doctor.missing_libraries() == []


def test_a_missing_module_is_not_a_bare_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_MODULES", ("numpy", "no_such_module"))
    with pytest.raises(SystemNotReadyError, match=r"no_such_module not installed.*again with pip"):
        require_system()


@pytest.mark.parametrize(
    ("package", "found", "check"),
    [
        ("opencv-contrib-python", "5.0.0.1", "one OpenCV"),
        ("mediapipe", "0.10.35", "no usage metrics"),
        ("mediapipe", None, "no usage metrics"),
        ("onnxruntime", "1.29.0", "no usage metrics"),
        ("onnxruntime", "2.0.1", "no usage metrics"),
        ("onnxruntime", None, "no usage metrics"),
        ("click", None, "click"),
    ],
)
def test_wrong_versions_fail(
    package: str, found: str | None, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: found if name == package else real(name))
    failed = named(examine(), check)
    assert failed.status is Status.FAIL
    assert failed.hint


def test_a_damaged_model_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(name: str) -> Path:
        raise ModelError(f"{name} is damaged", "Install again")

    monkeypatch.setattr(doctor, "model_path", damaged)
    check = named(examine(), "model centerface")
    assert check == Check(check.name, Status.FAIL, "centerface is damaged", "Install again")


@pytest.mark.parametrize(
    "error", [ImportError("no"), ValueError("no"), AttributeError("no"), ModelError("no", "do")]
)
def test_a_detector_that_fails_is_a_finding(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise error

    check = doctor._guarded("detectors", fail)
    assert check.status is Status.FAIL
    assert "no" in check.detail
    assert check.hint


@pytest.mark.parametrize("module", ["av", "numpy", "cv2", "onnxruntime"])
def test_a_broken_wheel_is_named_and_not_a_traceback(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("raise ValueError('built for another machine')")
    done = subprocess.run(
        [sys.executable, "-m", "streamguard", "doctor"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
    )
    assert done.returncode == 1
    assert not done.stderr
    (line,) = [line for line in done.stdout.splitlines() if f"  import {module} " in line]
    assert line.startswith("fail")
    assert line.endswith("ValueError: built for another machine")
    assert done.stdout.endswith("not ready\n")


# h264_vaapi wants frames in a graphics card's memory, which it is not given.
@pytest.mark.parametrize("name", ["no_such_encoder", "h264_vaapi"])
def test_what_cannot_encode_does_not_open(name: str) -> None:
    assert doctor._encoder(name).status is Status.WARN


def test_the_versions_asked_for_are_those_installed_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (asked_for,) = [Requirement(n) for n in project["dependencies"] if n.startswith("mediapipe")]
    assert str(asked_for.specifier) == f"=={doctor.MEDIAPIPE_VERSION}"
    cv = [name.split("==") for name in project["dependencies"] if name.startswith("opencv")]
    assert len(cv) == 2
    assert len({version for _, version in cv}) == 1


def test_the_doctor_is_cheap_to_import() -> None:
    heavy = "{'av', 'cv2', 'mediapipe', 'numpy', 'onnxruntime', 'rich'} & set(sys.modules)"
    code = f"import sys, streamguard.doctor; print({heavy} or 'light')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "light"
