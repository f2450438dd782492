"""``streamguard verify``: a bare face is found, a covered one is not, and nothing hides either."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from conftest import FACE
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import streamguard
from streamguard.cli import run
from streamguard.detection.likeness import detail_kept, is_alike
from streamguard.errors import CancelledError, SourceNotFoundError, UsageError
from streamguard.geometry import Box, Detection, iou
from streamguard.progress import Progress
from streamguard.sources import open_source
from streamguard.spans import SpanFinder, Verification

FAST = streamguard.Settings(quality=streamguard.Quality.FAST)
EVERY = 0.4
FRAMES = 50


def ffmpeg(*args: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], check=True)


@pytest.fixture(scope="module")
def covered(face_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip as it leaves streamguard."""
    path = tmp_path_factory.mktemp("covered") / "covered.mp4"
    streamguard.anonymize(face_clip, path, FAST)
    return path


@pytest.fixture(scope="module")
def leaking(face_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip with the face covered but in frames 20 to 34, encoded anew and not well."""
    path = tmp_path_factory.mktemp("leaking") / "leaking.mp4"
    box = "drawbox=x=70:y=10:w=180:h=110:color=gray:t=fill:enable='not(between(n,20,34))'"
    ffmpeg("-i", face_clip, "-vf", box, "-crf", "30", "-an", path)
    return path


def test_a_covered_clip_passes(covered: Path, face_clip: Path) -> None:
    found = streamguard.verify(covered, face_clip, every=EVERY)
    assert found.passed
    assert (found.frames, found.looked) == (FRAMES, 5)
    assert (found.file, found.original) == ("covered.mp4", "face.mp4")


@pytest.mark.parametrize("with_original", [False, True])
def test_a_bare_face_is_found_when_and_where_it_is(
    leaking: Path, face_clip: Path, with_original: bool
) -> None:
    found = streamguard.verify(leaking, face_clip if with_original else None)
    assert not found.passed
    assert not found.mismatches
    assert found.looked == FRAMES
    (span,) = found.spans
    assert (span.first_frame, span.last_frame, span.observations) == (20, 34, 15)
    assert (span.first_ms, span.last_ms) == (800.0, 1360.0)
    face = Box(*FACE).scale(0.5, 0.5)
    assert max(iou(Box(*span.box), face.shift(2.0 * n, 0)) for n in range(20, 35)) > 0.5
    assert 0.5 < span.confidence <= 1


def test_a_leak_of_one_frame_is_found(face_clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    ffmpeg("-i", face_clip, "-vf", "drawbox=t=fill:enable='not(eq(n,31))'", "-an", path)
    (span,) = streamguard.verify(path).spans
    assert (span.first_frame, span.last_frame, span.observations) == (31, 31, 1)


def test_what_the_original_shows_only_counts_if_it_is_still_there(
    covered: Path, face_clip: Path
) -> None:
    # A blurred face is one to a detector that believes anything; only the original tells.
    alone = streamguard.verify(covered, threshold=0.05, every=1.0)
    both = streamguard.verify(covered, face_clip, threshold=0.05, every=1.0)
    assert alone.spans
    assert both.set_aside > 0
    face = Box(*FACE).scale(0.5, 0.5)
    for span in both.spans:
        assert all(iou(box, face.shift(2.0 * n, 0)) < 0.3 for n, box in span.boxes.items())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-frames:v", "40"), "40 frames, the original has 50"),
        (("-vf", "setpts=1.5*PTS", "-fps_mode", "vfr"), "time stamps differ"),
        (("-vf", "negate"), "not that of the original"),
        (("-vf", "hflip"), "not that of the original"),
    ],
)
def test_what_is_not_the_same_video_does_not_pass(
    covered: Path, face_clip: Path, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    path = tmp_path / "other.mp4"
    ffmpeg("-i", covered, *options, "-an", path)
    found = streamguard.verify(path, face_clip, every=EVERY)
    assert not found.passed
    assert words in "; ".join(found.mismatches)


def test_with_the_wrong_original_every_detection_counts(
    leaking: Path, covered: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=2", other)
    found = streamguard.verify(leaking, other, every=0.08)
    assert found.mismatches == ("the picture is not that of the original",)
    assert found.spans
    assert found.set_aside == 0


def test_a_damaged_output_does_not_pass(covered: Path, tmp_path: Path) -> None:
    data = bytearray(covered.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1000] = bytes(1000)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    found = streamguard.verify(path, every=EVERY)
    assert "damaged" in "; ".join(found.mismatches)


@pytest.mark.parametrize("turns", range(4))
def test_turned_videos_are_looked_at_upright(
    tmp_path: Path, astronaut: NDArray[np.uint8], turns: int
) -> None:
    # Coded on its side, with a note to turn it back; half the picture, so that sides differ.
    path = tmp_path / "turned.mp4"
    coded = np.ascontiguousarray(np.rot90(astronaut[:320], turns))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "12"})
        stream.height, stream.width, stream.pix_fmt = *coded.shape[:2], "yuv420p"
        stream.set_display_rotation(-90 * turns)
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(coded, format="rgb24")))
        container.mux(stream.encode(None))
    with closing(open_source(path)) as source:
        assert source.info.quarter_turns == turns
    found = streamguard.verify(path, path, every=0.1)
    assert not found.mismatches
    (span,) = found.spans
    assert iou(Box(*span.box), Box(*FACE).rotate(-turns, 512, 320)) > 0.5


def test_a_mirrored_video_is_compared_with_its_mirror_image(
    tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    # MP4 says that it is to be mirrored; AVI cannot, so there the pixels are.
    original, output = tmp_path / "in.mp4", tmp_path / "out.avi"
    with av.open(str(original), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "12"})
        stream.height, stream.width, stream.pix_fmt = 320, 512, "yuv420p"
        one = 1 << 16
        stream.set_display_matrix([-one, 0, 0, 0, one, 0, 512 * one, 0, 1 << 30])
        for _ in range(5):
            picture = np.ascontiguousarray(astronaut[:320])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    ffmpeg("-noautorotate", "-i", original, "-vf", "hflip", output)
    found = streamguard.verify(output, original)
    assert not found.mismatches
    (span,) = found.spans
    x1, y1, x2, y2 = FACE
    assert iou(Box(*span.box), Box(512 - x2, y1, 512 - x1, y2)) > 0.5
    assert found.set_aside == 0


def photo(path: Path, picture: NDArray[np.uint8]) -> Path:
    assert cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return path


def test_photos(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    original = photo(tmp_path / "photo.png", astronaut)
    output = tmp_path / "out.jpg"
    streamguard.anonymize(original, output)
    assert streamguard.verify(output, original).passed
    assert not streamguard.verify(original, original).passed
    (span,) = streamguard.verify(original).spans
    assert iou(Box(*span.box), Box(*FACE)) > 0.5


def test_what_the_original_shows_no_face_at_is_none(
    tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    x1, y1, x2, y2 = FACE
    faceless = astronaut.copy()
    faceless[y1 - 30 : y2 + 30, x1 - 30 : x2 + 30] = 128
    before, after = photo(tmp_path / "before.png", faceless), photo(tmp_path / "a.png", astronaut)
    found = streamguard.verify(after, before)
    assert found.passed
    assert found.set_aside == 1
    assert not streamguard.verify(after).passed


def test_progress_and_cancelling(face_clip: Path, covered: Path) -> None:
    seen: list[Progress] = []
    streamguard.verify(covered, progress=seen.append, every=EVERY)
    assert seen
    assert seen[0].total == FRAMES
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        streamguard.verify(covered, face_clip, cancelled=stop)


@pytest.mark.parametrize(
    "wrong", [{"threshold": 0.0}, {"threshold": 1.0}, {"every": -1.0}, {"every": float("nan")}]
)
def test_wrong_usage(covered: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        streamguard.verify(covered, **wrong)  # type: ignore[arg-type]


def test_a_missing_file(tmp_path: Path, covered: Path) -> None:
    for names in ((tmp_path / "no.mp4", None), (covered, tmp_path / "no.mp4")):
        with pytest.raises(SourceNotFoundError):
            streamguard.verify(*names)


# The command line


def test_exit_code_and_words(
    leaking: Path, covered: Path, face_clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(leaking), "--every", "0.2"]) == 3
    out = capsys.readouterr().out
    assert "leaking.mp4: a face seems to be left: from 0.800 to 1.200 s (frames 20 to 30)" in out
    assert run(["verify", str(face_clip), str(covered), "--every", "0.2"]) == 0
    assert "no face seems to be left (10 of 50 frames looked at)" in capsys.readouterr().out


def test_json_and_report(leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    args = ["verify", str(leaking), "--every", "0.2", "--json", "-q", "--report", str(report)]
    assert run(args) == 3
    written = json.loads(report.read_text())
    assert written == json.loads(capsys.readouterr().out)
    assert written["schema"] == "streamguard.verification/1"
    assert written["passed"] is False
    assert written["spans"][0]["first_frame"] == 20
    assert run(args) == 1
    assert "report.json exists" in capsys.readouterr().err
    assert run([*args, "--overwrite"]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("args", [(), ("a", "b", "c")])
def test_one_or_two_files(args: tuple[str, ...]) -> None:
    assert run(["verify", *args]) == 2


def test_the_report_never_replaces_a_file_looked_at(covered: Path) -> None:
    before = covered.read_bytes()
    assert run(["verify", str(covered), "--report", str(covered), "--overwrite"]) == 2
    assert covered.read_bytes() == before


def test_anonymize_verifies_what_it_made(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report = tmp_path / "out.mp4", tmp_path / "report.json"
    args = ["anonymize", str(face_clip), "-o", str(out), "--verify", "--report", str(report)]
    assert run(args) == 0
    assert "out.mp4: no face seems to be left (50 frames looked at)" in capsys.readouterr().out
    assert json.loads(report.read_text())["verification"]["passed"] is True


def test_anonymize_ends_with_3_when_a_face_is_left(
    face_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Nothing is ever missed on this clip, so a detector that sees nothing has to help.
    monkeypatch.setattr(
        "streamguard.judges.anonymizer.default_detectors", lambda _settings: {"face": {}}
    )
    out, report = tmp_path / "out.mp4", tmp_path / "report.json"
    args = ["anonymize", str(face_clip), "-o", str(out), "--verify", "--report", str(report)]
    assert run([*args, "--json"]) == 3
    line = json.loads(capsys.readouterr().out)
    assert line["status"] == "done"
    assert line["verification"]["passed"] is False
    assert line["verification"] == json.loads(report.read_text())["verification"]
    assert out.exists()


# The pure parts


def observation(x: float, confidence: float = 0.9) -> Detection:
    return Detection(Box(x, 0, x + 20, 20), confidence)


def spans_of(frames: list[list[Detection]], gap_ms: float = 500.0) -> list[tuple[int, int, int]]:
    finder = SpanFinder(gap_ms)
    for index, detections in enumerate(frames):
        finder.add(index, 100.0 * index, detections)
    return [(span.first_frame, span.last_frame, span.observations) for span in finder.finish()]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([], []),
        ([[], []], []),
        ([[observation(0)]], [(0, 0, 1)]),
        ([[observation(0)], [observation(2)], [observation(4)]], [(0, 2, 3)]),
        ([[observation(0)], [], [], [observation(0)]], [(0, 3, 2)]),
        ([[observation(0)], *[[]] * 5, [observation(0)]], [(0, 0, 1), (6, 6, 1)]),
        (
            [[observation(0), observation(50)], [observation(50), observation(0)]],
            [(0, 1, 2), (0, 1, 2)],
        ),
        ([[observation(0)], [observation(50)]], [(0, 0, 1), (1, 1, 1)]),
        # Two at one place are two: one observation must not swallow the other.
        ([[observation(0), observation(1)]], [(0, 0, 1), (0, 0, 1)]),
    ],
)
def test_sightings_are_joined(
    frames: list[list[Detection]], expected: list[tuple[int, int, int]]
) -> None:
    assert spans_of(frames) == expected


@given(st.lists(st.lists(st.builds(observation, st.floats(0, 300)), max_size=4), max_size=30))
def test_no_sighting_is_lost(frames: list[list[Detection]]) -> None:
    assert sum(count for _, _, count in spans_of(frames)) == sum(map(len, frames))


def test_a_span_shows_its_clearest_sighting() -> None:
    finder = SpanFinder(500.0)
    for index, confidence in enumerate((0.6, 0.95, 0.7)):
        finder.add(index, 100.0 * index, [observation(index, confidence)])
    assert len(finder) == 1
    (span,) = finder.finish()
    assert (span.box, span.confidence) == ((1, 0, 21, 20), 0.95)


@pytest.mark.parametrize(
    ("covered_share", "low", "high"), [(0, 0.99, 1), (0.5, 0.2, 0.8), (1, 0, 0.05)]
)
def test_detail_kept(
    astronaut: NDArray[np.uint8], covered_share: float, low: float, high: float
) -> None:
    before = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    after = before.copy()
    x1, y1, x2, y2 = FACE
    after[y1 : round(y1 + (y2 - y1) * covered_share), x1:x2] = 128
    assert low <= detail_kept(before, after, Box(*FACE)) <= high


def test_a_blurred_face_keeps_no_detail(astronaut: NDArray[np.uint8]) -> None:
    before = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    after = np.asarray(cv2.GaussianBlur(before, (0, 0), 20), np.uint8)
    assert detail_kept(before, after, Box(*FACE)) < 0.15


def test_covers_leave_a_picture_alike(astronaut: NDArray[np.uint8]) -> None:
    before = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY).astype(np.uint8)
    after = before.copy()
    after[:, :230] = 0
    assert is_alike(before, after)
    assert not is_alike(before, 255 - before)


@pytest.mark.parametrize("box", [Box(-50, -50, -10, -10), Box(5, 5, 5, 5), Box(10, 10, 40, 40)])
def test_where_nothing_can_be_compared_it_counts(box: Box) -> None:
    flat = np.full((64, 64), 100, np.uint8)
    assert detail_kept(flat, flat, box) == 1.0


def test_a_verification_as_json() -> None:
    found = Verification(
        file="a.mp4",
        original=None,
        detector="centerface",
        threshold=0.5,
        every=0.0,
        frames=2,
        looked=2,
        spans=(),
        set_aside=0,
        mismatches=(),
        elapsed=0.12345,
    )
    assert json.loads(found.to_json())["elapsed"] == 0.123
    assert found.passed


def test_ffmpeg_is_there() -> None:
    # Some tests above need it; on a machine without they fail rather than skip.
    assert shutil.which("ffmpeg")
