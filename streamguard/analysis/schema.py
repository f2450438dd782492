"""Tables of an analysis, its version, and the check that a file holds them and nothing else."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from streamguard.analysis.records import SCHEMA
from streamguard.errors import AnalysisError, unreadable

APPLICATION_ID = 0x73676473
"""Marks the file as ours, in SQLite's own header."""

_MAGIC = b"SQLite format 3\0"
_MAX_VALUE = 64 * 2**20
"""Bytes of the longest text or blob that is read."""
_PATIENCE = 30.0
"""Seconds to wait while another program writes."""

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
        " misses INTEGER NOT NULL, blind REAL NOT NULL, luma REAL NOT NULL)"
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


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors while reading into this project's.

    Raises:
        AnalysisError: The file is damaged, or somebody else keeps it.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise AnalysisError(f"{path} cannot be read: {error}", _hint(error)) from error
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        raise AnalysisError(f"{path} is damaged: {error}", "Analyze again") from error


def create(connection: sqlite3.Connection) -> None:
    """Make the tables in an empty database."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA}")
    for statement in FORMS[SCHEMA].tables.values():
        connection.execute(statement)


def open_checked(path: Path) -> sqlite3.Connection:
    """Open a file that a stranger may have made, for reading only, and check its tables.

    An older version is brought up to date in memory; the file stays as it is.

    Raises:
        AnalysisError: It is no analysis, damaged, or of a newer version.
        SourceError: It does not exist or may not be read.
    """
    connection, version = _opened(path, "ro")
    return connection if version == SCHEMA else _upgraded(connection, version)


def open_for_edits(path: Path) -> sqlite3.Connection:
    """Open a file as `open_checked` does, for adding edits.

    What is erased from it is overwritten on the disk. An older version is brought up to date.

    Raises:
        AnalysisError: As `open_checked`.
        SourceError: As `open_checked`.
    """
    connection, version = _opened(path, "rw")
    try:
        with database_errors(path):
            connection.execute("PRAGMA query_only = OFF")
            connection.execute("PRAGMA secure_delete = ON")
            if version != SCHEMA:
                connection.execute("BEGIN IMMEDIATE")
                upgrade(connection, version)
                connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _opened(path: Path, mode: str) -> tuple[sqlite3.Connection, int]:
    """Open a file and check its tables; return the version of them, too."""
    check_head(path)
    with database_errors(path):
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode={mode}",
            uri=True,
            timeout=_PATIENCE,
            isolation_level=None,
            check_same_thread=False,
        )
    try:
        with database_errors(path):
            guard(connection)
            return connection, check(connection, path)
    except BaseException:
        connection.close()
        raise


def guard(connection: sqlite3.Connection) -> None:
    """Switch off what a stranger's file could make SQLite do."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA mmap_size = 0")


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
    known = {(table, sql) for table, sql in (needed | EDITS).items()}
    found = set()
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
    for kind, name, table, sql in rows:
        if kind == "index" and sql is None and table in needed | EDITS:
            continue  # what SQLite makes for a key
        if kind != "table" or name != table or (name, sql) not in known:
            raise AnalysisError(
                f"{path} is not as an analysis is: it has a {kind} {name!s:.40}", "Analyze again"
            )
        found.add(name)
    if missing := sorted(set(needed) - found):
        raise AnalysisError(f"{path} is damaged: it has no table {missing[0]}", "Analyze again")
    return version


def digest(connection: sqlite3.Connection, version: int = SCHEMA) -> str:
    """Return the SHA-256 of what was decided, 64 hex digits.

    One line of JSON for each row, in the order of keys: the table, then its values, the
    SHA-256 of each blob in its place. When it was made does not count.
    """
    total = hashlib.sha256()
    tables = [table for table in FORMS[version].tables if table not in SEAL]
    for table in tables:
        where = "WHERE name <> 'created'" if table == "header" else ""
        for row in connection.execute(f"SELECT * FROM {table} {where} ORDER BY 1"):
            values = [
                hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value
                for value in row
            ]
            line = json.dumps([table, *values], ensure_ascii=False, separators=(",", ":"))
            total.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return total.hexdigest()


def check_head(path: Path) -> None:
    """Look at the first bytes, before SQLite does.

    Raises:
        AnalysisError: It is no SQLite database, or one that needs a second file.
        SourceError: It does not exist or may not be read.
    """
    if path.is_dir():
        raise AnalysisError(f"{path} is a folder and no analysis")
    try:
        if not path.is_file() and path.exists():
            raise AnalysisError(f"{path} is no file")
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(head) < 100 or not head.startswith(_MAGIC):
        raise AnalysisError(f"{path} is no analysis", "Make one with: streamguard analyze")
    if head[18:20] != b"\1\1":
        raise AnalysisError(f"{path} is not as an analysis is: it needs another file beside it")


def _upgraded(connection: sqlite3.Connection, version: int) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    with closing(connection):
        connection.backup(copy)
    upgrade(copy, version)
    return copy


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Bring the tables of an older version up to date; the caller commits."""
    while (step := FORMS[version].upgrade) is not None:
        step(connection)
        version += 1
        connection.execute(f"PRAGMA user_version = {version}")


def _hint(error: sqlite3.OperationalError) -> str:
    code = getattr(error, "sqlite_errorcode", 0)
    if code in (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY):
        return "A program ended while it changed it: edit it once, which takes that back"
    if code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "Another program keeps it: try again"
    return "Analyze again"
