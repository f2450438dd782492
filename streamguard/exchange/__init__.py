"""Boxes for other programs, and from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from streamguard.errors import UsageError
from streamguard.exchange.coco_reading import read_coco
from streamguard.exchange.coco_writing import write_coco
from streamguard.exchange.csv_reading import read_csv
from streamguard.exchange.csv_writing import write_csv
from streamguard.exchange.given import GivenBoxes
from streamguard.exchange.rows import Boxes
from streamguard.exchange.webvtt_writing import write_webvtt

FORMATS: dict[str, Callable[[Boxes, TextIO], None]] = {
    "coco": write_coco,
    "csv": write_csv,
    "webvtt": write_webvtt,
}
"""What writes each format, by its name."""

_READERS = {".json": read_coco, ".csv": read_csv}


def read_boxes(path: Path) -> GivenBoxes:
    """Read the boxes that another program decided on.

    Args:
        path: COCO (``.json``) or CSV (``.csv``).

    Raises:
        UsageError: The suffix is another one.
        SourceError: It cannot be read, something in it makes no sense, or it passes a frame over.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path} is neither .json (COCO) nor .csv", "Give boxes as one of the two")
    return reader(path)
