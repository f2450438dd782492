"""``export`` and ``analyze --boxes``: boxes for other programs, and decisions of them."""

from __future__ import annotations

import csv
import json
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from analysis_kit import moving, verdict, write_analysis

import streamguard
from streamguard.analysis.reader import open_analysis
from streamguard.cli import run
from streamguard.edits.acts import Clear, DrawBox, Group


@pytest.fixture
def analysis(tmp_path: Path) -> Path:
    verdicts = [verdict(index, [moving(1, index)]) for index in range(70)]
    verdicts[5] = verdict(5, damage="patched up")
    return write_analysis(tmp_path / "clip.mp4.analysis", verdicts)


def test_csv_on_standard_output(analysis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(analysis), "--format", "csv", "-o", "-"]) == 0
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


def decided(path: Path) -> list[Any]:
    with closing(open_analysis(path)) as opened:
        return list(opened.frames())


def test_exported_boxes_decide_as_the_detectors_did(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.analysis", tmp_path / "second.analysis"
    boxes = tmp_path / "boxes.csv"
    fast = streamguard.Settings(quality=streamguard.Quality.FAST)
    streamguard.analyze(face_clip, first, fast)
    assert run(["export", str(first), "--format", "csv", "-o", str(boxes)]) == 0
    words = ["analyze", str(face_clip), "-o", str(second), "--boxes", str(boxes)]
    assert run([*words, "--padding", "0.5"]) == 0
    assert "no detector looked" in capsys.readouterr().err
    assert decided(first) == decided(second)
    with closing(open_analysis(second)) as opened:
        assert list(opened.header.models) == ["boxes.csv"]
        (track,) = opened.tracks()
        assert (track.first, track.last, track.hits, track.sources) == (0, 49, 50, ("boxes",))
    output = tmp_path / "out.mp4"
    assert run(["render", str(second), "--input", str(face_clip), "-o", str(output)]) == 0
    assert streamguard.verify(output, face_clip, every=0.4).passed


def test_boxes_of_another_video_leave_no_analysis(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boxes, output = tmp_path / "boxes.csv", tmp_path / "out.analysis"
    head = "frame,x1,y1,x2,y2,width,height\n"
    words = ["analyze", str(face_clip), "-o", str(output), "--boxes", str(boxes)]
    for lines, said in (
        ("".join(f"{n},1,1,9,9,320,240\n" for n in range(49)), "does not mention frame 49"),
        ("".join(f"{n},1,1,9,9,320,240\n" for n in range(51)), "mentions 51 frames"),
        ("".join(f"{n},1,1,9,9,640,480\n" for n in range(50)), "is about pictures of 640x480"),
        ("0,1,1,nan,9,320,240\n", "line 2: a corner"),
    ):
        boxes.write_text(head + lines)
        assert run(words) == 1
        assert said in capsys.readouterr().err
        assert [path for path in tmp_path.iterdir() if path != boxes] == []
    (tmp_path / "boxes.xml").write_text("<boxes/>")
    assert run([*words, "--boxes", str(tmp_path / "boxes.xml")]) == 2
    assert run(["analyze", str(face_clip), str(tmp_path), "--boxes", str(boxes)]) == 2


def test_edits_are_applied(analysis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with streamguard.edit(analysis, actor="Ann") as editor:
        editor.add(Clear(track=1, first=0, last=19, confirm=True), reason="asked")
        editor.add(DrawBox(box=(1, 2, 11, 22), first=10, last=29, label="plate"))
        editor.add(Group(tracks=(1,)))
    assert run(["export", str(analysis), "--format", "coco"]) == 0
    content = json.loads(capsys.readouterr().out)
    labels = {one["id"]: one["name"] for one in content["categories"]}
    found: dict[str, list[int]] = {}
    for one in content["annotations"]:
        found.setdefault(labels[one["category_id"]], []).append(one["image_id"] - 1)
    # Frame 5 is damaged, and so stays covered as a whole.
    assert found == {"slate": [5], "plate": [*range(10, 30)], "face": [*range(20, 70)]}
    faces = [one for one in content["annotations"] if labels[one["category_id"]] == "face"]
    assert {one["person"] for one in faces} == {1}
    (drawn,) = {one["source"] for one in content["annotations"] if one["image_id"] == 11}
    assert drawn == "edit"
    assert len(content["info"]["edits"]) == 64
