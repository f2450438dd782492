"""Files that were cut, changed, made by strangers or never finished: an error, nothing wrong."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from analysis_kit import HEADER, moving, verdict, write_analysis
from conftest import ROOT

from streamguard.analysis import schema
from streamguard.analysis.database import open_for_edits
from streamguard.analysis.decision_digest import digest
from streamguard.analysis.packing import MAX_COVERS
from streamguard.analysis.reader import open_analysis
from streamguard.analysis.writer import AnalysisWriter
from streamguard.errors import AnalysisError, OutputExistsError, SinkError, StreamguardError
from streamguard.frames import Candidate, Cover, TrackFacts, Uncovered
from streamguard.geometry import Box
from streamguard.outlines import Polygon


def all_of(path: Path) -> list[Any]:
    """Read everything that an analysis says, but when it was made."""
    with closing(open_analysis(path)) as analysis:
        return [
            {**vars_of(analysis.header), "created": ""},
            list(analysis.frames()),
            analysis.tracks(),
            analysis.candidates(),
            sorted(map(repr, analysis.doubts())),
        ]


def vars_of(header: object) -> dict[str, Any]:
    return {name: getattr(header, name) for name in type(header).__slots__}  # type: ignore[attr-defined]


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """An analysis with something in every table."""
    corner = Polygon(((1.0, 1.0), (9.0, 1.0), (5.0, 8.0)))
    weak = Candidate(Box(1, 2, 9, 9), 0.4, Uncovered.SHORT, 3)
    verdicts = [verdict(i, [moving(1, i), Cover(corner, 2, "code")]) for i in range(200)]
    verdicts[20] = verdict(20, damage="torn")
    verdicts[30] = verdict(30, [moving(1, 30)], candidates=[weak])
    verdicts[199] = verdict(199, ended=[TrackFacts(track_id=1, confidence=0.2, hits=1)])
    return write_analysis(tmp_path / "clip.mp4.analysis", verdicts)


def test_a_changed_byte_changes_nothing_that_is_read(whole: Path, tmp_path: Path) -> None:
    expected, data = all_of(whole), whole.read_bytes()
    changed = tmp_path / "changed.analysis"
    rng = random.Random(4)
    # Where data is dense, and anywhere else: free space of pages changes nothing.
    places = [*range(0, 100, 3), *(rng.randrange(len(data)) for _ in range(100))]
    places += rng.sample([n for n, byte in enumerate(data) if byte], 250)
    errors = 0
    for place in places:
        wrong = bytearray(data)
        wrong[place] ^= 1 << rng.randrange(8)
        changed.write_bytes(wrong)
        try:
            assert all_of(changed) == expected, place
        except StreamguardError:
            errors += 1
    assert errors > 200


def test_one_that_was_cut_is_refused(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    cut = tmp_path / "cut.analysis"
    for length in [0, 1, 50, 99, 100, 1000, *range(4096, len(data), 4096), len(data) - 1]:
        cut.write_bytes(data[:length])
        with pytest.raises(AnalysisError):
            all_of(cut)


def change(path: Path, *statements: str, reseal: bool = True) -> None:
    """Do to a database what anybody can, and compute the digest, as anybody can, too."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        if reseal:
            connection.execute("UPDATE seal SET digest = ?", (digest(connection),))
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE chunks SET covers = 1000000000",
        f"UPDATE chunks SET covers = {MAX_COVERS}",
        "UPDATE chunks SET covers = -1",
        "UPDATE chunks SET covers = 1",
        "UPDATE chunks SET covers = 'many'",
        "UPDATE chunks SET frames = frames + 1 WHERE first = 0",
        "UPDATE chunks SET frames = 0 WHERE first = 0",
        "UPDATE chunks SET frames = 9223372036854775807 WHERE first = 192",
        "DELETE FROM chunks WHERE first = 64",
        "UPDATE chunks SET first = 65 WHERE first = 64",
        "UPDATE chunks SET first = -64 WHERE first = 0",
        "UPDATE chunks SET frame_data = x'00'",
        "UPDATE chunks SET frame_data = 'text'",
        "UPDATE chunks SET cover_data = frame_data",
        "UPDATE chunks SET outline_data = x''",
        "UPDATE chunks SET outline_data = cover_data",
        "UPDATE chunks SET words = '[]'",
        'UPDATE chunks SET words = \'{"kinds": [], "reasons": []}\'',
        'UPDATE chunks SET words = \'{"kinds": [["a", "glitter"]], "reasons": [""]}\'',
        "UPDATE chunks SET words = printf('%.*c', 2000000, '[')",
        "UPDATE chunks SET words = printf('%.*c', 200000, '[')",
        "UPDATE chunks SET words = x'00'",
        "UPDATE chunks SET words = replace(words, 'face', '\\u001b[2J')",
        "UPDATE chunks SET words = replace(words, 'face', '\\ud800')",
        "UPDATE tracks SET label = 'two' || char(10) || 'lines'",
        "UPDATE tracks SET sources = '[\"\\u202e\"]'",
        "UPDATE tracks SET first = 'x'",
        "UPDATE tracks SET best = last + 1",
        "UPDATE tracks SET first = -1",
        "UPDATE tracks SET sources = '7'",
        "UPDATE candidates SET places = 1000000000",
        "UPDATE candidates SET count = 5",
        "UPDATE candidates SET data = place_data",
        'UPDATE candidates SET words = \'["face", "because"]\'',
        "UPDATE candidates SET words = '[]'",
        "UPDATE doubts SET score = 'high'",
        "UPDATE doubts SET first = last + 1",
        "UPDATE doubts SET reasons = '{'",
        "UPDATE doubts SET reasons = '[\"\\u001b[2J\"]'",
        "UPDATE header SET value = '-' WHERE name = 'width'",
        "UPDATE header SET value = '\"1/0\"' WHERE name = 'time_base'",
        "UPDATE header SET value = '\"0/1\"' WHERE name = 'time_base'",
        "UPDATE header SET value = '\"-1/25\"' WHERE name = 'time_base'",
        "UPDATE header SET value = '\"1e999999999\"' WHERE name = 'time_base'",
        "UPDATE header SET value = '\"9\"' || hex(zeroblob(9000)) WHERE name = 'frame_rate'",
        "UPDATE header SET value = '0' WHERE name = 'width'",
        "UPDATE header SET value = '[]' WHERE name = 'color'",
        "UPDATE header SET value = '{\"a\": \"b\"}' WHERE name = 'color'",
        "DELETE FROM header WHERE name = 'settings'",
        "UPDATE files SET name = '../../etc/passwd'",
        "UPDATE files SET name = '..'",
        "UPDATE files SET name = ''",
        "UPDATE files SET sha256 = 'short'",
        "UPDATE files SET size = 'large'",
        "DELETE FROM files",
        "UPDATE seal SET frames = 199",
        "UPDATE seal SET frames = 'all'",
        "INSERT INTO seal SELECT * FROM seal",
    ],
)
def test_what_a_stranger_wrote_into_it_is_refused(whole: Path, statement: str) -> None:
    change(whole, statement)
    with pytest.raises(AnalysisError):
        all_of(whole)


def test_content_that_was_changed_does_not_fit_the_digest(whole: Path) -> None:
    change(whole, "UPDATE tracks SET confidence = 0.99", reseal=False)
    with pytest.raises(AnalysisError, match="does not hold what was written"):
        open_analysis(whole)


def test_when_it_was_made_is_no_part_of_the_decision(whole: Path) -> None:
    with closing(open_analysis(whole)) as analysis:
        before = analysis.decision_digest
    change(whole, "UPDATE header SET value = '\"later\"' WHERE name = 'created'", reseal=False)
    with closing(open_analysis(whole)) as analysis:
        assert (analysis.decision_digest, analysis.header.created) == (before, "later")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON seal BEGIN DELETE FROM chunks; END",
        "CREATE VIEW v AS SELECT * FROM chunks",
        "CREATE TABLE more (x)",
        "CREATE INDEX i ON chunks (frames)",
        "CREATE VIRTUAL TABLE f USING fts5 (x)",
        "ALTER TABLE tracks ADD COLUMN more TEXT",
        "ALTER TABLE tracks RENAME COLUMN luma TO lumen",
        "ALTER TABLE tracks RENAME TO trucks",
        "DROP TABLE doubts",
        "PRAGMA user_version = 99",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 7",
        "PRAGMA journal_mode = WAL",
    ],
)
def test_tables_that_are_not_exactly_ours_are_refused(whole: Path, statement: str) -> None:
    change(whole, statement, reseal=False)
    for how in (open_analysis, open_for_edits):
        with pytest.raises(AnalysisError):
            how(whole)


def test_a_newer_one_says_what_to_do(whole: Path) -> None:
    change(whole, "PRAGMA user_version = 99", reseal=False)
    with pytest.raises(AnalysisError, match=r"version 99.*newer streamguard"):
        open_analysis(whole)


def test_data_that_unpacks_to_gigabytes_is_not_unpacked(whole: Path) -> None:
    bomb = zlib.compress(bytes(2**28), 9)
    with closing(sqlite3.connect(whole)) as connection:
        connection.execute("UPDATE chunks SET frame_data = ?, outline_data = ?", (bomb, bomb))
        connection.execute("UPDATE seal SET digest = ?", (digest(connection),))
        connection.commit()
    with closing(open_analysis(whole)) as analysis, pytest.raises(AnalysisError, match="damaged"):
        list(analysis.chunks())


def test_an_older_one_is_brought_up_to_date_in_memory(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 0 had no doubts, and called the tracks' table by another name."""
    expected = all_of(whole)
    older = {name: sql for name, sql in schema.FORMS[1].tables.items() if name != "doubts"}
    older["things"] = older.pop("tracks").replace("TABLE tracks", "TABLE things")

    def up(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE things RENAME TO tracks")
        connection.execute(schema.DECISION["doubts"])

    change(
        whole,
        "DROP TABLE doubts",
        "ALTER TABLE tracks RENAME TO things",
        "PRAGMA user_version = 0",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, '\"things\"', 'things')",
        reseal=False,
    )
    with pytest.raises(AnalysisError, match="version 0"):
        open_analysis(whole)
    monkeypatch.setitem(schema.FORMS, 0, schema.Form(older, up))
    with closing(sqlite3.connect(whole)) as connection:
        sealed = digest(connection, 0)
        connection.execute("UPDATE seal SET digest = ?", (sealed,))
        connection.commit()
    data = whole.read_bytes()
    assert all_of(whole) == [*expected[:4], []]
    with closing(open_analysis(whole)) as analysis:
        assert analysis.decision_digest == sealed
    assert whole.read_bytes() == data
    change(whole, "UPDATE things SET hits = 77", reseal=False)
    with pytest.raises(AnalysisError, match="does not hold"):
        open_analysis(whole)


HALF_DONE = """
import os, sys
from pathlib import Path
from streamguard.analysis.database import open_for_edits
connection = open_for_edits(Path(sys.argv[1]))
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE chunks SET words = printf('%.*c', 50000, 'x')")
connection.execute("UPDATE files SET name = 'other'")
os._exit(9)
"""


@pytest.fixture
def half_changed(whole: Path) -> Path:
    """An analysis whose editor was killed when half of the change was on the disk."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", HALF_DONE, str(whole)], env=environment, check=False
    )
    assert done.returncode == 9
    assert journal_of(whole).stat().st_size > 512
    return whole


def journal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def test_half_a_change_is_taken_back(half_changed: Path) -> None:
    assert len(all_of(half_changed)[1]) == 200
    assert not journal_of(half_changed).exists()


def test_half_a_change_is_taken_back_by_editing(half_changed: Path) -> None:
    open_for_edits(half_changed).close()
    assert len(all_of(half_changed)[1]) == 200


@pytest.mark.parametrize("how", [open_analysis, open_for_edits])
def test_a_journal_that_names_another_file_is_not_followed(
    half_changed: Path, how: Callable[[Path], Any]
) -> None:
    # SQLite would read the file that is named, and remove it at the end.
    victim = half_changed.with_name("precious")
    victim.write_text("of no use to SQLite")
    name = str(victim).encode()
    journal = journal_of(half_changed)
    end = struct.pack(">II", len(name), sum(name)) + bytes.fromhex("d9d505f920a163d7")
    journal.write_bytes(journal.read_bytes() + b"\0\0\0\1" + name + end)
    with pytest.raises(AnalysisError, match="not followed"):
        how(half_changed)
    assert victim.exists()
    journal.unlink()
    os.mkfifo(journal)
    with pytest.raises(AnalysisError):
        how(half_changed)


@pytest.mark.parametrize("odd", [os.fsencode("a b?mode=rwc#%41 ä"), b"lat\xe9", b"two\nlines"])
def test_odd_names_are_names(odd: bytes, tmp_path: Path) -> None:
    name = os.fsdecode(odd)
    header = replace(HEADER, files=(replace(HEADER.files[0], name=name),))
    path = write_analysis(tmp_path / f"{name}.analysis", [verdict(0)], header=header)
    with closing(open_analysis(path)) as analysis:
        assert (analysis.frame_count, analysis.header.files[0].name) == (1, name)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AnalysisError, match="no file"):
        open_analysis(tmp_path / "pipe")


def test_of_two_writers_one_is_told(tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    source.touch()
    path = tmp_path / "clip.mp4.analysis"
    first, second = (AnalysisWriter(path, HEADER, source=source) for _ in range(2))
    for writer, count in ((first, 3), (second, 5)):
        for n in range(count):
            writer.add(verdict(n))
    first.finish()
    with pytest.raises(OutputExistsError):
        second.finish()
    with closing(open_analysis(path)) as analysis:
        assert analysis.frame_count == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.mp4", "clip.mp4.analysis"]


def test_a_reader_that_stays_does_not_stop_the_writer(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    writer = AnalysisWriter(tmp_path / "a.analysis", HEADER, source=tmp_path / "clip.mp4")
    with closing(sqlite3.connect(writer.part, isolation_level=None)) as follower:
        follower.execute("BEGIN")
        follower.execute("SELECT * FROM chunks").fetchall()
        for n in range(3):
            writer._committed = 0.0
            writer.add(verdict(n))
        follower.execute("COMMIT")
        writer._committed = 0.0
        writer.add(verdict(3))
        assert follower.execute("SELECT sum(frames) FROM chunks").fetchone() == (4,)
    writer.finish()


CODE = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from analysis_kit import HEADER, moving, verdict
from streamguard.analysis.writer import AnalysisWriter
path = Path(sys.argv[2])
writer = AnalysisWriter(path, HEADER, source=path.parent / "clip.mp4", overwrite=True)
if sys.argv[3] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
n = 0
while n < 20_000:
    writer._committed = 0.0 if n % 50 == 49 else writer._committed
    writer.add(verdict(n, [moving(track * 7, n * track * track) for track in range(20)]))
    n += 1
    if n == 400:
        print("going", flush=True)
"""


def start(path: Path, how: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    tests = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", CODE, tests, str(path), how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_killed_while_writing_the_old_one_is_whole(whole: Path) -> None:
    expected = all_of(whole)
    process = start(whole, "kill")
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert all_of(whole) == expected
    (part,) = whole.parent.glob(".*.part.analysis")
    assert part.stat().st_mode & 0o777 == 0o600
    with pytest.raises(AnalysisError):
        open_analysis(part)
    # What was written of it may be followed, or is an error; it is never something else.
    with suppress(AnalysisError), closing(open_analysis(part, unfinished=True)) as follower:
        for n, record in enumerate(follower.frames()):
            assert (record.index, len(record.covers)) == (n, 20)


def test_a_full_disk_is_said_and_the_old_one_is_whole(whole: Path) -> None:
    expected = all_of(whole)
    process = start(whole, "full")
    _, words = process.communicate()
    assert process.returncode != 0
    last = words.strip().splitlines()[-1]
    assert last.startswith("streamguard.errors.SinkError"), words
    assert "cannot be written" in last or "disk is full" in last
    assert all_of(whole) == expected


def test_a_device_that_is_full_is_said(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    path = tmp_path / "a.analysis"
    writer = AnalysisWriter(path, HEADER, source=tmp_path / "clip.mp4")
    writer._connection.execute("PRAGMA max_page_count = 12")

    def fill() -> None:
        rng = np.random.default_rng(1)
        for n in range(2000):
            sides = rng.integers(0, 500, (20, 4)).astype(float)
            writer.add(verdict(n, [Cover(Box(*side), 1) for side in sides.tolist()]))

    with pytest.raises(SinkError, match="disk is full"):
        fill()
    writer.abort()
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]
