"""``verify --analysis``: what is left clear on purpose is no leak, and what is found is kept."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from analysis_kit import HEADER, moving, verdict, write_analysis

import streamguard
from streamguard.analysis.found import add_found
from streamguard.analysis.reader import open_analysis
from streamguard.analysis.records import FrameRecord, StoredCandidate
from streamguard.cli import run
from streamguard.edits.acts import Believe, Clear
from streamguard.errors import AnalysisError, SinkError
from streamguard.frames import Candidate, Cover, Frame, Uncovered
from streamguard.geometry import Box, Detection, iou
from streamguard.verification.clearance import Clearance

FAST = streamguard.Settings(quality=streamguard.Quality.FAST)


@pytest.fixture(scope="module")
def folder(face_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip; an analysis of it; one that leaves its face clear, and what comes of that."""
    folder = tmp_path_factory.mktemp("clear")
    shutil.copy(face_clip, folder / "face.mp4")
    streamguard.analyze(folder / "face.mp4", settings=FAST)
    shutil.copy(folder / "face.mp4.analysis", folder / "all.analysis")
    clear(folder / "all.analysis")
    streamguard.render(folder / "all.analysis", folder / "clear.mp4")
    return folder


def clear(path: Path, last: int | None = None) -> None:
    with closing(open_analysis(path)) as opened:
        (track,) = opened.tracks()
    with streamguard.edit(path, actor="Ann") as editor:
        act = Clear(track=track.track_id, last=last, confirm=True)
        editor.add(act, reason="She asked for it", code="gdpr:consent")


def test_a_face_that_is_left_clear_on_purpose_is_no_leak(folder: Path) -> None:
    output, original = folder / "clear.mp4", folder / "face.mp4"
    assert not streamguard.verify(output, original, every=0.4).passed
    for source in (original, None):
        found = streamguard.verify(output, source, analysis=folder / "all.analysis", every=0.4)
        assert found.passed
        assert (found.left_clear, found.candidates) == (5, 0)
        assert found.analysis == "all.analysis"


def test_what_is_found_beyond_becomes_a_candidate_that_can_be_believed(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "half.analysis"
    shutil.copy(folder / "face.mp4.analysis", path)
    clear(path, last=24)
    words = ["verify", "--analysis", str(path), str(folder / "clear.mp4"), "--json"]
    assert run(words) == 3
    found = json.loads(capsys.readouterr().out)
    ((span,), left) = found["spans"], found["left_clear"]
    assert (span["first_frame"], span["last_frame"], left) == (25, 49, 25)
    assert found["candidates"] == 1
    with closing(open_analysis(path)) as opened:
        candidate = opened.candidates()[-1]
        seen = {record.index: record.covers[0].box for record in opened.frames(25, 50)}
    assert candidate.candidate.reason is Uncovered.SECOND_LOOK
    assert sorted(candidate.boxes) == list(range(25, 50))
    assert all(iou(Box(*map(float, candidate.boxes[n])), box) > 0.4 for n, box in seen.items())
    assert run(words) == 3
    assert json.loads(capsys.readouterr().out)["candidates"] == 0
    with streamguard.edit(path, actor="Bob") as editor:
        editor.add(Believe(candidate=candidate.number), reason="It is a face")
        covers = [len(editor.placed().apply(record)) for record in editor.analysis.frames()]
    assert min(covers[25:]) == 2


def test_another_output_or_original_is_told(folder: Path, tmp_path: Path) -> None:
    analysis = folder / "all.analysis"
    short = tmp_path / "short.mp4"
    settings = replace(FAST, input=streamguard.InputSettings(end=1.0))
    streamguard.anonymize(folder / "face.mp4", short, settings)
    found = streamguard.verify(short, analysis=analysis, every=0.4)
    assert found.mismatches == ("25 frames, the analysis has 50",)
    with pytest.raises(AnalysisError, match="is not the file that was analyzed"):
        streamguard.verify(folder / "clear.mp4", short, analysis=analysis)


def test_what_cannot_be_kept_is_told_all_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise SinkError("the disk is full")

    monkeypatch.setattr("streamguard.verification.decided.add_found", refuse)
    path = tmp_path / "none.analysis"
    shutil.copy(folder / "face.mp4.analysis", path)
    found = streamguard.verify(folder / "clear.mp4", analysis=path, every=0.4)
    assert found.spans
    assert found.mismatches == ("nothing was added to the candidates: the disk is full",)


CLEARED = Cover(Box(20, 10, 40, 30), 1)


def excused(face: Box, turns: int = 1, frames: int = 1) -> bool:
    """Whether a face in a finished picture of a decision that turned it once is excused."""
    records = iter([FrameRecord(index, index, ()) for index in range(frames)])
    clearance = Clearance(HEADER, records, lambda _: (CLEARED,))
    picture = verdict(0).frame.picture
    if turns % 2 != HEADER.quarter_turns % 2:
        picture = picture.reformat(48, 64)
    frame = Frame(picture, 0, 0.0, turns)
    other = Detection(Box(0, 0, 5, 5), 0.9)
    left = clearance.excuse(frame, [other, Detection(face, 0.9)])
    assert other in left
    return len(left) == 1


def test_only_a_face_in_the_cleared_cover_is_excused() -> None:
    assert excused(CLEARED.box)
    assert excused(Box(22, 12, 38, 28))
    # Another face that reaches out of it, or one far smaller inside it.
    assert not excused(Box(28, 10, 52, 30))
    assert not excused(Box(22, 12, 29, 19))
    assert not excused(CLEARED.box, frames=0)


def test_boxes_are_compared_as_the_finished_file_is_turned() -> None:
    upright = CLEARED.box.rotate(1, 64, 48)
    assert excused(upright, turns=0)
    assert not excused(CLEARED.box, turns=0)
    # Half a turn further the picture has the same size.
    assert excused(CLEARED.box.rotate(2, 64, 48), turns=3)
    assert not excused(CLEARED.box, turns=3)


def test_a_cover_that_is_left_out_excuses_one_face() -> None:
    records = iter([FrameRecord(0, 0, ())])
    clearance = Clearance(HEADER, records, lambda _: (CLEARED,))
    faces = [Detection(CLEARED.box, 0.9), Detection(CLEARED.box.shift(2, 0), 0.9)]
    frame = Frame(verdict(0).frame.picture, 0, 0.0, HEADER.quarter_turns)
    assert clearance.excuse(frame, faces) == faces[1:]


def test_pictures_of_another_size_excuse_nothing() -> None:
    records = iter([FrameRecord(0, 0, ())])
    clearance = Clearance(HEADER, records, lambda _: (CLEARED,))
    found = [Detection(CLEARED.box, 0.9)]
    frame = Frame(verdict(0).frame.picture, 0, 0.0, 0)
    assert clearance.excuse(frame, found) == found


def seen(first: int) -> StoredCandidate:
    candidate = Candidate(Box(1, 2, 9, 9), 0.75, Uncovered.SECOND_LOOK)
    return StoredCandidate(0, first, first, candidate, {first: (1, 2, 9, 9)})


def test_what_was_found_is_not_part_of_the_decision_but_guarded(tmp_path: Path) -> None:
    path = write_analysis(tmp_path / "a.analysis", [verdict(n, [moving(1, n)]) for n in range(9)])
    with closing(open_analysis(path)) as opened:
        digest = opened.decision_digest
    assert add_found(path, digest, [seen(2), seen(5)]) == 2
    assert add_found(path, digest, [seen(2), seen(7)]) == 1
    with closing(open_analysis(path)) as opened:
        assert opened.decision_digest == digest
        assert [one.number for one in opened.candidates()] == [1, 2, 3]
        assert [one.first for one in opened.candidates()] == [2, 5, 7]
    with pytest.raises(AnalysisError, match="another one"):
        add_found(path, "0" * 64, [seen(8)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE found SET first = 7 WHERE first = 3")
    with closing(open_analysis(path)) as opened, pytest.raises(AnalysisError, match="damaged"):
        opened.candidates()
