"""Zones: areas that are always covered, areas where faces do not matter, in files and live."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamguard import anonymize
from streamguard.cli import run
from streamguard.cli.zones import zones_from
from streamguard.errors import UsageError
from streamguard.frames import Cover, Frame, Uncovered, Verdict
from streamguard.geometry import ZONE, Box
from streamguard.judges.zones import Zones, contains, holds, with_zones
from streamguard.outlines import Polygon
from streamguard.plans import DetectionPlan
from streamguard.protocols import AdaptiveJudge, Judge
from streamguard.settings import Effect, RedactionSettings, Settings
from streamguard.sources.arrays import frame_of
from streamguard.zone_settings import Corners, ZoneSettings

SQUARE: Corners = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
NOTCHED = Polygon(((0, 0), (10, 0), (10, 10), (6, 10), (6, 2), (4, 2), (4, 10), (0, 10)))


class Fixed:
    """A judge that decides the same of every frame, and holds one back."""

    def __init__(self, *boxes: Box, slate: str = "") -> None:
        self._covers = tuple(Cover(box, number) for number, box in enumerate(boxes, 1))
        self._slate = slate
        self._held: list[Frame] = []
        self.plans: list[DetectionPlan] = []
        self.closed = False

    def push(self, frame: Frame) -> list[Verdict]:
        self._held.append(frame)
        return self.finish() if len(self._held) > 1 else []

    def finish(self) -> list[Verdict]:
        frame = self._held.pop(0)
        return [Verdict(frame, () if self._slate else self._covers, self._slate)]

    def adapt(self, plan: DetectionPlan) -> None:
        self.plans.append(plan)

    def close(self) -> None:
        self.closed = True


def blank(turns: int = 0) -> Frame:
    frame = frame_of(np.zeros((100, 200, 3), np.uint8), 0, 0.0)
    return Frame(frame.picture, 0, 0.0, turns)


def verdict_of(judge: Judge, frame: Frame) -> Verdict:
    assert judge.push(frame) == []
    (verdict,) = judge.finish()
    return verdict


def test_what_lies_wholly_inside_is_left_out_and_told() -> None:
    inside, outside, across = Box(80, 40, 100, 60), Box(0, 0, 20, 20), Box(40, 40, 60, 60)
    judge = Zones(Fixed(inside, outside, across), ZoneSettings(ignore=(SQUARE,)))
    verdict = verdict_of(judge, blank())
    # A face at the edge may be half outside.
    assert verdict.covers == (Cover(outside, 2), Cover(across, 3))
    (candidate,) = verdict.candidates
    assert (candidate.box, candidate.track_id) == (inside, 1)
    assert candidate.reason is Uncovered.IGNORED


def test_each_zone_is_a_polygon_with_a_track_of_its_own() -> None:
    other: Corners = ((0, 0), (1, 0), (1, 1))
    judge = Zones(Fixed(Box(0, 0, 9, 9)), ZoneSettings(cover=(SQUARE, other)))
    verdict = verdict_of(judge, blank())
    square = Polygon(((50, 25), (150, 25), (150, 75), (50, 75)))
    assert verdict.covers[1] == Cover(square, -1, ZONE)
    assert verdict.covers[2] == Cover(Polygon(((0, 0), (200, 0), (200, 100))), -2, ZONE)
    assert verdict.track_ids == {1}


@pytest.mark.parametrize(
    ("turns", "corner"), [(0, (0, 0)), (1, (0, 100)), (2, (200, 100)), (3, (200, 0))]
)
def test_zones_are_given_in_the_picture_as_it_is_shown(
    turns: int, corner: tuple[float, float]
) -> None:
    upper_left: Corners = ((0, 0), (0.1, 0), (0, 0.1))
    judge = Zones(Fixed(), ZoneSettings(cover=(upper_left,)))
    (cover,) = verdict_of(judge, blank(turns)).covers
    assert isinstance(cover.outline, Polygon)
    assert cover.outline.points[0] == corner


def test_zones_are_mirrored_where_the_picture_is() -> None:
    upper_left: Corners = ((0, 0), (0.1, 0), (0, 0.1))
    judge = Zones(Fixed(), ZoneSettings(cover=(upper_left,)), mirrored=True)
    (cover,) = verdict_of(judge, blank(1)).covers
    assert isinstance(cover.outline, Polygon)
    # Shown it is 100 wide and 200 tall: mirrored, its upper left is what was its upper right.
    assert cover.outline.points == ((0, 0), (0, 10), (20, 0))


def test_a_slate_stays_whole() -> None:
    judge = Zones(Fixed(slate="damaged"), ZoneSettings(cover=(SQUARE,), ignore=(SQUARE,)))
    verdict = verdict_of(judge, blank())
    assert (verdict.slate, verdict.covers) == ("damaged", ())


def test_the_other_judge_is_told_of_plans_and_of_the_end() -> None:
    fixed = Fixed()
    judge = with_zones(fixed, ZoneSettings(cover=(SQUARE,)))
    assert isinstance(judge, AdaptiveJudge)
    judge.adapt(Settings().plan)
    judge.close()
    assert fixed.plans == [Settings().plan]
    assert fixed.closed
    assert with_zones(fixed, ZoneSettings()) is fixed


def test_a_notch_of_a_zone_is_not_inside() -> None:
    assert holds(NOTCHED, Box(1, 3, 3, 8))
    assert not holds(NOTCHED, Box(1, 1, 9, 9))
    assert holds(NOTCHED, Box(0.5, 0.5, 9.5, 1.9))


@given(st.floats(0.26, 0.74), st.floats(0.26, 0.74))
def test_points_inside_a_polygon(x: float, y: float) -> None:
    assert contains(SQUARE, x, y)
    assert not contains(SQUARE, x + 0.5, y)
    assert not contains(SQUARE, x, y - 0.5)


def written(folder: Path, document: object) -> Path:
    path = folder / "zones.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def test_a_file_of_zones(tmp_path: Path) -> None:
    read = zones_from(written(tmp_path, {"cover": [SQUARE]}))
    assert read == ZoneSettings(cover=(SQUARE,))


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"hide": []},
        {"cover": [[[0, 0], [1, 1]]]},
        {"cover": [[[0, 0], [1, 1], [2, 0]]]},
        {"cover": [[[0, 0], [1, 1], ["0.5", 0]]]},
        {"cover": [[[0, 0], [1, 1], [True, 0]]]},
        {"cover": [[[0, 0], [1, 1], [0]]]},
        {"cover": [[[0, 0], [1, 1], [float("nan"), 0]]]},
        {"ignore": 3},
    ],
)
def test_a_file_that_says_something_else(tmp_path: Path, document: object) -> None:
    path = written(tmp_path, document)
    with pytest.raises(UsageError, match=r"zones\.json"):
        zones_from(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        zones_from(tmp_path / "none.json")


def share_of_black(path: Path, corner: Sequence[slice]) -> float:
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    return min(float((picture[tuple(corner)] < 24).mean()) for picture in pictures)


def test_zones_hold_for_files(tmp_path: Path, face_clip: Path) -> None:
    """By the command line: one corner black in every frame, and no face found in the whole."""
    zones = {
        "cover": [[[0, 0], [0.2, 0], [0.2, 0.2], [0, 0.2]]],
        "ignore": [[[0, 0], [1, 0], [1, 1], [0, 1]]],
    }
    output, report = tmp_path / "out.mp4", tmp_path / "report.json"
    args = ["anonymize", str(face_clip), "-o", str(output), "--effect", "solid", "--quiet"]
    args += ["--zones", str(written(tmp_path, zones)), "--report", str(report)]
    assert run(args) == 0
    told = json.loads(report.read_text("utf-8"))
    assert (told["frames"], told["frames_with_faces"], told["tracks"]) == (50, 0, [])
    with av.open(str(output)) as container:
        width, height = container.streams.video[0].width, container.streams.video[0].height
    inside = (slice(0, height // 6), slice(0, width // 6))
    assert share_of_black(output, inside) > 0.99


def test_a_zone_that_is_ignored_frees_no_face_beside_it(tmp_path: Path, face_clip: Path) -> None:
    corner: Corners = ((0, 0), (0.1, 0), (0.1, 0.1))
    settings = Settings(
        redaction=RedactionSettings(effect=Effect.SOLID), zones=ZoneSettings(ignore=(corner,))
    )
    report = anonymize(face_clip, tmp_path / "out.mp4", settings)
    assert report.frames_with_faces == 50
