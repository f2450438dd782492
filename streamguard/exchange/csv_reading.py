"""Reads boxes from CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from streamguard.errors import SourceError, unreadable
from streamguard.exchange.collecting import Collector, number_of
from streamguard.exchange.csv_writing import unspelled
from streamguard.exchange.given import GivenBox, GivenBoxes
from streamguard.geometry import FACE, Box

_NEEDED = ("frame", "x1", "y1", "x2", "y2", "width", "height")
_CORNERS = ("x1", "y1", "x2", "y2")


def read_csv(path: Path) -> GivenBoxes:
    """Read boxes line by line; a line whose corners are empty says that a frame has none.

    Args:
        path: A file whose first line names the columns: ``frame``, ``x1``, ``y1``, ``x2``,
            ``y2``, ``width`` and ``height`` (of the picture that the box is in); perhaps
            ``label``, ``track_id`` and ``confidence``. Others are passed over.

    Raises:
        SourceError: It cannot be read, or something in it makes no sense.
    """
    into = Collector(path.name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file, strict=True)
            missing = [name for name in _NEEDED if name not in (lines.fieldnames or ())]
            if missing:
                raise into.wrong("line 1", f"no column is named {', '.join(missing)}")
            for cells in lines:
                _take(into, f"line {lines.line_num}", cells)
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        raise unreadable(path, error) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} is no CSV file: {error}") from error
    return into.finish()


def _take(into: Collector, where: str, cells: Mapping[str, str | None]) -> None:
    frame = _whole(into, where, "frame", cells)
    size = _whole(into, where, "width", cells), _whole(into, where, "height", cells)
    into.mention(where, frame, size)
    corners = [(cells[name] or "").strip() for name in _CORNERS]
    if not any(corners):
        return
    box = Box(*(number_of(corner) for corner in corners))
    track_id = _whole(into, where, "track_id", cells) if cells.get("track_id") else 0
    confidence = number_of(cells["confidence"]) if cells.get("confidence") else 1.0
    label = unspelled(cells.get("label") or FACE)
    into.add(where, frame, GivenBox(box, track_id, label, confidence))


def _whole(into: Collector, where: str, name: str, cells: Mapping[str, str | None]) -> int:
    value = number_of(cells[name])
    if not math.isfinite(value) or value != int(value):
        raise into.wrong(where, f"{name} is {cells[name]!r}, which is no whole number")
    return int(value)
