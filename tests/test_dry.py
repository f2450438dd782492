"""``--dry-run``: it says what a run would do, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from streamguard.cli import run


@pytest.fixture
def folder(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(astronaut).save(folder / "done.png")
    assert run(["anonymize", str(folder), "-o", str(tmp_path / "out"), "-q"]) == 0
    Image.fromarray(astronaut).save(folder / "new.png")
    (folder / "empty.png").touch()
    (folder / "notes.txt").write_text("x")
    (folder / "old.anonymized.png").write_bytes(b"x")
    Image.fromarray(astronaut).save(folder / "taken.png")
    (tmp_path / "out" / "taken.png").write_bytes(b"of the user")
    return folder


def test_every_file_has_its_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder.parent / "out"
    before = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    args = ["anonymize", str(folder), "-o", str(out), "--dry-run", "--exclude", "*.anonymized.*"]
    assert run([*args, "--json"]) == 1
    found = {}
    for line in capsys.readouterr().out.splitlines():
        entry = json.loads(line)
        found[Path(entry["input"]).name] = entry["status"], entry["reason"]
    taken = found.pop("taken.png")
    empty = found.pop("empty.png")
    assert (taken[0], empty[0]) == ("failed", "failed")
    assert "--overwrite" in taken[1]
    assert "is empty" in empty[1]
    assert found == {
        "done.png": ("skipped", "done before"),
        "new.png": ("to do", ""),
        "notes.txt": ("left out", "not a photo or video by its suffix"),
        "old.anonymized.png": ("left out", "excluded by *.anonymized.*"),
    }
    assert run([*args, "--effect", "solid"]) == 1
    table = capsys.readouterr().out
    assert "changed since it was done" in table
    assert "2 to do, 0 skipped, 2 failed, 2 left out. Nothing was written." in table
    assert {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")} == before


def test_a_single_file(face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["anonymize", str(face_clip), "--dry-run", "-o"]
    assert run([*args, str(tmp_path / "o.mp4")]) == 0
    assert "1 to do" in capsys.readouterr().out
    (tmp_path / "o.mp4").touch()
    assert run([*args, str(tmp_path / "o.mp4")]) == 1
    assert "exists" in capsys.readouterr().out
    assert run([*args, str(tmp_path / "o.mp4"), "--overwrite"]) == 0
    assert run([*args, str(tmp_path / "o.mp4"), "--report", "r.json"]) == 2
