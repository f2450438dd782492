"""Tables of an analysis, its version, and the check that a file holds them and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streamguard.analysis.records import SCHEMA
from streamguard.errors import AnalysisError

APPLICATION_ID = 0x73676473
"""Marks the file as ours, in SQLite's own header."""

DECISION = {
    "header": "CREATE TABLE header (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "files": (
        "CREATE TABLE files (number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
        " size INTEGER NOT NULL, sha256 TEXT NOT NULL)"
    ),
    "chunks": (
        "CREATE TABLE chunks (first INTEGER PRIMARY KEY, frames INTEGER NOT NULL,"
        " covers INTEGER NOT NULL, frame_data BLOB NOT NULL, cover_data BLOB NOT NULL,"
        " outline_data BLOB NOT NULL, words TEXT NOT NULL)"
    ),
    "tracks": (
        "CREATE TABLE tracks (track_id INTEGER PRIMARY KEY, label TEXT NOT NULL,"
        " first INTEGER NOT NULL, last INTEGER NOT NULL, best INTEGER NOT NULL,"
        " confidence REAL NOT NULL, sources TEXT NOT NULL, hits INTEGER NOT NULL,"
        " misses INTEGER NOT NULL, blind REAL NOT NULL, luma REAL NOT NULL, lost TEXT NOT NULL)"
    ),
    "candidates": (
        "CREATE TABLE candidates (first INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
        " places INTEGER NOT NULL, data BLOB NOT NULL, place_data BLOB NOT NULL,"
        " words TEXT NOT NULL)"
    ),
    "doubts": (
        "CREATE TABLE doubts (number INTEGER PRIMARY KEY, first INTEGER NOT NULL,"
        " last INTEGER NOT NULL, score REAL NOT NULL, reasons TEXT NOT NULL,"
        " track_id INTEGER NOT NULL, candidate INTEGER NOT NULL)"
    ),
}
"""What the digest covers."""

SEAL = {
    "seal": ("CREATE TABLE seal (frames INTEGER NOT NULL, digest TEXT NOT NULL)"),
}
"""One row once the decision is whole; none while it is being written."""

EDITS = {
    "edits": (
        "CREATE TABLE edits (number INTEGER PRIMARY KEY, time TEXT NOT NULL,"
        " actor INTEGER NOT NULL, kind TEXT NOT NULL, arguments TEXT NOT NULL,"
        " code TEXT NOT NULL, reason TEXT, reason_salt TEXT, reason_seal TEXT NOT NULL,"
        " digest TEXT NOT NULL)"
    ),
    "actors": (
        "CREATE TABLE actors (number INTEGER PRIMARY KEY, name TEXT, salt TEXT, seal TEXT NOT NULL)"
    ),
    "drawn": (
        "CREATE TABLE drawn (edit INTEGER NOT NULL, frame INTEGER NOT NULL, x1 INTEGER NOT NULL,"
        " y1 INTEGER NOT NULL, x2 INTEGER NOT NULL, y2 INTEGER NOT NULL,"
        " PRIMARY KEY (edit, frame)) WITHOUT ROWID"
    ),
}
"""What a person changed; such tables may be missing. A chain of digests of its own covers them."""

FOUND = {
    "found": (
        "CREATE TABLE found (first INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
        " places INTEGER NOT NULL, data BLOB NOT NULL, place_data BLOB NOT NULL,"
        " words TEXT NOT NULL, digest TEXT NOT NULL)"
    ),
}
"""What a second look found; such a table may be missing. A chain of digests covers it."""


@dataclass(frozen=True, slots=True)
class Form:
    """One version of the tables.

    Attributes:
        tables: The statement that makes each table, by name.
        upgrade: Turns these tables into those of the next version; None for the newest.
    """

    tables: dict[str, str]
    upgrade: Callable[[sqlite3.Connection], None] | None = None


FORMS: dict[int, Form] = {SCHEMA: Form(DECISION | SEAL)}
"""Every version that can be read, by number."""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    for statement in FORMS[SCHEMA].tables.values():
        connection.execute(statement)


def check(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the tables.

    Raises:
        AnalysisError: It is another program's database, of a newer version, or its tables are
            not exactly those of the version.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise AnalysisError(f"{path} is no analysis but another program's database")
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in FORMS:
        raise AnalysisError(
            f"{path} has version {version} of the format, and this streamguard knows"
            f" version {SCHEMA}",
            "Install a newer streamguard",
        )
    needed = FORMS[version].tables
    possible = needed | EDITS | FOUND
    known = {(table, sql) for table, sql in possible.items()}
    found = set()
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    for kind, name, table, sql in rows:
        if kind == "index" and sql is None and table in possible:
            continue  # what SQLite makes for a key
        if kind != "table" or name != table or (name, sql) not in known:
            raise AnalysisError(
                f"{path} is not as an analysis is: it has a {kind} {name!s:.40}", "Analyze again"
            )
        found.add(name)
    if missing := sorted(set(needed) - found):
        raise AnalysisError(f"{path} is damaged: it has no table {missing[0]}", "Analyze again")
    return version


def tables_of(connection: sqlite3.Connection) -> set[str]:
    """Return the names of the tables that are there."""
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring the tables of an older version up to date; the seal stays that of the older ones."""
    while (step := FORMS[version].upgrade) is not None:
        step(connection)
        version += 1
        connection.execute(f"PRAGMA user_version = {version}")
