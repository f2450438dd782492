"""Columns of whole numbers, difference coded and compressed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from streamguard.errors import AnalysisError

_MAX_TEXT = 2**20
"""Characters of a list of words, or of a value of the header."""
Number = TypeVar("Number", np.int32, np.int64)


def damaged(what: str) -> AnalysisError:
    """Return the error for content that cannot be what was written."""
    return AnalysisError(f"the analysis is damaged: {what} cannot be read", "Analyze again")


def parsed(text: str) -> Any:
    """Return what a short JSON text says.

    Raises:
        AnalysisError: The text is not JSON, or it is too long.
    """
    if len(text) > _MAX_TEXT:
        raise damaged("a long text")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise damaged("a text") from error


def printed(word: object) -> str:
    """Return a word that commands print and other programs get.

    Raises:
        AnalysisError: It holds what a terminal would obey, or no program could write.
    """
    text = str(word)
    if not text.isprintable():
        raise damaged("a word")
    return text


def typed(row: Sequence[Any], types: Sequence[type], what: str) -> tuple[Any, ...]:
    """Return a row of a table once each value has the type of its column, which SQLite lets be.

    Raises:
        AnalysisError: One has not.
    """
    if not all(map(isinstance, row, types)):
        raise damaged(what)
    return tuple(row)


def pack_columns(rows: Sequence[tuple[int, ...]], width: int, dtype: type[Number]) -> bytes:
    """Return rows of numbers as compressed columns.

    Each column is stored from top to bottom, each number as what it adds to the one above it
    (the first to 0), little endian; then all is compressed with zlib.

    Args:
        rows: Of ``width`` numbers each.
        width: Number of columns.
        dtype: ``int32`` or ``int64``.

    Raises:
        AnalysisError: A number does not fit.
    """
    try:
        table = np.array(rows, dtype).reshape(len(rows), width).T
    except OverflowError as error:
        raise AnalysisError("a number does not fit into an analysis") from error
    # Differences that do not fit wrap round, and so do the sums made of them.
    steps = np.diff(table, axis=1, prepend=np.zeros((width, 1), dtype))
    return zlib.compress(np.ascontiguousarray(steps, table.dtype.newbyteorder("<")).tobytes())


def unpack_columns(data: bytes, width: int, length: int, dtype: type[Number]) -> NDArray[Number]:
    """Return what `pack_columns` packed, shape ``(width, length)``.

    Args:
        data: Its result.
        width: Number of columns.
        length: Number of rows.
        dtype: As it was packed.

    Raises:
        AnalysisError: The data is of another size, or damaged.
    """
    size = width * length * np.dtype(dtype).itemsize
    steps = np.frombuffer(inflate(data, size), np.dtype(dtype).newbyteorder("<"))
    if steps.size != width * length:
        raise damaged("a column")
    table: NDArray[Any] = steps.astype(dtype).reshape(width, length)
    return np.cumsum(table, axis=1, dtype=dtype)


def inflate(data: bytes, limit: int) -> bytes:
    """Return decompressed data of at most ``limit`` bytes.

    Raises:
        AnalysisError: It is longer, cut short, or no zlib data.
    """
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(data, limit + 1)
        # At exactly the limit, the end of the stream may not have been read yet.
        raw += stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise damaged("compressed data") from error
    if len(raw) > limit or not stream.eof or stream.unused_data:
        raise damaged("compressed data")
    return raw
