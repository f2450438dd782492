"""Polygons and bit masks as compressed text, and back."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from typing import Any

from streamguard.analysis.columns import damaged, inflate
from streamguard.errors import AnalysisError
from streamguard.geometry import Box
from streamguard.outlines import BitMask, Outline, Polygon

_FAR = 2**31
"""Pixels; boxes, which are stored in four bytes, reach as far."""
_LIMIT = 2**23
"""Bytes of text that the outlines of one chunk may take."""


def text_of(outlines: Sequence[Outline]) -> bytes:
    """Return polygons and masks as JSON, compressed; nothing for none.

    Raises:
        AnalysisError: They are too many.
    """
    if not outlines:
        return b""
    text = json.dumps([_plain(outline) for outline in outlines]).encode()
    if len(text) > _LIMIT:
        raise AnalysisError(f"outlines of {len(text)} bytes do not fit into an analysis")
    return zlib.compress(text)


def outlines_from(data: bytes) -> tuple[Outline, ...]:
    """Return the polygons and masks of `text_of`.

    Raises:
        AnalysisError: The text is damaged.
    """
    if not data:
        return ()
    try:
        return tuple(_outline(plain) for plain in json.loads(inflate(data, _LIMIT)))
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise damaged("an outline") from error


def _plain(outline: Outline) -> dict[str, Any]:
    match outline:
        case Polygon(points):
            return {"polygon": [[int(x), int(y)] for x, y in points]}
        case BitMask(box, columns, rows, bits):
            corners = [int(side) for side in (box.x1, box.y1, box.x2, box.y2)]
            cells = base64.b64encode(bits).decode("ascii")
            return {"box": corners, "columns": columns, "rows": rows, "bits": cells}
        case Box():
            raise TypeError("a box has columns of its own")


def _outline(plain: dict[str, Any]) -> Outline:
    if "polygon" in plain:
        points = tuple((_side(x), _side(y)) for x, y in plain["polygon"])
        if len(points) < 3:
            raise ValueError("a polygon has three corners at least")
        return Polygon(points)
    columns, rows = int(plain["columns"]), int(plain["rows"])
    try:
        bits = base64.b64decode(plain["bits"], validate=True)
    except binascii.Error as error:
        raise damaged("a mask") from error
    if min(columns, rows) < 1 or len(bits) != (columns * rows + 7) // 8:
        raise ValueError("a mask has as many bits as cells")
    x1, y1, x2, y2 = map(_side, plain["box"])
    return BitMask(Box(x1, y1, x2, y2), columns, rows, bits)


def _side(value: Any) -> float:
    if not isinstance(value, int) or abs(value) > _FAR:
        raise ValueError("no place in a picture")
    return float(value)
