"""Boxes for other programs and from them: what is written can be read, and nothing is guessed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from frames_kit import as_frame
from hypothesis import given
from hypothesis import strategies as st

from streamguard.analysis.records import FileRecord, FrameRecord, FrameState, Header
from streamguard.errors import SourceError, UsageError
from streamguard.exchange import FORMATS, read_boxes
from streamguard.exchange.rows import Boxes, areas_of
from streamguard.frames import Cover
from streamguard.geometry import Box
from streamguard.judges.given import GivenBoxesJudge
from streamguard.media.orientation import Turner
from streamguard.media.traits import Orientation
from streamguard.media.upright import Upright
from streamguard.outlines import BitMask, Polygon
from streamguard.protocols import Judge

HEADER = Header(
    files=(FileRecord("party.mp4", 1, "0" * 64),),
    width=64,
    height=48,
    pix_fmt="yuv420p",
    time_base=Fraction(1, 25),
    frame_rate=Fraction(25),
    settings={},
    versions={"streamguard": "1"},
    models={},
    created="2026-01-01T00:00:00Z",
)
FACE = Cover(Box(10, 12, 30, 40), 1)
EDGE = Cover(Box(-6, 30, 8, 60), 2)


@dataclass
class Decided:
    """A decision in memory."""

    covers: Sequence[tuple[Cover, ...]]
    header: Header = HEADER
    states: Sequence[FrameState] = ()
    decision_digest: str = "d" * 64

    @property
    def frame_count(self) -> int:
        return len(self.covers)

    def frames(self, first: int, last: int) -> Iterator[FrameRecord]:
        for index in range(first, last):
            state = self.states[index] if self.states else FrameState.JUDGED
            yield FrameRecord(index, index, self.covers[index], state, "", 64, 48)


def exported(name: str, decided: Decided, source: str = "centerface") -> str:
    out = io.StringIO(newline="")
    boxes = Boxes(decided, lambda record: record.covers, {1: source}, {1: 7}, "e" * 64)
    FORMATS[name](boxes, out)
    return out.getvalue()


def cues(text: str) -> list[tuple[float, float, dict[str, Any]]]:
    """Read WebVTT as its standard says: blocks between blank lines, the first with the name."""
    blocks = re.split(r"\n{2,}", text.strip("\n"))
    assert blocks[0] == "WEBVTT"
    found = []
    for block in blocks[1:]:
        if block.startswith("NOTE"):
            assert "-->" not in block
            continue
        timing, payload = block.split("\n")
        match = re.fullmatch(
            r"(\d\d+):(\d\d):(\d\d\.\d{3}) --> (\d\d+):(\d\d):(\d\d\.\d{3})", timing
        )
        assert match, timing
        h1, m1, s1, h2, m2, s2 = map(float, match.groups())
        assert "-->" not in payload
        found.append((h1 * 3600 + m1 * 60 + s1, h2 * 3600 + m2 * 60 + s2, json.loads(payload)))
    return found


def test_coco_is_what_its_readers_expect() -> None:
    content = json.loads(exported("coco", Decided([(FACE,), (), (FACE, EDGE)])))
    images = {image["id"]: image for image in content["images"]}
    names = {category["id"]: category["name"] for category in content["categories"]}
    assert [image["frame_index"] for image in content["images"]] == [0, 1, 2]
    assert images[1]["file_name"] == "party_000000.png"
    assert images[3]["time_s"] == 0.08
    assert {(image["width"], image["height"]) for image in images.values()} == {(64, 48)}
    assert names == {1: "face"}
    first, second, edge = content["annotations"]
    assert [entry["id"] for entry in content["annotations"]] == [1, 2, 3]
    assert first["bbox"] == [10, 12, 20, 28]
    assert first["area"] == 560
    assert (first["track_id"], first["person"], first["source"]) == (1, 7, "centerface")
    assert (second["image_id"], edge["image_id"]) == (3, 3)
    assert edge["bbox"] == [0, 30, 8, 18]
    assert edge["segmentation"] == [[0, 30, 8, 30, 8, 48, 0, 48]]
    assert (edge["iscrowd"], edge["source"], "person" in edge) == (0, "edit", False)
    assert content["info"]["decision"] == "d" * 64
    assert content["info"]["edits"] == "e" * 64


def test_csv_names_its_columns_and_mentions_every_frame() -> None:
    lines = list(csv.DictReader(io.StringIO(exported("csv", Decided([(FACE, EDGE), ()])))))
    assert list(lines[0]) == [
        *("frame", "time_s", "track_id", "person", "label"),
        *("x1", "y1", "x2", "y2", "source", "width", "height"),
    ]
    assert [line["frame"] for line in lines] == ["0", "0", "1"]
    assert [lines[1][name] for name in ("x1", "y1", "x2", "y2")] == ["-6", "30", "8", "60"]
    assert (lines[2]["x1"], lines[2]["time_s"]) == ("", "0.040000")


def test_no_cell_of_csv_is_a_formula(tmp_path: Path) -> None:
    odd = replace(FACE, label="=1+1")
    text = exported("csv", Decided([(odd,)]), "@source")
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["label"], line["source"]) == ("'=1+1", "'@source")
    path = tmp_path / "boxes.csv"
    path.write_text(text)
    assert read_boxes(path).of(0)[0].label == "=1+1"


def test_webvtt_joins_frames_that_hide_the_same() -> None:
    odd = "a --> b\n\nc"
    text = exported("webvtt", Decided([(), (FACE,), (FACE,), (EDGE,), ()]), odd)
    (start, end, payload), (edge_start, edge_end, edge) = cues(text)
    assert (start, end) == (0.04, 0.12)
    assert payload == {
        "frames": [1, 2],
        "boxes": [
            {
                "track_id": 1,
                "label": "face",
                "person": 7,
                "source": odd,
                "xywh": "#xywh=10,12,20,28",
            }
        ],
    }
    assert (edge_start, edge_end) == (0.12, 0.16)
    assert edge["boxes"][0]["source"] == "edit"


def test_boxes_are_upright() -> None:
    header = replace(HEADER, quarter_turns=1)
    decided = Decided([(FACE,)], header)
    (line,) = csv.DictReader(io.StringIO(exported("csv", decided)))
    assert (line["width"], line["height"]) == ("48", "64")
    expected = FACE.box.rotate(1, 64, 48)
    assert [float(line[name]) for name in ("x1", "y1", "x2", "y2")] == [
        *(expected.x1, expected.y1, expected.x2, expected.y2)
    ]
    ((_, _, payload),) = cues(exported("webvtt", decided))
    assert payload["boxes"][0]["xywh"] == "#xywh=8,10,28,20"


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turns", range(4))
def test_what_is_shown_is_where_the_pixels_go(turns: int, mirrored: bool) -> None:
    upright = Upright(turns, mirrored, 64, 48)
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[12:40, 10:30] = 255
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    turned = Turner(Orientation(turns, mirrored))(frame).to_ndarray()
    assert turned.shape[1::-1] == upright.size
    box = upright.shown(FACE.box)
    x1, y1, x2, y2 = box.pixels(*upright.size)
    assert turned[y1:y2, x1:x2].min() == 255
    assert int(turned.sum()) == int(picture.sum())
    assert upright.coded(box) == FACE.box
    assert upright.shown_polygon(Polygon(((10.0, 12.0), (30.0, 40.0)))).box == box


def test_a_frame_that_is_covered_as_a_whole_is_a_box_of_all_of_it(tmp_path: Path) -> None:
    states = [FrameState.JUDGED, FrameState.DAMAGED]
    decided = Decided([(), ()], states=states)
    content = json.loads(exported("coco", decided))
    (entry,) = content["annotations"]
    assert (entry["bbox"], entry["source"]) == ([0, 0, 64, 48], "damaged")
    assert content["categories"] == [{"id": 1, "name": "slate"}]
    for name, suffix in (("coco", ".json"), ("csv", ".csv")):
        path = tmp_path / f"boxes{suffix}"
        path.write_text(exported(name, decided))
        assert read_boxes(path).slates == {1}


def test_a_bit_mask_becomes_areas_that_hold_its_cells() -> None:
    bits = np.packbits(np.array([[1, 1, 0, 1], [0, 0, 0, 0], [0, 1, 1, 1]], np.uint8)).tobytes()
    areas = areas_of(BitMask(Box(0, 0, 8, 6), 4, 3, bits))
    assert [area.box for area in areas] == [Box(0, 0, 4, 2), Box(6, 0, 8, 2), Box(2, 4, 8, 6)]
    corners = ((0.0, 0.0), (9.0, 1.0), (4.0, 7.0))
    assert areas_of(Polygon(corners)) == (Polygon(corners),)


BOXES = st.builds(
    lambda x, y, w, h, track: Cover(Box(x, y, x + w, y + h), track),
    *(st.integers(0, 63), st.integers(0, 47), st.integers(1, 90), st.integers(1, 90)),
    st.integers(1, 5),
)
CROWDS = st.lists(BOXES, max_size=4, unique_by=lambda cover: cover.track_id)


@given(st.lists(CROWDS, min_size=1, max_size=6))
def test_what_is_exported_can_be_imported(
    tmp_path_factory: pytest.TempPathFactory, crowds: list[list[Cover]]
) -> None:
    decided = Decided([tuple(crowd) for crowd in crowds])
    folder = tmp_path_factory.mktemp("boxes")
    for name, suffix in (("coco", ".json"), ("csv", ".csv")):
        path = folder / f"boxes{suffix}"
        path.write_text(exported(name, decided))
        boxes = read_boxes(path)
        assert list(boxes.sizes) == [(64, 48)] * len(crowds)
        for index, crowd in enumerate(crowds):
            found = {(one.track_id, one.box.clip(64, 48)) for one in boxes.of(index)}
            assert found == {(cover.track_id, cover.box.clip(64, 48)) for cover in crowd}


HEAD = "frame,x1,y1,x2,y2,width,height"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["frame,x1,y1,x2,y2"], "no column is named width, height"),
        ([], "no column is named frame"),
        ([HEAD], "mentions no frame"),
        ([HEAD, "0,1,1,9,9,64,48", "2,,,,,64,48"], "does not mention frame 1"),
        ([HEAD, "1,1,1,9,9,64,48"], "does not mention frame 0"),
        ([HEAD, "0,nan,1,9,9,64,48"], "line 2: a corner of the box is no number"),
        ([HEAD, "0,1,1,inf,9,64,48"], "no number"),
        ([HEAD, "0,1,1,,9,64,48"], "no number"),
        ([HEAD, "0,1,1,9e30,9,64,48"], "far too large"),
        ([HEAD, "0,9,1,1,9,64,48"], "the box is empty"),
        ([HEAD, "0,70,1,90,9,64,48"], "outside of the picture of 64x48"),
        ([HEAD, "0,1,1,9,9,64,48", "0,1,1,9,9,32,24"], "two sizes: 64x48 and 32x24"),
        ([HEAD, "0.5,1,1,9,9,64,48"], "frame is '0.5', which is no whole number"),
        ([HEAD, "0,1,1,9,9,64"], "height is None"),
        ([HEAD, "-1,1,1,9,9,64,48"], "there is no frame -1"),
        ([HEAD + ",track_id", "0,1,1,9,9,64,48,3e9"], "no number of a track"),
        ([HEAD + ",confidence", "0,1,1,9,9,64,48,7"], "confidence"),
        ([HEAD + ",label", "0,1,1,9,9,64,48,a\tb"], "label"),
        ([HEAD, '0,"1'], "is no CSV file"),
    ],
)
def test_csv_that_makes_no_sense_is_refused(tmp_path: Path, lines: list[str], words: str) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(SourceError, match=re.escape(words)):
        read_boxes(path)


def coco(
    images: Sequence[dict[str, Any]], *annotations: dict[str, Any], **more: object
) -> dict[str, Any]:
    size = {"width": 64, "height": 48}
    return {
        "images": [{"id": number, **size, **image} for number, image in enumerate(images)],
        "annotations": [{"image_id": 0, "category_id": 7, **entry} for entry in annotations],
        "categories": [{"id": 7, "name": "face"}],
        **more,
    }


ONE: list[dict[str, Any]] = [{"file_name": "a.png"}]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("nonsense", "is no JSON file"),
        ("[" * 100_000, "is no JSON file"),
        ([{"image_id": 1, "bbox": [1, 1, 2, 2]}], "holds no list of images"),
        (coco(ONE, annotations={}), "holds no list of annotations"),
        (coco([]), "mentions no frame"),
        (coco(ONE, {"bbox": [1, 1, float("nan"), 5]}), "no number"),
        (coco(ONE, {"bbox": [1, 1, 10**400, 5]}), "no number"),
        (coco(ONE, {"bbox": [1, 1, -4, 5]}), "the box is empty"),
        (coco(ONE, {"bbox": [99, 1, 4, 5]}), "outside of the picture"),
        (coco(ONE, {"bbox": [1, 1, 4]}), "bbox is not"),
        (coco(ONE, {"bbox": [1, 1, 4, 5], "image_id": 4}), "there is no image 4"),
        (coco(ONE, {"bbox": [1, 1, 4, 5], "image_id": []}), "there is no image None"),
        (coco(ONE, {"bbox": [1, 1, 4, 5], "category_id": 4}), "there is no category 4"),
        (coco([{"file_name": "a1"}, {"file_name": "b1"}]), "two images are the same frame"),
        (coco([{"file_name": "a0"}, {"file_name": "a2"}]), "does not mention frame 1"),
        (coco([{"file_name": "a"}, {"file_name": "b"}]), "tells which frame it is"),
        (coco([{"file_name": "a0", "id": 5}, {"file_name": "a1", "id": 5}]), "another image"),
        (coco([{"width": "wide"}]), "width is no whole number"),
    ],
)
def test_coco_that_makes_no_sense_is_refused(tmp_path: Path, content: object, words: str) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(SourceError, match=re.escape(words)):
        read_boxes(path)


def test_files_that_are_not_there_or_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        read_boxes(tmp_path / "boxes.csv")
    with pytest.raises(UsageError, match="neither"):
        read_boxes(tmp_path / "boxes.xml")


@pytest.mark.parametrize("first", [0, 1])
def test_coco_may_count_frames_from_zero_or_one(tmp_path: Path, first: int) -> None:
    path = tmp_path / "boxes.json"
    images = [{"file_name": f"clip/frame_{first + n:04}.png"} for n in (2, 0, 1)]
    path.write_text(json.dumps(coco(images, {"bbox": [3, 4, 5, 6]})))
    boxes = read_boxes(path)
    assert [len(boxes.of(index)) for index in range(3)] == [0, 0, 1]
    assert boxes.of(2)[0].box == Box(3, 4, 8, 10)


def test_boxes_without_a_track_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    lines = [
        "0,10,10,20,20,64,48,",
        "0,40,10,50,20,64,48,",
        "1,42,10,52,20,64,48,",
        "1,11,10,21,20,64,48,",
        "2,0,30,9,40,64,48,9",
    ]
    path.write_text("\n".join([HEAD + ",track_id", *lines]))
    boxes = read_boxes(path)
    (left, right), (next_right, next_left), (known,) = (boxes.of(index) for index in range(3))
    assert left.track_id == next_left.track_id
    assert right.track_id == next_right.track_id
    assert len({left.track_id, right.track_id, known.track_id, 9}) == 3
    assert [track.last for track in boxes.tracks()] == [2, 1, 1]


GREY = np.full((48, 64, 3), 90, np.uint8)


def judged(path: Path, frames: int = 2, turns: int = 0, damage: str = "") -> list[Any]:
    judge = GivenBoxesJudge(read_boxes(path))
    assert isinstance(judge, Judge)
    verdicts = []
    for number in range(frames):
        frame = replace(as_frame(GREY, "yuv420p", number, turns), damage=damage)
        verdicts += judge.push(frame)
    return verdicts + judge.finish()


def test_boxes_decide_what_is_covered(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(exported("csv", Decided([(FACE, EDGE), ()])))
    first, second = judged(path)
    assert first.covers == (FACE, EDGE)
    assert (second.covers, second.slate) == ((), "")
    assert [facts.track_id for facts in first.ended] == [1, 2]
    damaged, _ = judged(path, damage="broken")
    assert (damaged.slate, damaged.covers) == ("broken", ())


def test_upright_boxes_cover_the_coded_picture(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(exported("csv", Decided([(FACE,), ()], replace(HEADER, quarter_turns=3))))
    assert judged(path, turns=3)[0].covers == (FACE,)
    with pytest.raises(SourceError, match="is about pictures of 48x64, frame 0 has 64x48"):
        judged(path)


def test_mirrored_pictures_are_covered_where_they_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(exported("csv", Decided([(FACE,)], replace(HEADER, mirrored=True))))
    assert read_boxes(path).of(0)[0].box == Box(34, 12, 54, 40)
    (verdict,) = GivenBoxesJudge(read_boxes(path), mirrored=True).push(as_frame(GREY, "yuv420p"))
    assert verdict.covers == (FACE,)


@pytest.mark.parametrize(
    ("frames", "words"), [(1, "mentions 2 frames, the video has 1"), (3, "not mention frame 2")]
)
def test_boxes_of_another_length_decide_nothing(tmp_path: Path, frames: int, words: str) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(exported("csv", Decided([(FACE,), ()])))
    with pytest.raises(SourceError, match=words):
        judged(path, frames)


_TWO = coco([{"file_name": "a0"}, {"file_name": "a1"}], {"bbox": [1, 1, 5, 5]})
VALID = {
    ".csv": f"{HEAD},label\n0,1,1,9,9,64,48,face\n1,,,,,64,48,\n".encode(),
    ".json": json.dumps(
        coco([{"file_name": "a0"}, {"file_name": "a1"}], {"bbox": [1, 1, 5, 5]})
    ).encode(),
}


@pytest.mark.parametrize("suffix", sorted(VALID))
@given(st.data())
def test_whatever_is_changed_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    content = bytearray(VALID[suffix])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.getbasetemp() / f"changed{suffix}"
    path.write_bytes(content)
    try:
        boxes = read_boxes(path)
    except SourceError:
        return
    assert all(one.box.is_finite for index in range(len(boxes)) for one in boxes.of(index))
