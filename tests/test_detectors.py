"""One contract for every detector, our own and the one in the docs; and where they come from."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import FACE, ROOT
from numpy.typing import NDArray

from streamguard import Settings
from streamguard.api import anonymize
from streamguard.cli import run
from streamguard.detection import default_detectors
from streamguard.detection.looks import Role
from streamguard.detection.registry import detector_names, make_detector
from streamguard.errors import SystemNotReadyError, UsageError
from streamguard.geometry import Box, containment, iou
from streamguard.protocols import BatchDetector, Detector

THRESHOLD = 0.3
DOCS = ROOT / "docs" / "detectors.md"


def example(language: str) -> str:
    """Return the only block of that language in the docs."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    return str(block)


def announce(folder: Path, *lines: str) -> None:
    """Make a folder look to Python like the installed package of somebody else."""
    info = folder / "somebody_else-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somebody-else\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(["[streamguard.detectors]", *lines]))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, for packages of somebody else."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def haar(package: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example of the docs, installed."""
    points = tomllib.loads(example("toml"))["project"]["entry-points"]["streamguard.detectors"]
    announce(package, *(f"{name} = {value}" for name, value in points.items()))
    (package / "haar.py").write_text(example("python"))
    monkeypatch.delitem(sys.modules, "haar", raising=False)
    (name,) = points
    return str(name)


@pytest.fixture(params=["mediapipe", "centerface", "yunet", "haar"])
def detector(request: pytest.FixtureRequest) -> Iterator[Detector]:
    if request.param == "haar":
        request.getfixturevalue("haar")
    made = make_detector(request.param, THRESHOLD)
    yield made
    made.close()


def test_it_has_the_name_it_is_called_by(detector: Detector) -> None:
    assert isinstance(detector, Detector)
    assert detector.name in ("mediapipe", "centerface", "yunet", "haar")


@pytest.mark.parametrize("side", [512, 333])
def test_it_finds_the_face_and_says_where(
    detector: Detector, astronaut: NDArray[np.uint8], side: int
) -> None:
    image = cv2.resize(astronaut, (side, side), interpolation=cv2.INTER_AREA)
    face = Box(*FACE).scale(side / 512, side / 512)
    found = detector.detect(np.asarray(image, np.uint8), 0)
    hits = [d for d in found if containment(d.box, face) > 0.6]
    assert len(hits) == 1
    for detection in found:
        assert detection.label == "face"
        assert THRESHOLD <= detection.confidence <= 1
        assert detection.box.is_finite
        assert detection.box.area > 0


def test_it_sees_nothing_where_there_is_nothing(detector: Detector) -> None:
    for level in (0, 90, 255):
        assert not detector.detect(np.full((240, 320, 3), level, np.uint8), 0)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 500), (500, 1), (2, 3), (31, 33), (128, 128), (97, 501), (720, 1280)]
)
def test_it_takes_pictures_of_any_size(detector: Detector, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for detection in detector.detect(noise, 0):
        assert detection.box.is_finite


def test_it_does_not_write_to_the_picture(detector: Detector, astronaut: NDArray[np.uint8]) -> None:
    image = astronaut.copy()
    detector.detect(image, 0)
    assert (image == astronaut).all()
    image.flags.writeable = False
    detector.detect(image, 1)


def test_times_may_repeat_and_sizes_alternate(
    detector: Detector, astronaut: NDArray[np.uint8]
) -> None:
    # The second look at the same picture must not suffer from what was looked at in between.
    def faces(time_ms: int) -> list[Box]:
        return [d.box for d in detector.detect(astronaut, time_ms)]

    first = faces(0)
    detector.detect(np.zeros((64, 200, 3), np.uint8), 0)
    detector.detect(np.zeros((200, 64, 3), np.uint8), 40)
    again = faces(40)
    assert len(again) == len(first) >= 1
    assert containment(first[0], again[0]) > 0.95


def test_it_can_be_closed_twice(detector: Detector) -> None:
    detector.close()
    detector.close()


def test_a_higher_threshold_returns_fewer(astronaut: NDArray[np.uint8]) -> None:
    for name in ("mediapipe", "centerface", "yunet"):
        low, high = make_detector(name, 0.05), make_detector(name, 0.6)
        assert len(low.detect(astronaut, 0)) >= len(high.detect(astronaut, 0))
        assert all(d.confidence >= 0.6 for d in high.detect(astronaut, 40))
        low.close()
        high.close()


def test_who_plays_which_part() -> None:
    crews = default_detectors(Settings())
    assert list(crews) == ["face"]
    detectors = crews["face"]
    assert {role: d.name for role, d in detectors.items()} == {
        Role.PRIMARY: "mediapipe",
        Role.PROPOSER: "yunet",
        Role.SECOND: "centerface",
    }
    for detector in detectors.values():
        detector.close()


def test_a_detector_of_another_package_gives_the_second_opinion(
    haar: str, face_clip: Path, tmp_path: Path
) -> None:
    assert haar in detector_names()
    report = anonymize(face_clip, tmp_path / "out.mp4", Settings(detector=haar))
    assert report.detectors == ("mediapipe", "yunet", "haar")
    assert report.frames_with_faces == 50
    # Nobody here can vouch for somebody else's code.
    assert (report.local_execution, report.data_uploaded) == (False, None)


@pytest.mark.usefixtures("haar")
def test_a_detector_of_another_package_on_the_command_line(face_clip: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    out = tmp_path / "out.mp4"
    options = ["--detector", "haar", "--report", str(report), "-q"]
    assert run(["anonymize", str(face_clip), "-o", str(out), *options]) == 0
    assert json.loads(report.read_text())["detectors"] == ["mediapipe", "yunet", "haar"]


def test_an_unknown_name_is_wrong_usage(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert run(["anonymize", str(face_clip), "-o", str(out), "--detector", "x"]) == 2
    assert "no detector 'x'. there are centerface, mediapipe, yunet" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "does not start: ModuleNotFoundError"),
        ("X = 3", "does not start: TypeError"),
        ("def X(threshold): raise OSError('no GPU')", "does not start: OSError: no GPU"),
        ("def X(threshold): return object()", "is not a detector"),
        ("Y = 3", "does not start: AttributeError"),
    ],
)
def test_a_detector_that_does_not_start_is_said_so(
    package: Path, code: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(package, "bad = badly_made:X")
    monkeypatch.delitem(sys.modules, "badly_made", raising=False)
    if code is not None:
        (package / "badly_made.py").write_text(code)
    with pytest.raises(SystemNotReadyError, match=words):
        make_detector("bad", 0.5)
    monkeypatch.delitem(sys.modules, "badly_made", raising=False)


def test_nobody_takes_the_place_of_our_own(package: Path) -> None:
    announce(package, "centerface = evil:Detector")
    detector = make_detector("centerface", 0.5)
    assert type(detector).__module__ == "streamguard.detection.centerface"
    detector.close()


def test_no_such_detector() -> None:
    with pytest.raises(UsageError, match="there are centerface, mediapipe, yunet"):
        make_detector("nobody", 0.5)


def test_many_pictures_are_seen_as_one_by_one(astronaut: NDArray[np.uint8]) -> None:
    moves = [(dx, dy) for dx in (-40, 0, 40) for dy in (-40, 0, 40)]
    crops = []
    for dx, dy in moves:
        x1, y1, x2, y2 = (int(edge) for edge in np.add(FACE, (dx, dy, dx, dy)))
        part = np.ascontiguousarray(astronaut[max(0, y1 - 20) : y2 + 60, x1 - 60 : x2 + 60])
        # Neither side is a multiple of what the net takes.
        crops.append(np.asarray(cv2.resize(part, (120, 125)), np.uint8))
    crops.append(np.zeros_like(crops[0]))
    detector = make_detector("centerface", 0.12)
    assert isinstance(detector, BatchDetector)
    single = [list(detector.detect(crop, 0)) for crop in crops]
    together = [list(found) for found in detector.detect_many(crops, 0)]
    detector.close()
    assert sum(map(len, single[:-1])) >= len(moves)
    assert not single[-1]
    assert [len(found) for found in together] == [len(found) for found in single]
    for ours, alone in zip(together, single, strict=True):
        for one, other in zip(ours, alone, strict=True):
            assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
            assert iou(one.box, other.box) > 0.999


@pytest.mark.parametrize("degrees", [-40, -20, 0, 20, 40])
def test_centerface_says_how_far_a_face_is_turned(
    degrees: float, astronaut: NDArray[np.uint8]
) -> None:
    height, width = astronaut.shape[:2]
    # OpenCV counts the other way round.
    move = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
    turned = np.asarray(cv2.warpAffine(astronaut, move, (width, height)), np.uint8)
    detector = make_detector("centerface", 0.4)
    face = max(detector.detect(turned, 0), key=lambda found: found.confidence)
    # She holds her head a little askew.
    assert face.roll == pytest.approx(degrees, abs=15)
