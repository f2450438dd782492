"""``streamguard export``: the boxes of an analysis in a file or on standard output."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

import pytest
from analysis_kit import moving, verdict, write_analysis

from streamguard.cli import run


@pytest.fixture
def analysis(tmp_path: Path) -> Path:
    verdicts = [verdict(index, [moving(1, index)]) for index in range(70)]
    verdicts[5] = verdict(5, damage="patched up")
    return write_analysis(tmp_path / "clip.mp4.analysis", verdicts)


def test_csv_on_standard_output(analysis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(analysis), "--format", "csv"]) == 0
    lines = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [int(line["frame"]) for line in lines] == list(range(70))
    # The clip lies on its side: 64 by 48 pixels are shown as 48 by 64.
    assert {(line["width"], line["height"]) for line in lines} == {("48", "64")}
    assert (lines[5]["label"], lines[5]["source"]) == ("slate", "patched up")
    assert [lines[3][name] for name in ("x1", "y1", "x2", "y2")] == ["33", "3", "45", "13"]


def test_coco_in_a_file_that_only_its_owner_reads(analysis: Path, tmp_path: Path) -> None:
    output = tmp_path / "boxes.json"
    assert run(["export", str(analysis), "--format", "coco", "-o", str(output)]) == 0
    content = json.loads(output.read_text())
    assert (len(content["images"]), len(content["annotations"])) == (70, 70)
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


def test_what_is_there_is_not_replaced(
    analysis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "boxes.vtt"
    output.write_text("mine")
    words = ["export", str(analysis), "--format", "webvtt", "-o"]
    assert run([*words, str(output)]) == 1
    assert "exists" in capsys.readouterr().err
    assert run([*words, str(analysis)]) == 2
    assert run([*words, str(output), "--overwrite"]) == 0
    assert output.read_text().startswith("WEBVTT\n")


def test_no_analysis_no_boxes(
    analysis: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(analysis.read_bytes())
    content[len(content) // 2] ^= 1
    analysis.write_bytes(content)
    output = tmp_path / "boxes.json"
    assert run(["export", str(analysis), "--format", "coco", "-o", str(output)]) == 1
    assert not output.exists()
    assert "damaged" in capsys.readouterr().err
