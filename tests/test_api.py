"""The public Python API: exported names, files, arrays."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import FACE
from numpy.typing import NDArray

import streamguard
from streamguard.errors import CancelledError, OutputExistsError, UsageError
from streamguard.progress import Progress

FAST = streamguard.Settings(quality=streamguard.Quality.FAST)


def test_exported_names_are_sorted_and_there() -> None:
    assert list(streamguard.__all__) == sorted(streamguard.__all__)
    assert all(getattr(streamguard, name) is not None for name in streamguard.__all__)
    assert set(streamguard.__all__) <= set(dir(streamguard))
    with pytest.raises(AttributeError, match="no attribute 'anonymise'"):
        streamguard.anonymise  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import streamguard, sys; print([m for m in ('av', 'cv2', 'numpy') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_file_in_file_out(face_clip: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    output = tmp_path / "out.mp4"
    report = streamguard.anonymize(face_clip, output, FAST, progress=seen.append)
    assert report.frames == report.frames_with_faces == 50
    assert report.tracks
    assert report.output.sha256 == hashlib.sha256(output.read_bytes()).hexdigest()
    assert report.input.sha256 == hashlib.sha256(face_clip.read_bytes()).hexdigest()
    assert report.versions["mediapipe"] == "0.10.33"
    assert seen
    assert seen[0].total == 50
    assert list(tmp_path.iterdir()) == [output]
    with pytest.raises(OutputExistsError):
        streamguard.anonymize(face_clip, output, FAST)


def test_cancelling_leaves_nothing(face_clip: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    with pytest.raises(CancelledError):
        streamguard.anonymize(
            face_clip, tmp_path / "out.mp4", FAST, lambda _: stop.set(), cancelled=stop
        )
    assert not list(tmp_path.iterdir())


def test_progress_tells_what_is_left() -> None:
    half = Progress(frames=50, total=100, faces=1, position=2.0, elapsed=5.0)
    assert (half.frames_per_second, half.speed, half.remaining) == (10.0, 0.4, 5.0)
    assert Progress(50, None, 1, 2.0, 5.0).remaining is None
    assert Progress(0, 10, 0, 0.0, 0.0).remaining is None
    assert Progress(11, 10, 0, 1.0, 1.0).remaining == 0.0


def pictures(astronaut: NDArray[np.uint8], count: int) -> list[NDArray[np.uint8]]:
    return [np.roll(astronaut, shift, axis=1) for shift in range(count)]


def test_arrays_come_back_covered_each_once_and_in_order(astronaut: NDArray[np.uint8]) -> None:
    given = pictures(astronaut, 12)
    with streamguard.Anonymizer(512, 512, FAST, frame_rate=10) as anonymizer:
        out = [done for i, picture in enumerate(given) for done in anonymizer.push(picture, i / 10)]
        out += anonymizer.finish()
    assert len(out) == len(given)
    x1, y1, x2, y2 = FACE
    for shift, (before, after) in enumerate(zip(given, out, strict=True)):
        assert after.shape == before.shape
        difference = np.abs(after.astype(int) - before)
        assert difference[y1:y2, x1 + shift : x2 + shift].mean() > 10
        # The far corner shows no face; only the round trip through YUV may touch it.
        assert difference[400:, :100].mean() < 4


def test_arrays_are_not_written_to(astronaut: NDArray[np.uint8]) -> None:
    picture = astronaut.copy()
    with streamguard.Anonymizer(512, 512, FAST, still=True) as anonymizer:
        out = anonymizer.push(picture, 0.0) + anonymizer.finish()
    assert np.array_equal(picture, astronaut)
    assert len(out) == 1
    assert not np.array_equal(out[0], astronaut)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError):
        streamguard.Anonymizer(0, 10)
    with streamguard.Anonymizer(64, 48, FAST) as anonymizer:
        for shape, dtype in (((48, 64), "uint8"), ((64, 48, 3), "uint8"), ((48, 64, 3), "float32")):
            with pytest.raises(UsageError):
                anonymizer.push(np.zeros(shape, dtype), 0.0)
        anonymizer.push(np.zeros((48, 64, 3), np.uint8), 1.0)
        for seconds in (0.5, float("nan")):
            with pytest.raises(UsageError):
                anonymizer.push(np.zeros((48, 64, 3), np.uint8), seconds)


def test_frames_carry_the_time_they_were_given(astronaut: NDArray[np.uint8]) -> None:
    from streamguard.sources.arrays import frame_of

    frame = frame_of(astronaut, 3, 0.25)
    assert (frame.index, frame.time_ms) == (3, 250.0)
    assert isinstance(frame.picture, av.VideoFrame)
    assert frame.picture.time == pytest.approx(0.25)
