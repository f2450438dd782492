"""The example of docs/subjects.md, tried as a newcomer would."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from frames_kit import as_frame, covered
from numpy.typing import NDArray

from streamguard.detection import subjects
from streamguard.detection.subjects.subject import Subject
from streamguard.protocols import Detector
from streamguard.settings import Effect, RedactionSettings, Settings

PAGE = (Path(__file__).parent.parent / "docs" / "subjects.md").read_text("utf-8")
CARD_GREEN = (20, 230, 30)
SIZE = (240, 160)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Subject:
    """Follow the page: two new modules, one line of the registry."""
    names = re.findall(r"`streamguard/(detection/\S+)\.py`[^`]*\n\n```python", PAGE)
    codes = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert len(names) == len(codes) == 2
    for name, code in zip(names, codes, strict=True):
        module = ModuleType(f"streamguard.{name.replace('/', '.')}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(code, f"{name}.py", "exec"), vars(module))
    (line,) = re.findall(r"^    ([A-Z]+),$", PAGE, re.MULTILINE)
    found = getattr(module, line)
    assert isinstance(found, Subject)
    monkeypatch.setitem(subjects.SUBJECTS, found.label, found)
    return found


def picture(n: int) -> NDArray[np.uint8]:
    """A grey picture in which a card moves to the right."""
    width, height = SIZE
    noise = np.random.default_rng(4).integers(90, 150, (height, width, 1), np.uint8)
    canvas = np.repeat(noise, 3, axis=2)
    canvas[60:90, 30 + 3 * n : 80 + 3 * n] = CARD_GREEN
    return canvas


def green_left(settings: Settings) -> list[int]:
    """How many green pixels each frame shows."""
    frames = [as_frame(picture(n), "yuv444p", n) for n in range(25)]
    shown = [p.to_ndarray(format="rgb24").astype(int) for _, p in covered(frames, settings)]
    return [int((rgb[..., 1] - rgb[..., [0, 2]].max(axis=2) > 60).sum()) for rgb in shown]


def test_a_kind_that_is_added_by_the_page_is_hidden(card: Subject) -> None:
    assert min(green_left(Settings())) > 1000
    settings = Settings(hide=(card.label,))
    assert max(green_left(settings)) == 0
    # Of the colour of the card, only the averages of a blur keep some.
    blurred = RedactionSettings(effects=((card.label, Effect.BLUR),))
    assert max(green_left(Settings(hide=(card.label,), redaction=blurred))) > 0


def test_its_detector_is_one(card: Subject) -> None:
    (detector,) = card.detectors(Settings().plan).values()
    assert isinstance(detector, Detector)
    assert detector.detect(np.zeros((1, 1, 3), np.uint8), 0) == []
    (found,) = detector.detect(picture(0), 0)
    assert (found.label, found.box.x1, found.box.y2) == ("card", 30, 90)


def test_it_has_a_name_on_the_command_line(
    card: Subject, capsys: pytest.CaptureFixture[str]
) -> None:
    from streamguard.cli import run

    assert run(["anonymize", "x", "--hide", "moon"]) == 2
    assert f"{card.label} ({card.words})" in capsys.readouterr().err
