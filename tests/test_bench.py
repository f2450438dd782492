"""The measuring instrument: the leak score knows bare from covered, and in vain."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import FACE, ROOT

LEAK = ROOT / "tests" / "bench" / "leak.py"
FRAMES = 50
BLACK = "ffmpeg -v error -i {{input}} -an -vf drawbox=t=fill:{box} {{output}}"


def score(face_clip: Path, folder: Path, command: str, *, ignore: bool = False) -> dict[str, float]:
    (folder / "face.mp4").symlink_to(face_clip)
    x1, y1, x2, y2 = (side // 2 for side in FACE)
    boxes = [[[x1 + 2 * n, y1, x2 - x1, y2 - y1]] for n in range(FRAMES)]
    entries = [
        {
            "file": "face.mp4",
            "frame": n,
            "faces": [] if ignore else boxes[n],
            "ignore": boxes[n] if ignore else [],
        }
        for n in range(FRAMES)
    ]
    (folder / "gt.json").write_text(json.dumps(entries))
    figures = folder / "figures.json"
    subprocess.run(
        [sys.executable, LEAK, folder, "--command", command, "--json", figures],
        check=True,
        capture_output=True,
    )
    return dict(json.loads(figures.read_text())["all clips"])


@pytest.mark.parametrize(
    ("command", "covered", "run", "in_vain"),
    [
        ("cp {input} {output}", (0, 0), 50, (0, 0.001)),
        (BLACK.format(box="x=60:y=10:w=200:h=120"), (1, 1), 0, (0.02, 0.2)),
        (BLACK.format(box="x=60:y=10:w=200:h=120:enable=lt(n\\\\,30)"), (0.6, 0.6), 20, (0, 0.15)),
        (BLACK.format(box="x=0:y=200:w=320:h=40"), (0, 0), 50, (0.05, 0.17)),
    ],
    ids=["copied", "covered", "covered until frame 30", "elsewhere"],
)
def test_leak_score(
    face_clip: Path,
    tmp_path: Path,
    command: str,
    covered: tuple[float, float],
    run: int,
    in_vain: tuple[float, float],
) -> None:
    figures = score(face_clip, tmp_path, command)
    assert figures["faces"] == FRAMES
    assert covered[0] <= figures["covered"] <= covered[1]
    assert figures["run"] == run
    assert in_vain[0] <= figures["in vain"] <= in_vain[1]


def test_ignored_boxes_count_neither_way(face_clip: Path, tmp_path: Path) -> None:
    figures = score(face_clip, tmp_path, BLACK.format(box="x=120:y=40:w=70:h=50"), ignore=True)
    assert figures["faces"] == 0
    assert figures["run"] == 0
    assert figures["in vain"] < 0.05


def test_a_file_that_fails_is_not_passed_over(face_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        score(face_clip, tmp_path, "false {input} {output}")
