"""The report counts right, and its JSON holds no pixel and no folder."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import av
import pytest

from streamguard.analysis.records import FileRecord
from streamguard.errors import CancelledError, SourceNotFoundError
from streamguard.frames import Cover, Frame, Verdict
from streamguard.geometry import Box
from streamguard.report import Report, record_file
from streamguard.tally import Tally


def seen(tally: Tally, index: int, tracks: dict[int, Box], slate: str = "") -> None:
    picture = av.VideoFrame(16, 16, "gray")
    verdict = Verdict(
        Frame(picture, index, index * 40.0),
        tuple(Cover(box, number) for number, box in tracks.items()),
        slate,
    )
    tally.add(verdict)


def test_tally_follows_every_track() -> None:
    tally = Tally()
    seen(tally, 0, {7: Box(0.4, 1.6, 8, 9)})
    seen(tally, 1, {})
    seen(tally, 2, {7: Box(1, 2, 8, 9), 3: Box(5, 5, 6, 6)})
    third, seventh = tally.tracks()
    assert (third.track_id, third.first_frame, third.last_frame) == (3, 2, 2)
    assert third.label == "face"
    assert (seventh.first_frame, seventh.last_frame) == (0, 2)
    assert (seventh.first_ms, seventh.last_ms) == (0.0, 80.0)
    assert list(seventh.boxes) == [0, 0, 2, 8, 9, 2, 1, 2, 8, 9]
    assert (tally.frames, tally.frames_with_faces, tally.faces) == (3, 2, 2)


def test_tally_counts_slates_by_reason_and_run() -> None:
    tally = Tally()
    for index, slate in enumerate(["late", "late", "", "late", "broken", "late", ""]):
        seen(tally, index, {}, slate)
    assert tally.slate_reasons == {"late": 4, "broken": 1}
    assert tally.longest_slate == 3


def make_report(output_sha: str = "bb", elapsed: float = 2.0) -> Report:
    tally = Tally()
    seen(tally, 0, {1: Box(1, 2, 3, 4)})
    return Report(
        input=FileRecord("in.mp4", 10, "aa"),
        output=FileRecord("out.mp4", 12, output_sha),
        versions={"streamguard": "0"},
        settings={"quality": "fast", "redaction": {"color": (0, 0, 0)}},
        width=16,
        height=16,
        frames=1,
        frames_with_faces=1,
        tracks=tally.tracks(),
        duration=4.0,
        elapsed=elapsed,
    )


def test_json_form_is_plain_and_complete() -> None:
    words = json.loads(make_report().to_json())
    assert words["schema"] == "streamguard.report/1"
    assert words["input"] == {"name": "in.mp4", "size": 10, "sha256": "aa"}
    assert words["tracks"][0]["boxes"] == [[0, 1, 2, 3, 4]]
    assert words["settings"]["redaction"]["color"] == [0, 0, 0]
    assert (words["speed"], words["frames_per_second"]) == (2.0, 0.5)
    assert (words["local_execution"], words["data_uploaded"], words["input_saved"]) == (
        True,
        False,
        False,
    )


def test_a_copy_of_the_input_would_be_admitted() -> None:
    assert make_report(output_sha="aa").input_saved


def test_no_time_at_all_divides_nothing() -> None:
    report = make_report(elapsed=0.0)
    assert (report.speed, report.frames_per_second) == (0.0, 0.0)


def test_files_are_recorded_without_their_folder(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"abc" * 1_000_000)
    digest = hashlib.sha256(b"abc" * 1_000_000).hexdigest()
    assert record_file(path, threading.Event()) == FileRecord("a.bin", 3_000_000, digest)


def test_hashing_stops_when_cancelled(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"abc")
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        record_file(tmp_path / "a.bin", stop)
    with pytest.raises(SourceNotFoundError):
        record_file(tmp_path / "missing", stop)
