"""The examples do what they say."""

from __future__ import annotations

import runpy
from pathlib import Path

import av
from conftest import ROOT


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_file_example(face_clip: Path, tmp_path: Path) -> None:
    main = runpy.run_path(str(ROOT / "samples" / "anonymize_file.py"))["main"]
    report = main(str(face_clip), str(tmp_path / "out.mp4"))
    assert report.frames_with_faces == report.frames == frames_in(tmp_path / "out.mp4")


def test_frames_example(face_clip: Path, tmp_path: Path) -> None:
    main = runpy.run_path(str(ROOT / "samples" / "anonymize_frames.py"))["main"]
    assert main(str(face_clip), str(tmp_path / "out.avi")) == 50
    assert frames_in(tmp_path / "out.avi") == 50
