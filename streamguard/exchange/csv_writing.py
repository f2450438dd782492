"""Boxes as CSV: one line for everything that is hidden in a frame."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

from streamguard.exchange.rows import Boxes, Row, RowFrame

COLUMNS = (
    "frame",
    "time_s",
    "track_id",
    "person",
    "label",
    "x1",
    "y1",
    "x2",
    "y2",
    "source",
    "width",
    "height",
)
"""Names of the columns, in the order in which they are written."""

_FORMULA = ("=", "+", "-", "@")


def write_csv(boxes: Boxes, out: TextIO) -> None:
    """Write a line of names, then a line for each box, or one without a box for an empty frame.

    Args:
        boxes: What is hidden.
        out: Where to write; opened with ``newline=""``.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for frame in boxes:
        writer.writerows(_lines(frame))


def _lines(frame: RowFrame) -> Iterator[list[str | int]]:
    time = f"{float(frame.time):.6f}"
    size = [frame.width, frame.height]
    if not frame.rows:
        yield [frame.index, time, *[""] * 8, *size]
    for row in frame.rows:
        yield [frame.index, time, *_cells(row), *size]


def _cells(row: Row) -> list[str | int]:
    box = row.box
    corners = [round(value) for value in (box.x1, box.y1, box.x2, box.y2)]
    words = spelled(row.label), spelled(row.source)
    return [row.track_id or "", row.person or "", words[0], *corners, words[1]]


def spelled(word: str) -> str:
    """Return a text as it stands in a cell: spreadsheets take some for formulas."""
    return f"'{word}" if word.startswith(_FORMULA) else word


def unspelled(cell: str) -> str:
    """Return the text that stands in a cell."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
