"""The analysis as a file: what was written is what is read, and everything else is an error."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from analysis_kit import HEADER, moving, verdict, write_analysis

from streamguard.analysis.reader import open_analysis
from streamguard.analysis.records import FrameState
from streamguard.analysis.writer import AnalysisWriter, record_of
from streamguard.errors import (
    AnalysisError,
    OutputExistsError,
    SinkError,
    SourceNotFoundError,
    UsageError,
)
from streamguard.frames import Candidate, TrackFacts, Uncovered
from streamguard.geometry import Box


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    verdicts = [verdict(i, [moving(1, i), moving(2, i), moving(1, i + 3)]) for i in range(200)]
    verdicts[70] = verdict(70, damage="patched up")
    verdicts[71] = verdict(71, slate="the detector failed")
    verdicts[72] = verdict(72, pts=None)
    path = write_analysis(tmp_path / "clip.mp4.analysis", verdicts)
    analysis = open_analysis(path)
    try:
        assert analysis.header == HEADER
        assert analysis.frame_count == 200
        assert list(analysis.frames()) == [record_of(v) for v in verdicts]
        assert list(analysis.frames(60, 75)) == [record_of(v) for v in verdicts[60:75]]
        states = [r.state for r in analysis.frames(69, 73)]
        assert states == [
            FrameState.JUDGED,
            FrameState.DAMAGED,
            FrameState.SLATE,
            FrameState.JUDGED,
        ]
        assert [t.track_id for t in analysis.tracks()] == [1, 2]
        assert len(analysis.decision_digest) == 64
    finally:
        analysis.close()


def test_tracks_and_candidates_are_kept(tmp_path: Path) -> None:
    weak = Candidate(Box(1.5, 2.5, 9.5, 9.5), 0.1234, Uncovered.WEAK)
    facts = TrackFacts(
        track_id=7, confidence=0.91, sources=("centerface",), hits=5, misses=1, lost=((1, 2),)
    )
    verdicts = [verdict(i, [moving(7, i)], candidates=[weak]) for i in range(4)]
    verdicts.append(verdict(4, ended=[facts]))
    with_all = open_analysis(write_analysis(tmp_path / "a.analysis", verdicts))
    (track,), (candidate,) = with_all.tracks(), with_all.candidates()
    with_all.close()
    assert (track.first, track.last, track.confidence, track.hits) == (0, 3, 0.91, 5)
    assert track.lost == ((1, 2),)
    assert candidate.boxes == dict.fromkeys(range(4), (1, 2, 10, 10))
    assert candidate.candidate == Candidate(Box(1, 2, 10, 10), 0.123, Uncovered.WEAK)


def test_an_unfinished_one_is_refused_unless_asked_for(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    path = tmp_path / "clip.mp4.analysis"
    writer = AnalysisWriter(path, HEADER, source=tmp_path / "clip.mp4")
    writer._committed = 0.0
    for i in range(100):
        writer.add(verdict(i, [moving(1, i)]))
    writer._committed = 0.0
    writer.add(verdict(100, [moving(1, 100)]))
    with pytest.raises(AnalysisError, match="not finished"):
        open_analysis(writer.part)
    follower = open_analysis(writer.part, unfinished=True)
    assert follower.frame_count == 101
    assert len(list(follower.frames())) == 101
    writer.add(verdict(101, [moving(1, 101)]))
    writer.finish()
    follower.close()
    assert not writer.part.exists()
    assert path.stat().st_mode & 0o777 == 0o600
    open_analysis(path).close()


def test_reasons_that_a_terminal_would_obey_are_made_legible(tmp_path: Path) -> None:
    path = write_analysis(tmp_path / "clip.mp4.analysis", [verdict(0, damage="bad\x1b[2J\n")])
    with closing(open_analysis(path)) as analysis:
        assert [record.reason for record in analysis.frames()] == ["bad?[2J?"]


def test_given_up_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    path = tmp_path / "clip.mp4.analysis"
    writer = AnalysisWriter(path, HEADER, source=tmp_path / "clip.mp4")
    writer.add(verdict(0))
    writer.abort()
    writer.abort()
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def test_no_frame_no_analysis(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="no frame"):
        write_analysis(tmp_path / "a.analysis", [])
    assert not (tmp_path / "a.analysis").exists()


def test_frames_come_in_order(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="frame 2 came where 1"):
        write_analysis(tmp_path / "a.analysis", [verdict(0), verdict(2)])


def test_one_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    path = write_analysis(tmp_path / "a.analysis", [verdict(0)])
    with pytest.raises(OutputExistsError):
        write_analysis(path, [verdict(0)])
    write_analysis(path, [verdict(0), verdict(1)], overwrite=True)
    with pytest.raises(UsageError):
        AnalysisWriter(tmp_path / "clip.mp4", HEADER, source=tmp_path / "clip.mp4")


def test_what_is_no_analysis_is_refused(tmp_path: Path) -> None:
    text, other = tmp_path / "text", tmp_path / "other"
    text.write_text("no database " * 50)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE header (name TEXT)")
    connection.close()
    for path, words in ((text, "no analysis"), (other, "another program"), (tmp_path, "folder")):
        with pytest.raises(AnalysisError, match=words):
            open_analysis(path)
    with pytest.raises(SourceNotFoundError):
        open_analysis(tmp_path / "missing")
