"""QR and bar codes: where they are hidden nobody reads them any more, in any frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from code_kit import MOTIONS, Gray, Place, bar_code, clip, draw, ground, is_readable, qr_code
from frames_kit import as_frame, covered

from streamguard.cli import run
from streamguard.detection import default_detectors
from streamguard.detection.looks import Role
from streamguard.detection.opencv_codes import CodeDetector
from streamguard.detection.schedule import Schedule
from streamguard.detection.subjects import SUBJECTS
from streamguard.geometry import Detection, containment
from streamguard.plans import Quality
from streamguard.protocols import Detector
from streamguard.settings import Effect, RedactionSettings, Settings

SIZE, FRAMES = (480, 270), 20
CODES = {"qr": (qr_code, 3.5), "ean": (bar_code, 2.0)}
"""What draws each kind of code, and the pixels of a module in the clips."""


def rgb(picture: Gray) -> np.ndarray:
    return np.repeat(picture[..., None], 3, axis=2)


def hidden(pictures: Iterable[Gray], settings: Settings, *, still: bool = False) -> list[Gray]:
    frames = [as_frame(rgb(picture), "yuv420p", n) for n, picture in enumerate(pictures)]
    return [
        np.asarray(picture.to_ndarray(format="gray"), np.uint8)
        for _, picture in covered(frames, settings, still=still)
    ]


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize("kind", CODES)
def test_nobody_reads_a_code_in_any_frame(kind: str, motion: str) -> None:
    code, module = CODES[kind]
    pictures = list(clip(code(), motion, SIZE, FRAMES, module))
    assert any(is_readable(picture) for picture in pictures[::3])
    for number, picture in enumerate(hidden(pictures, Settings(hide=("code",)))):
        assert not is_readable(picture), f"frame {number}"


@pytest.mark.parametrize("effect", Effect)
def test_nobody_reads_a_code_under_any_effect(effect: Effect) -> None:
    settings = Settings(hide=("code",), redaction=RedactionSettings(effect=effect))
    pictures = list(clip(qr_code(), "still", SIZE, 3, 6.0))
    assert all(is_readable(picture) for picture in pictures)
    assert not any(is_readable(picture) for picture in hidden(pictures, settings))


def test_photos_are_looked_at_for_codes_at_full_size() -> None:
    picture = ground(2000, 1300)
    for place, code in ((Place(500, 400, 99), qr_code()), (Place(1500, 900, 240), bar_code())):
        draw(picture, code, place)
    assert is_readable(picture)
    (after,) = hidden([picture], Settings(hide=("code",)), still=True)
    assert not is_readable(after)


def test_a_photo_is_shown_once_to_who_finds_codes_any_way_up() -> None:
    plan = SUBJECTS["code"].plan(Settings(quality=Quality.THOROUGH).plan.for_still())
    looks = Schedule(plan, 4000, 3000).still_looks()
    assert [(look.role, look.width) for look in looks] == [
        (Role.SECOND, 4000),
        (Role.PRIMARY, 2880),
    ]


def test_codes_stay_where_only_faces_are_hidden() -> None:
    pictures = list(clip(qr_code(), "still", SIZE, 2, 6.0))
    assert all(is_readable(picture) for picture in hidden(pictures, Settings()))


def test_for_codes_alone_no_detector_of_faces_is_made() -> None:
    crews = default_detectors(Settings(hide=("code",), detector="there is none"))
    assert {label: {d.name for d in crew.values()} for label, crew in crews.items()} == {
        "code": {"opencv-codes"}
    }


@pytest.mark.parametrize("code", [qr_code(), bar_code()], ids=["qr", "ean"])
@pytest.mark.parametrize("angle", [0, 20, 45, 90, 200])
def test_codes_are_found_whatever_way_up(code: Gray, angle: float) -> None:
    picture, place = ground(960, 540), Place(430, 260, 3.0 * code.shape[1], angle, 0.05)
    draw(picture, code, place)
    detector = CodeDetector()
    assert isinstance(detector, Detector)
    found = detector.detect(rgb(picture), 0)
    corners = place.corners(code)
    assert len(found) == 1
    x, y = found[0].box.center
    assert np.hypot(x - 430, y - 260) < 20
    assert found[0].label == "code"
    width, height = np.ptp(corners, axis=0)
    assert found[0].box.width > 0.7 * width or found[0].box.height > 0.7 * height
    detector.close()
    detector.close()


def test_codes_are_found_where_they_are_in_a_large_picture() -> None:
    picture = ground(1920, 1080)
    draw(picture, qr_code(), Place(300, 300, 120))
    draw(picture, bar_code(), Place(1300, 700, 260))
    places = {(round(x, -2), round(y, -2)) for x, y in map(center, detected(picture))}
    assert places == {(300, 300), (1300, 700)}


def center(found: Detection) -> tuple[float, float]:
    return found.box.center


def detected(picture: Gray) -> Sequence[Detection]:
    return CodeDetector().detect(rgb(picture), 0)


def test_two_codes_are_two_and_a_ground_is_none() -> None:
    picture = ground(960, 540)
    assert CodeDetector().detect(rgb(picture), 0) == []
    draw(picture, qr_code(), Place(200, 200, 120))
    draw(picture, bar_code(), Place(650, 300, 260))
    boxes = [found.box for found in CodeDetector().detect(rgb(picture), 0)]
    assert len(boxes) == 2
    assert containment(*boxes) == 0


@pytest.mark.parametrize("size", [(1, 1), (23, 500), (500, 7), (25, 25)])
def test_pictures_too_small_for_a_code_hold_none(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    assert CodeDetector().detect(picture, 0) == []


@pytest.fixture
def ticket(tmp_path: Path) -> Path:
    """A film of a ticket with a QR code."""
    path = tmp_path / "ticket.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for n, picture in enumerate(clip(qr_code(), "moves", SIZE, 12, 4.0)):
            container.mux(stream.encode(as_frame(rgb(picture), "yuv420p", n).picture))
        container.mux(stream.encode(None))
    return path


def readable_frames(path: Path) -> list[bool]:
    with av.open(str(path)) as container:
        pictures = [picture.to_ndarray(format="gray") for picture in container.decode(video=0)]
    return [is_readable(np.asarray(picture, np.uint8)) for picture in pictures]


def test_a_film_by_the_command_line_and_from_its_analysis(
    ticket: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sum(readable_frames(ticket)) > 6
    options = ["--hide", "code", "--effect", "code=solid", "--color", "#102080"]
    out, again = ticket.with_name("out.mp4"), ticket.with_name("again.mp4")
    assert run(["anonymize", str(ticket), "-o", str(out), *options]) == 0
    assert "1 code covered in 12 of 12 frames" in capsys.readouterr().out
    assert not any(readable_frames(out))
    assert run(["analyze", str(ticket), *options]) == 0
    assert run(["render", f"{ticket}.analysis", "-o", str(again)]) == 0
    assert again.read_bytes() == out.read_bytes()


def test_verifying_needs_faces_to_be_hidden(
    ticket: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["anonymize", str(ticket), "--hide", "code", "--verify"]) == 2
    assert "--hide does not name them" in capsys.readouterr().err
