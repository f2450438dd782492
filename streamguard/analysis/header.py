"""The header of an analysis as rows of plain text, and back."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from dataclasses import fields
from fractions import Fraction
from typing import Any

from streamguard.analysis.columns import damaged, parsed
from streamguard.analysis.records import FileRecord, Header

_MAX_NAMES = 100
_MAX_FILES = 200_000
"""Rows that are read; a playlist has half as many entries at most."""
_FRACTION = re.compile(r"[0-9]{1,18}(/[0-9]{1,18})?", re.ASCII)
"""Not all that Python's own reader takes: a few bytes of an exponent can fill all memory."""
_HEX = frozenset("0123456789abcdef")


def store_header(connection: sqlite3.Connection, header: Header) -> None:
    """Write a header into empty tables."""
    values = {
        field.name: _plain(getattr(header, field.name))
        for field in fields(header)
        if field.name != "files"
    }
    connection.executemany(
        "INSERT INTO header VALUES (?, ?)",
        [(name, json.dumps(value, sort_keys=True)) for name, value in values.items()],
    )
    connection.executemany(
        # A name need not be UTF-8, which SQLite asks nobody about.
        "INSERT INTO files VALUES (?, CAST(? AS TEXT), ?, ?)",
        [
            (n, os.fsencode(file.name), file.size, file.sha256)
            for n, file in enumerate(header.files)
        ],
    )


def load_header(connection: sqlite3.Connection) -> Header:
    """Return the header that was stored.

    Raises:
        AnalysisError: It is damaged.
    """
    try:
        values = {
            name: parsed(_text(text))
            for name, text in connection.execute(f"SELECT * FROM header LIMIT {_MAX_NAMES}")
        }
        rate = values["frame_rate"]
        return Header(
            files=_files(connection),
            width=_positive(values["width"]),
            height=_positive(values["height"]),
            pix_fmt=_text(values["pix_fmt"]),
            time_base=_fraction(values["time_base"]),
            frame_rate=_fraction(rate) if rate not in (None, "0") else None,
            quarter_turns=_whole(values["quarter_turns"]) % 4,
            mirrored=bool(values["mirrored"]),
            still=bool(values["still"]),
            equirectangular=bool(values["equirectangular"]),
            color={_text(k): _whole(v) for k, v in values["color"].items()},
            settings=dict(values["settings"]),
            versions={_text(k): _text(v) for k, v in values["versions"].items()},
            models={_text(k): _text(v) for k, v in values["models"].items()},
            created=_text(values["created"]),
        )
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        ZeroDivisionError,
    ) as error:
        raise damaged("its header") from error


def _files(connection: sqlite3.Connection) -> tuple[FileRecord, ...]:
    names = "CAST(name AS BLOB), size, sha256"
    query = f"SELECT {names} FROM files ORDER BY number LIMIT {_MAX_FILES + 1}"
    rows = connection.execute(query).fetchall()
    if not 0 < len(rows) <= _MAX_FILES:
        raise ValueError("an analysis is of a file, and of a playlist's at most")
    files = tuple(FileRecord(os.fsdecode(n), _whole(size), _text(sha)) for n, size, sha in rows)
    for file in files:
        if len(file.sha256) != 64 or not set(file.sha256) <= _HEX:
            raise ValueError("no SHA-256")
        if file.name in {"", ".", ".."} or set(file.name) & {"/", "\\", "\0"}:
            raise ValueError("a name is that of a file, and holds no folder")
    return files


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Fraction) else value


def _fraction(value: Any) -> Fraction:
    if not _FRACTION.fullmatch(_text(value)) or not (fraction := Fraction(value)):
        raise ValueError("no fraction above 0")
    return fraction


def _positive(value: Any) -> int:
    if _whole(value) < 1:
        raise ValueError("no size")
    return int(value)


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("no whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
