"""The digest of a decision: what is in its tables, whatever the bytes of the file."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from streamguard.analysis.records import SCHEMA
from streamguard.analysis.schema import FORMS, SEAL
from streamguard.errors import AnalysisError


def digest(connection: sqlite3.Connection, version: int = SCHEMA) -> str:
    """Return the SHA-256 of what was decided, 64 hex digits.

    One line of JSON for each row, in the order of keys: the table, then its values, the
    SHA-256 of each blob in its place. When it was made does not count.
    """
    total = hashlib.sha256()
    usual, connection.text_factory = connection.text_factory, os.fsdecode
    try:
        for line in _lines(connection, version):
            total.update(line)
    finally:
        connection.text_factory = usual
    return total.hexdigest()


def _lines(connection: sqlite3.Connection, version: int) -> Iterator[bytes]:
    tables = [table for table in FORMS[version].tables if table not in SEAL]
    for table in tables:
        where = "WHERE name <> 'created'" if table == "header" else ""
        for row in connection.execute(f"SELECT * FROM {table} {where} ORDER BY 1"):
            yield row_line(table, row) + b"\n"


def row_line(start: str, row: Iterable[object]) -> bytes:
    """Return a row as a line of JSON for a digest, with the SHA-256 of each blob in its place."""
    values = [
        hashlib.sha256(value).hexdigest() if isinstance(value, bytes) else value for value in row
    ]
    line = json.dumps([start, *values], ensure_ascii=False, separators=(",", ":"))
    return line.encode("utf-8", "surrogatepass")


def verify_seal(connection: sqlite3.Connection, version: int, path: Path) -> None:
    """Check that a decision is the one that was sealed; one that is not whole has no seal.

    Args:
        connection: To its database.
        version: Of its tables.
        path: The file, for the message.

    Raises:
        AnalysisError: It holds something else.
    """
    seals = connection.execute("SELECT frames, digest FROM seal LIMIT 2").fetchall()
    if not seals:
        return
    counted = connection.execute(
        "SELECT first + frames FROM chunks ORDER BY first DESC LIMIT 1"
    ).fetchall()
    if seals != [(frames, digest(connection, version)) for (frames,) in counted]:
        raise AnalysisError(
            f"{path} is damaged: it does not hold what was written", "Analyze again"
        )
