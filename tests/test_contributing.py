"""The example of docs/contributing.md, tried as a newcomer would."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import av
import pytest
import test_sources_contract as contract

from streamguard import anonymize
from streamguard.media.medium import Medium
from streamguard.sinks import registry

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "contributing.md").read_text("utf-8")


@pytest.fixture
def y4m(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow the page: one new module, one line of the registry."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    module = ModuleType("streamguard.sinks.y4m")
    exec(compile(code, "y4m.py", "exec"), vars(module))
    (line,) = re.findall(r"^    (FILE_SINKS: .*)$", PAGE, re.MULTILINE)
    names = dict(vars(registry)) | {"Y4M": module.Y4M}
    exec(line, names)
    assert len(names["FILE_SINKS"]) == len(registry.FILE_SINKS) + 1
    monkeypatch.setattr(registry, "FILE_SINKS", names["FILE_SINKS"])


@pytest.mark.usefixtures("y4m")
def test_a_sink_that_is_added_by_the_page_keeps_the_contract(
    tmp_path: Path, face_clip: Path
) -> None:
    assert ".y4m" in registry.file_suffixes(Medium.VIDEO)
    assert registry.keeps_suffix(".y4m", Medium.VIDEO)
    for test in (
        contract.test_sink_keeps_every_frame_at_its_time,
        contract.test_sink_shows_nothing_until_closed_and_nothing_when_aborted,
        contract.test_sink_without_a_frame_writes_no_file,
    ):
        (folder := tmp_path / test.__name__).mkdir()
        test(folder, face_clip, "out.y4m")


@pytest.mark.usefixtures("y4m")
def test_a_sink_that_is_added_by_the_page_takes_an_anonymized_clip(
    tmp_path: Path, face_clip: Path
) -> None:
    report = anonymize(face_clip, tmp_path / "out.y4m")
    assert report.frames_with_faces == report.frames == 50
    with av.open(str(tmp_path / "out.y4m")) as container:
        assert len(list(container.decode(video=0))) == 50
