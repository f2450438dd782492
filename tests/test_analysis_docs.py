"""docs/analysis.md: its example reads what we wrote, and it names every table and column."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from analysis_kit import moving, verdict, write_analysis
from conftest import ROOT

import streamguard
from streamguard.analysis import schema
from streamguard.analysis.reader import open_analysis
from streamguard.analysis.records import SCHEMA, Header
from streamguard.frames import Cover
from streamguard.geometry import Box
from streamguard.plans import Quality
from streamguard.settings import Settings

PAGE = (ROOT / "docs" / "analysis.md").read_text("utf-8")
TABLES = schema.FORMS[SCHEMA].tables | schema.EDITS | schema.FOUND


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory, face_clip: Path) -> Path:
    path = tmp_path_factory.mktemp("docs") / "face.analysis"
    streamguard.analyze(face_clip, path, Settings(quality=Quality.FAST))
    return path


def columns_of(table: str) -> set[str]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TABLES[table])
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def test_its_example_reads_the_boxes(decided: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(code, "analysis.md", "exec"), names)
    rows = sorted(tuple(map(int, row)) for row in names["boxes_of"](decided))
    with closing(open_analysis(decided)) as analysis:
        expected = sorted(
            (record.index, cover.track_id, *map(int, sides_of(cover.box)))
            for record in analysis.frames()
            for cover in record.covers
        )
    assert len(rows) >= 50
    assert rows == expected


def sides_of(box: Box) -> tuple[float, ...]:
    return box.x1, box.y1, box.x2, box.y2


def documented() -> Iterator[tuple[str, set[str]]]:
    """Yield each table with the columns that its part of the page names."""
    for part in re.split(r"^(?=`\w+` (?:has|holds) )", PAGE, flags=re.MULTILINE)[1:]:
        named = re.match(r"`(\w+)`", part)
        assert named is not None
        rows = re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)
        yield named[1], {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_it_names_every_table_and_column() -> None:
    said = dict(documented())
    assert set(said) == set(TABLES)
    said["found"] |= columns_of("candidates")
    for table, columns in said.items():
        assert columns == columns_of(table), table


def test_it_names_every_fact_of_the_header() -> None:
    (said,) = re.findall(r"^\| `name` \| (`width`.*?)\. \|$", PAGE, re.MULTILINE)
    names = {field.name for field in fields(Header)} - {"files"}
    assert set(re.findall(r"`(\w+)`", said)) == names


def test_it_says_how_the_file_is_marked(decided: Path) -> None:
    assert f"is {schema.APPLICATION_ID} (`sgds`" in PAGE
    assert schema.APPLICATION_ID.to_bytes(4, "big") == b"sgds"
    with closing(sqlite3.connect(decided)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    assert f"the version of the format, now {version}." in PAGE


def test_the_digest_is_what_it_says(decided: Path) -> None:
    total = hashlib.sha256()
    with closing(sqlite3.connect(decided)) as connection:
        for table in "header files chunks tracks candidates doubts".split():
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1"):
                if row[0] == "created":
                    continue
                line = [table]
                for value in row:
                    is_packed = isinstance(value, bytes)
                    line.append(hashlib.sha256(value).hexdigest() if is_packed else value)
                text = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
                total.update(text.encode())
        (digest,) = connection.execute("SELECT digest FROM seal").fetchone()
    assert total.hexdigest() == digest


def test_no_pixel_is_in_it(decided: Path) -> None:
    """A face of the clip has 2000 pixels; a cover takes a few bytes, whatever is under it."""
    with closing(sqlite3.connect(decided)) as connection:
        for table in TABLES:
            for column in columns_of(table):
                assert not re.search("pixel|image|picture|thumb|embed|template|feature", column)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        blobs = 0
        for table in tables & set(TABLES):
            for row in connection.execute(f"SELECT * FROM {table}"):
                blobs += sum(len(value) for value in row if isinstance(value, bytes))
        (covers,) = connection.execute("SELECT sum(covers) FROM chunks").fetchone()
    assert covers >= 50
    assert blobs < 1000 + 40 * covers


def test_a_minute_of_a_crowd_takes_less_than_a_megabyte(tmp_path: Path) -> None:
    def crowd(n: int) -> list[Cover]:
        # Boxes that tremble by a pixel, as those of flow do.
        shaken = [(n * (7 + track)) // 3 % 3 - 1 for track in range(40)]
        moved = [moving(track, n).box for track in range(40)]
        return [
            Cover(Box(b.x1 + 17 * i + s, b.y1 - s, b.x2 + 17 * i + (n + i) % 2, b.y2 + s), i + 1)
            for i, (b, s) in enumerate(zip(moved, shaken, strict=True))
        ]

    path = write_analysis(tmp_path / "a.analysis", [verdict(n, crowd(n)) for n in range(1800)])
    assert path.stat().st_size <= 1_000_000
    with closing(open_analysis(path)) as analysis:
        assert sum(len(chunk.tracks) for chunk in analysis.chunks()) == 72_000
