"""Adding to an analysis that is whole: what a person decided, what a second look found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from streamguard.analysis import database, schema
from streamguard.errors import SinkError, SinkPermissionError


@contextmanager
def changing(path: Path, tables: Mapping[str, str]) -> Iterator[sqlite3.Connection]:
    """Give a transaction in which nobody else writes; it is undone if anything fails.

    Args:
        path: The analysis.
        tables: Statements that make the tables that are needed, by name.

    Raises:
        AnalysisError: It is no analysis, or damaged.
        SinkError: It cannot be written.
    """
    with closing(database.open_for_edits(path)) as connection, _write_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            there = schema.tables_of(connection)
            for name, statement in tables.items():
                if name not in there:
                    connection.execute(statement)
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        code = database.code_of(error) & 0xFF
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise SinkPermissionError(
                f"{path} may not be written", "Check its permissions and its folder's"
            ) from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise SinkError(f"{path} is kept by another program", "Try again") from error
        raise SinkError(f"{path} cannot be written: {error}") from error
