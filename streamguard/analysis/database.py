"""Opening the database of an analysis, which a stranger may have made."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from streamguard.analysis import schema
from streamguard.analysis.decision_digest import verify_seal
from streamguard.analysis.records import SCHEMA
from streamguard.analysis.recovery import check_journal
from streamguard.errors import AnalysisError, unreadable

_MAGIC = b"SQLite format 3\0"
_MAX_VALUE = 16 * 2**20
"""Bytes of the longest text or blob that is read."""
_PATIENCE = 30.0
"""Seconds to wait while another program writes."""


def open_checked(path: Path, *, verify: bool = False) -> sqlite3.Connection:
    """Open a file that a stranger may have made, for reading only, and check its tables.

    An older version is brought up to date in memory; the file stays as it is.

    Args:
        path: The file.
        verify: Also check that a decision that is whole is the one that was sealed.

    Raises:
        AnalysisError: It is no analysis, damaged, or of a newer version.
        SourceError: It does not exist or may not be read.
    """
    connection, version = _opened(path, "ro")
    try:
        with database_errors(path):
            if verify:
                verify_seal(connection, version, path)
            return connection if version == SCHEMA else _upgraded(connection, version)
    except BaseException:
        connection.close()
        raise


def open_for_edits(path: Path) -> sqlite3.Connection:
    """Open a file as `open_checked` does, for adding edits.

    What is erased from it is overwritten on the disk.

    Raises:
        AnalysisError: As `open_checked`.
        SourceError: As `open_checked`.
    """
    connection, _ = _opened(path, "rw")
    try:
        with database_errors(path):
            connection.execute("PRAGMA query_only = OFF")
            connection.execute("PRAGMA secure_delete = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _opened(path: Path, mode: str) -> tuple[sqlite3.Connection, int]:
    """Open a file and check its tables; return the version of them, too."""
    check_head(path)
    check_journal(path)
    with database_errors(path):
        try:
            return _connected(path, mode)
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
        # Somebody was killed while editing; whoever may write takes that back.
        _connected(path, "rw")[0].close()
        return _connected(path, mode)


def _connected(path: Path, mode: str) -> tuple[sqlite3.Connection, int]:
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=_PATIENCE,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        guard(connection)
        return connection, schema.check(connection, path)
    except BaseException:
        connection.close()
        raise


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


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's extended code of an error; 0 for one that Python raised itself."""
    return getattr(error, "sqlite_errorcode", 0)


def guard(connection: sqlite3.Connection) -> None:
    """Switch off what a stranger's file could make SQLite do."""
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA mmap_size = 0")


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
    schema.upgrade(copy, version)
    return copy


def _hint(error: sqlite3.OperationalError) -> str:
    code = code_of(error) & 0xFF
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return "If a program was killed while it changed the file, open it where it may be written"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "Another program keeps it: try again"
    return "Analyze again"
