"""Boxes as WebVTT: a track of metadata that goes with the video in a browser."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, TextIO

from streamguard.exchange.rows import Boxes, Row, RowFrame

_STILL = Fraction(5)
"""Seconds that the cue of a photo lasts, which has no time of its own."""


def write_webvtt(boxes: Boxes, out: TextIO) -> None:
    """Write one cue for every stretch of frames that hide the same boxes.

    The payload is one line of JSON: ``frames`` (first and last index) and ``boxes``, each with a
    media fragment ``xywh`` in pixels of the upright picture.

    Args:
        boxes: What is hidden.
        out: Where to write.
    """
    out.write(f"WEBVTT\n\nNOTE decision {boxes.decision.decision_digest}\n")
    if boxes.edits:
        out.write(f"\nNOTE edits {boxes.edits}\n")
    for start, end, payload in _cues(boxes, _step(boxes)):
        text = json.dumps(payload, separators=(",", ":"))
        # An arrow may not stand in a cue, whatever a label or a name holds.
        out.write(f"\n{_stamp(start)} --> {_stamp(end)}\n{text.replace('>', chr(92) + 'u003e')}\n")


def _step(boxes: Boxes) -> Fraction:
    """Return how long the last frame lasts, in seconds."""
    header = boxes.decision.header
    return _STILL if header.still else 1 / header.usual_rate


def _cues(
    frames: Iterable[RowFrame], step: Fraction
) -> Iterator[tuple[Fraction, Fraction, dict[str, Any]]]:
    first: RowFrame | None = None
    last: RowFrame | None = None
    shown: list[dict[str, Any]] = []
    for frame in frames:
        entries = [entry for row in frame.rows if (entry := _entry(row, frame))]
        if first is not None and last is not None and entries != shown:
            yield from _cue(first, last, frame.time, shown)
            first = None
        if first is None:
            first, shown = frame, entries
        last = frame
    if first is not None and last is not None:
        yield from _cue(first, last, last.time + step, shown)


def _cue(
    first: RowFrame, last: RowFrame, end: Fraction, shown: list[dict[str, Any]]
) -> Iterator[tuple[Fraction, Fraction, dict[str, Any]]]:
    if shown:
        yield first.time, end, {"frames": [first.index, last.index], "boxes": shown}


def _entry(row: Row, frame: RowFrame) -> dict[str, Any]:
    x1, y1, x2, y2 = row.box.pixels(frame.width, frame.height)
    if x1 == x2 or y1 == y2:
        return {}
    entry: dict[str, Any] = {"track_id": row.track_id, "label": row.label}
    if row.person:
        entry["person"] = row.person
    return entry | {"source": row.source, "xywh": f"#xywh={x1},{y1},{x2 - x1},{y2 - y1}"}


def _stamp(time: Fraction) -> str:
    ms = max(0, round(time * 1000))
    minutes, ms = divmod(ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}.{ms % 1000:03}"
