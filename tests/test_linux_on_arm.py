"""Linux on ARM, for which MediaPipe was not made: YuNet looks in its place, and it is said so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import FACE, ROOT
from live_kit import Judge, source_graph
from numpy.typing import NDArray
from packaging.requirements import Requirement
from PIL import Image

from streamguard.detection.primary import HAS_MEDIAPIPE, PRIMARY

# Python runs this before anything else, in every process that is started.
_PRETENDING = """
import platform, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mediapipe":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
sys.platform = "linux"
platform.machine = lambda: "aarch64"
"""


@pytest.fixture
def there(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that runs as if on such a machine."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_PRETENDING)
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}


def run(there: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "streamguard", *map(str, words)]
    return subprocess.run(
        command, env=there, capture_output=True, text=True, check=False, timeout=100
    )


def anonymized(there: dict[str, str], path: Path, out: Path) -> dict[str, Any]:
    """Return the report of a run that covers in black."""
    report = out.with_suffix(".json")
    options = ["--effect", "solid", "--report", report, "-q"]
    done = run(there, "anonymize", path, "-o", out, *options)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def middle(picture: NDArray[np.uint8], scale: float, left: int = 0) -> NDArray[np.uint8]:
    """Return the inner half of the face in a picture."""
    x1, y1, x2, y2 = (scale * edge for edge in FACE)
    dx, dy = (x2 - x1) / 4, (y2 - y1) / 4
    return picture[int(y1 + dy) : int(y2 - dy), int(x1 + dx) + left : int(x2 - dx) + left]


def test_a_video(there: dict[str, str], face_clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    report = anonymized(there, face_clip, out)
    assert report["detectors"] == ["yunet", "centerface"]
    assert "mediapipe" not in report["versions"]
    assert report["local_execution"] is True
    with av.open(str(out)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            face = middle(np.asarray(frame.to_ndarray(format="gray"), np.uint8), 0.5, 2 * number)
            assert face.max() < 40
    assert number == 49


def test_a_photo(there: dict[str, str], astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    path, out = tmp_path / "in.png", tmp_path / "out.png"
    Image.fromarray(astronaut).save(path)
    report = anonymized(there, path, out)
    assert report["detectors"] == ["yunet", "centerface"]
    assert middle(np.asarray(Image.open(out).convert("L")), 1.0).max() < 40


def test_the_doctor_says_who_looks(there: dict[str, str]) -> None:
    done = run(there, "doctor", "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0
    said = checks["primary detector"]["detail"]
    assert said == "yunet; mediapipe 0.10.33 was not made for this system"
    assert checks["detectors"]["detail"] == "yunet, centerface run"
    assert "mediapipe is not used" in checks["no usage metrics"]["detail"]
    assert "mediapipe" not in checks
    assert "import mediapipe" not in checks


def test_a_relay_starts_and_shows_pictures(there: dict[str, str], tmp_path: Path) -> None:
    out, part = tmp_path / "out.mp4", tmp_path / "out.part.mp4"
    words = ["relay", f"lavfi:{source_graph()}", str(out), "--quality", "fast"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamguard", *words], env=there, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size > 3_000):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait(5)
    judge = Judge()
    judge.look_at_file(out)
    # What is "raw" to the judge of other tests is no face to these detectors.
    assert judge.scenes + judge.raw > 5


def test_here_it_is_mediapipe() -> None:
    assert (HAS_MEDIAPIPE, PRIMARY) == (True, "mediapipe")


@pytest.mark.parametrize(
    ("system", "machine", "is_asked_for"),
    [
        ("linux", "x86_64", True),
        ("linux", "aarch64", False),
        ("darwin", "arm64", True),
        ("win32", "AMD64", True),
    ],
)
def test_mediapipe_is_asked_for_where_it_was_made_for(
    system: str, machine: str, is_asked_for: bool
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (found,) = [Requirement(n) for n in project["dependencies"] if n.startswith("mediapipe")]
    assert found.marker is not None
    environment = {"sys_platform": system, "platform_machine": machine}
    assert found.marker.evaluate(environment) is is_asked_for
