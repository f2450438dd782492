"""A box drawn in one frame of an analyzed input becomes an edit that covers it where it goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import FACE
from numpy.typing import NDArray

import streamguard
from streamguard.analysis.reader import open_analysis
from streamguard.cli import cli
from streamguard.edits.acts import Follow, Pixels
from streamguard.errors import AnalysisError, CancelledError, EditError
from streamguard.following import pursuit
from streamguard.following.footage import Footage
from streamguard.frames import Frame, Verdict
from streamguard.geometry import Box, iou
from streamguard.runs.keeping import keeping
from streamguard.settings import InputSettings, Settings
from streamguard.sources import open_source

WIDTH, HEIGHT, FRAMES = 320, 240, 60
Picture = NDArray[np.uint8]
Way = Callable[[int], tuple[int, int]]


def to_the_right(n: int) -> tuple[int, int]:
    return 2 * n, 20


def face_at(n: int, way: Way = to_the_right) -> Box:
    return Box(*FACE).scale(0.5, 0.5).shift(*way(n))


def pixels(box: Box) -> Pixels:
    return round(box.x1), round(box.y1), round(box.x2), round(box.y2)


@pytest.fixture(scope="module")
def canvas(astronaut: Picture) -> Callable[[int, int], Picture]:
    """Draws the photograph at half size with its corner at a place."""
    ground = np.random.default_rng(1).integers(60, 120, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    ground = ground.repeat(8, 0).repeat(8, 1)

    def draw(x: int, y: int) -> Picture:
        picture = ground.copy()
        part = astronaut[::2, ::2][max(0, -y) : HEIGHT - y, max(0, -x) : max(0, WIDTH - x)]
        picture[max(0, y) :, max(0, x) :][: part.shape[0], : part.shape[1]] = part
        return picture

    return draw


def write(
    path: Path,
    pictures: Sequence[Picture],
    *,
    stamps: Iterator[int] | None = None,
    turns: int = 0,
    gop: int = 12,
    damaged: Sequence[int] = (),
) -> Path:
    """Write a video, and beside it an analysis in which nothing was found."""
    with av.open(str(path), "w") as container:
        options = {"crf": "18", "preset": "veryfast", "bf": "2"}
        video = container.add_stream("libx264", rate=25, options=options)
        video.width, video.height = pictures[0].shape[1], pictures[0].shape[0]
        video.pix_fmt, video.gop_size = "yuv420p", gop
        video.time_base = video.codec_context.time_base = Fraction(1, 1000)
        if turns:
            video.set_display_rotation(-90 * turns)
        for picture, stamp in zip(pictures, stamps or count(0, 40)):  # noqa: B905 - stamps go on
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return analyzed(path, damaged)


def analyzed(path: Path, damaged: Sequence[int] = ()) -> Path:
    analysis = path.with_name(f"{path.name}.analysis")
    source = open_source(path)
    with keeping(analysis, source, Settings(), threading.Event(), {}) as writer:
        for frame in (item for item in source.read() if isinstance(item, Frame)):
            writer.add(Verdict(frame, slate="damaged" if frame.index in damaged else ""))
        writer.finish()
    source.close()
    return analysis


def boxes_of(act: Follow) -> dict[int, Box]:
    return {frame: Box(*map(float, box)) for frame, *box in act.boxes}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, canvas: Callable[[int, int], Picture]) -> Path:
    path = tmp_path_factory.mktemp("follow") / "face.mp4"
    return write(path, [canvas(*to_the_right(n)) for n in range(FRAMES)])


@pytest.mark.parametrize("frame", [0, 30, FRAMES - 1])
def test_a_drawn_box_is_followed_both_ways(clip: Path, frame: int) -> None:
    found = streamguard.follow(clip, {frame: pixels(face_at(frame))})
    boxes = boxes_of(found.act)
    assert list(boxes) == list(range(FRAMES))
    assert all(iou(boxes[n], face_at(n)) > 0.7 for n in boxes)
    assert boxes[frame] == Box(*map(float, pixels(face_at(frame))))
    ends = [(end.frame, end.reason, end.is_back) for end in found.ends]
    assert ends == [(0, "first frame", True), (FRAMES - 1, "last frame", False)]
    assert found.unsure == ()


def test_it_is_followed_back_over_stretches_that_are_read_one_by_one(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pursuit, "_CHUNK", 0.4)
    found = streamguard.follow(clip, {50: pixels(face_at(50))}, Settings(memory_limit=300_000))
    boxes = boxes_of(found.act)
    assert list(boxes) == list(range(FRAMES))
    assert all(iou(boxes[n], face_at(n)) > 0.7 for n in boxes)


def test_the_way_passes_through_every_drawn_box(clip: Path) -> None:
    # The second box is drawn larger than the face and beside it, so that nothing else leads there.
    second = pixels(face_at(40).pad(0.2).shift(6, -4))
    found = streamguard.follow(clip, {10: pixels(face_at(10)), 40: second})
    boxes = boxes_of(found.act)
    assert boxes[40] == Box(*map(float, second))
    assert (found.act.frame, found.act.corrections) == (10, ((40, *second),))
    areas = [boxes[n].area for n in range(10, 41)]
    assert areas[0] < areas[15] < areas[30]
    assert all(iou(boxes[n], boxes[n + 1]) > 0.7 for n in range(FRAMES - 1))


def test_it_ends_at_cuts_and_says_so(tmp_path: Path, canvas: Callable[[int, int], Picture]) -> None:
    other = np.random.default_rng(7).integers(0, 255, (6, 8, 3), np.uint8)
    other = other.repeat(40, 0).repeat(40, 1)
    pictures = [other] * 20 + [canvas(2 * n, 20) for n in range(25)] + [other[::-1]] * 20
    analysis = write(tmp_path / "cuts.mp4", pictures)
    found = streamguard.follow(analysis, {30: pixels(face_at(10))})
    assert [(end.frame, end.reason) for end in found.ends] == [(20, "cut"), (44, "cut")]
    assert [frame for frame, *_ in found.act.boxes] == list(range(20, 45))


def test_it_ends_where_the_face_leaves(
    tmp_path: Path, canvas: Callable[[int, int], Picture]
) -> None:
    def way(n: int) -> tuple[int, int]:
        return 6 * n, 20

    analysis = write(tmp_path / "leaves.mp4", [canvas(*way(n)) for n in range(60)])
    found = streamguard.follow(analysis, {10: pixels(face_at(10, way))})
    assert found.ends[-1].reason == "left the picture"
    boxes = boxes_of(found.act)
    for n in range(60):
        face = face_at(n, way).clip(WIDTH, HEIGHT)
        if face.area > 0.2 * face_at(0).area:
            assert iou(boxes[n].clip(WIDTH, HEIGHT), face) > 0.5, n
    assert max(boxes) < 55


def test_frames_nobody_can_vouch_for_are_passed_over(
    tmp_path: Path, canvas: Callable[[int, int], Picture]
) -> None:
    """Their pictures are noise here, which would lead flow anywhere."""
    broken = range(20, 24)
    noise = np.random.default_rng(5).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    pictures = [noise if n in broken else canvas(*to_the_right(n)) for n in range(40)]
    analysis = write(tmp_path / "damaged.mp4", pictures, damaged=broken)
    for frame in (5, 35):
        boxes = boxes_of(streamguard.follow(analysis, {frame: pixels(face_at(frame))}).act)
        assert sorted(boxes) == [n for n in range(40) if n not in broken]
        assert all(iou(boxes[n], face_at(n)) > 0.6 for n in boxes)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_boxes_are_in_coded_pixels_of_a_rotated_video(
    tmp_path: Path, canvas: Callable[[int, int], Picture], turns: int
) -> None:
    pictures = [np.rot90(canvas(*to_the_right(n)), turns) for n in range(30)]
    analysis = write(tmp_path / "turned.mp4", pictures, turns=turns)
    with closing(open_analysis(analysis)) as decision:
        assert decision.header.quarter_turns == turns
    drawn = face_at(15).rotate(-turns, WIDTH, HEIGHT)
    boxes = boxes_of(streamguard.follow(analysis, {15: pixels(drawn)}).act)
    assert len(boxes) == 30
    assert all(iou(boxes[n], face_at(n).rotate(-turns, WIDTH, HEIGHT)) > 0.7 for n in boxes)


def irregular() -> Iterator[int]:
    """Time stamps of a phone: frames come when they come."""
    steps = np.random.default_rng(3).integers(20, 90, 200)
    yield from (int(stamp) for stamp in np.cumsum(steps))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_stretch_of_footage_is_the_same_as_in_the_whole(
    tmp_path: Path, canvas: Callable[[int, int], Picture], suffix: str
) -> None:
    path = tmp_path / f"vfr{suffix}"
    analysis = write(path, [canvas(2 * n, 20) for n in range(FRAMES)], stamps=irregular())
    source = open_source(path)
    whole = [item.picture for item in source.read() if isinstance(item, Frame)]
    with closing(open_analysis(analysis)) as decision:
        footage = Footage(path, decision, InputSettings(), threading.Event())
        for first, last in [(0, 3), (41, 45), (20, 30), (31, 33), (50, FRAMES)]:
            frames = list(footage.read(first, last))
            assert [frame.index for frame in frames] == list(range(first, last))
            for frame in frames:
                same = whole[frame.index].to_ndarray(format="gray")
                assert np.array_equal(frame.picture.to_ndarray(format="gray"), same)
        footage.close()
    source.close()


def test_footage_of_another_input_is_refused(
    clip: Path, tmp_path: Path, canvas: Callable[[int, int], Picture]
) -> None:
    other = tmp_path / "face.mp4"
    write(other, [canvas(2 * n, 20) for n in range(FRAMES)], stamps=count(0, 41))
    with pytest.raises(AnalysisError, match="not the file that was analyzed"):
        streamguard.follow(clip, {30: (10, 10, 50, 50)}, source=other)
    with closing(open_analysis(clip)) as decision:
        footage = Footage(other, decision, InputSettings(), threading.Event())
        with pytest.raises(AnalysisError, match="frame 1 has another time stamp"):
            list(footage.read(0, 5))
        with pytest.raises(AnalysisError, match="another time stamp"):
            list(footage.read(40, 45))
        footage.close()


def test_a_photo_has_one_frame(tmp_path: Path, astronaut: Picture) -> None:
    path = tmp_path / "photo.png"
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(astronaut), format="rgb24")
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png")
        stream.width, stream.height, stream.pix_fmt = 512, 512, "rgb24"
        container.mux([*stream.encode(frame), *stream.encode(None)])
    found = streamguard.follow(analyzed(path), {0: FACE})
    assert found.act.boxes == ((0, *FACE),)


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ({}, "no box was drawn"),
        ({FRAMES: (1, 1, 9, 9)}, f"no frame {FRAMES}"),
        ({3: (9, 1, 9, 9)}, "empty"),
        ({3: (WIDTH, 1, WIDTH + 9, 9)}, "outside"),
    ],
)
def test_boxes_that_make_no_sense_are_refused(
    clip: Path, boxes: dict[int, Pixels], words: str
) -> None:
    with pytest.raises(EditError, match=words):
        streamguard.follow(clip, boxes)


def test_following_can_be_stopped(clip: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        streamguard.follow(clip, {3: (10, 10, 50, 50)}, cancelled=stop)


def test_a_person_follows_and_corrects_by_the_command_line(clip: Path, tmp_path: Path) -> None:
    analysis = tmp_path / clip.name
    analysis.write_bytes(clip.read_bytes())

    def edit(*words: str) -> str:
        done = CliRunner().invoke(cli, ["edit", str(analysis), *words])
        assert done.exit_code == 0, done.output
        return done.output

    def drawn(n: int) -> str:
        return ",".join(map(str, pixels(face_at(n))))

    source = ("--input", str(clip.parent))
    said = edit("follow", f"0.8s:{drawn(20)}", *source, "-r", "missed")
    assert f"edit 1: followed from frame 0 to frame {FRAMES - 1}" in said
    assert f"ends at frame {FRAMES - 1}: last frame" in said
    said = edit("follow", f"40:{drawn(41)}", "--correct", "1", *source)
    assert "edit 2: followed" in said
    with streamguard.edit(analysis, actor="Ann") as editor:
        first, second, undo = editor.edits()
        assert isinstance(second.act, Follow)
        assert (second.act.frame, second.act.box) == (20, pixels(face_at(20)))
        assert second.act.corrections == ((40, *pixels(face_at(41))),)
        assert (first.kind, undo.kind) == ("follow", "undo")
        for record in editor.analysis.frames():
            (cover,) = editor.placed().apply(record)
            assert iou(cover.box, face_at(record.index)) > 0.6
    done = CliRunner().invoke(cli, ["edit", str(analysis), "follow", "3:1,2,3"])
    assert done.exit_code == 2
    done = CliRunner().invoke(
        cli, ["edit", str(analysis), "follow", "3:1,2,9,9", "--correct", "1", *source]
    )
    assert "edit 1 followed no box, or was undone" in str(done.output) + str(done.exception)
