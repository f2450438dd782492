"""The measuring instruments: they know bare from covered, and in vain."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import FACE, ROOT
from numpy.typing import NDArray
from skimage import data

from streamguard.geometry import Box
from streamguard.plans import Quality

TABLE = ROOT / "tests" / "bench" / "table.py"
FRAMES = 50
BLACK = "ffmpeg -v error -i {{input}} -an -vf drawbox=t=fill:{box} {{output}}"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(TABLE.parent)


def annotate(face_clip: Path, folder: Path, *, ignore: bool = False) -> None:
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


def tabled(folder: Path, *options: str) -> dict[str, dict[str, float]]:
    """Return the rows of a table by their names."""
    figures = folder / "figures.json"
    subprocess.run(
        [sys.executable, TABLE, folder, *options, "--json", figures],
        check=True,
        capture_output=True,
    )
    (rows,) = json.loads(figures.read_text()).values()
    return dict(rows)


def score(face_clip: Path, folder: Path, command: str, *, ignore: bool = False) -> dict[str, float]:
    annotate(face_clip, folder, ignore=ignore)
    return tabled(folder, "--other", command)["all clips"]


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


def test_painted_covers_score_as_encoded_ones_do(face_clip: Path, tmp_path: Path) -> None:
    annotate(face_clip, tmp_path)
    ours = tabled(tmp_path, "--quality", "fast", "--keep", str(tmp_path / "kept"))["face.mp4"]
    command = "-m streamguard anonymize {input} -o {output} --effect solid --quality fast -q"
    encoded = tabled(tmp_path, "--other", f"{sys.executable} {command}")["face.mp4"]
    for name in ("covered", "run", "in vain", "bulk", "faces"):
        assert ours[name] == pytest.approx(encoded[name], abs=0.01), name
    assert 1 < ours["bulk"] < 3
    assert (tmp_path / "kept" / "fast" / "face.mp4.analysis").exists()


@pytest.mark.usefixtures("bench")
def test_turned_media_carry_their_boxes_along(face_clip: Path, tmp_path: Path) -> None:
    import annotated
    import variants

    annotate(face_clip, tmp_path)
    files = annotated.truth(tmp_path)
    folder, turned = variants.turned(tmp_path, files, 90, tmp_path / "turned")
    before, after = (next(annotated.lumas(each / "face.mp4")) for each in (tmp_path, folder))
    assert after.shape == before.shape[::-1]
    cuts = []
    for picture, entries in ((before, files), (after, turned)):
        x, y, w, h = entries["face.mp4"][0]["faces"][0]
        cuts.append(picture[y : y + h, x : x + w].astype(int))
    difference = abs(np.rot90(cuts[0], -1) - cuts[1])
    assert difference.mean() < 5


@pytest.mark.usefixtures("bench")
def test_scaled_photos_become_clips_of_small_faces(tmp_path: Path) -> None:
    import annotated
    import variants

    photo = data.astronaut()
    cv2.imwrite(str(tmp_path / "face.png"), photo[..., ::-1])
    x1, y1, x2, y2 = FACE
    entry = {"file": "face.png", "frame": 0, "faces": [[x1, y1, x2 - x1, y2 - y1]]}
    (tmp_path / "gt.json").write_text(json.dumps([entry]))
    folder, files = variants.scaled(tmp_path, annotated.truth(tmp_path), tmp_path / "scaled", 5)
    (entries,) = files.values()
    assert len(entries) == len(list(annotated.lumas(folder / "scaled_1.mp4")))
    heights = [h for each in entries.values() for *_, h in each["faces"]]
    assert len(heights) > 5 * 20
    assert min(heights) == pytest.approx(18, abs=0.2)
    assert max(heights) == pytest.approx(18, abs=0.2)


def test_of_a_folder_without_annotation_everything_covered_is_in_vain(
    face_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "face.mp4").symlink_to(face_clip)
    rows = tabled(tmp_path, "--other", BLACK.format(box="x=60:y=10:w=200:h=120"))
    assert rows["face.mp4"]["faces"] == 0
    assert rows["face.mp4"]["in vain"] > 0.1


@pytest.mark.usefixtures("bench")
def test_sheets_show_every_wrong_place_once(face_clip: Path, tmp_path: Path) -> None:
    import covering
    import sheets

    annotate(face_clip, tmp_path)
    entries = json.loads((tmp_path / "gt.json").read_text())
    wall = [5, 200, 30, 30]
    for entry in entries:
        entry["faces"] = [wall]
    (tmp_path / "gt.json").write_text(json.dumps(entries))
    covering.decide(tmp_path / "face.mp4", tmp_path / "face.mp4.analysis", Quality.FAST)
    found = sheets.wrongs(tmp_path, tmp_path, "")
    for kind, each in zip(("in vain", "bare"), found, strict=True):
        assert len(each) >= FRAMES, kind
        chosen = sheets.worst(each, 9, FRAMES)
        assert 1 <= len(chosen) < 4, kind
        tiles = sheets.tiles(tmp_path, tmp_path, chosen, "px")
        sheets.write(tmp_path, kind, tiles)
        drawn = cv2.imread(str(tmp_path / f"{kind}-1.png"))
        assert drawn is not None
        assert (drawn == (0, 0, 255)).all(axis=2).sum() > 100, kind
    assert {each.box for each in found[1]} == {Box(5, 200, 35, 230)}


@pytest.mark.usefixtures("bench")
@pytest.mark.parametrize("exact", [False, True])
def test_a_bare_face_in_the_dark_is_bare_only_if_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exact: bool
) -> None:
    import table

    night, nothing = np.full((60, 80), 20, np.uint8), np.zeros((60, 80), np.bool_)
    monkeypatch.setattr(table, "decide", lambda *_: None)
    monkeypatch.setattr(table, "decided", lambda *_: [(night, nothing)])
    measure = table.by_us(Quality.FAST, tmp_path, tmp_path, exact=exact)
    figures = measure(tmp_path / "night.mp4", {0: {"faces": [[10, 10, 20, 20]]}}).figures()
    assert figures["covered"] == (0 if exact else 1)
    assert figures["faces"] == 1


@pytest.mark.usefixtures("bench")
def test_made_clips_carry_their_boxes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    import own_clips

    monkeypatch.setattr(own_clips, "_FRAMES", 5)
    monkeypatch.setattr(own_clips, "SIZES", ((320, 240),))
    x1, y1, x2, y2 = FACE
    face = [float(side) for side in (x1, y1, x2 - x1, y2 - y1)]
    astronaut = own_clips.Photo(data.astronaut()[..., ::-1].copy(), [face], [], False)
    coffee = own_clips.Photo(data.coffee()[..., ::-1].copy(), [], [], False)
    true = patch(astronaut.picture, face)
    kinds = set()
    for name, views in own_clips.takes([astronaut] * 8, [coffee], np.random.default_rng(1)):
        kind = name.rsplit("_", 1)[0]
        kinds.add(kind)
        for view in views:
            assert view.picture.shape == (240, 320, 3)
            for x, y, w, h in view.faces:
                if kind in ("fast_pan", "shake", "tilt") or x < 0 or y < 0 or x + w > 320:
                    continue
                seen = patch(view.picture, [x, y, w, h])
                assert np.corrcoef(true.ravel(), seen.ravel())[0, 1] > 0.8, name
    assert {"pan", "zoom_in", "dark", "cuts", "cross", "enter", "leave", "pass"} <= kinds


def patch(picture: NDArray[np.uint8], box: list[float]) -> NDArray[np.float64]:
    """Return what is in a box, small and grey."""
    x, y, w, h = (round(side) for side in box)
    gray = picture[y : y + h, x : x + w].mean(2)
    return np.asarray(cv2.resize(gray, (12, 12), interpolation=cv2.INTER_AREA), np.float64)
