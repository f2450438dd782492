"""Boxes as COCO: one JSON object of images, annotations and categories."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, TextIO

from streamguard.exchange.rows import Boxes, Row, RowFrame
from streamguard.outlines import Polygon


def write_coco(boxes: Boxes, out: TextIO) -> None:
    """Write every frame as an image, and everything that is hidden as an annotation.

    The analysis is read twice, so that nothing is held: images come first in the file.

    Args:
        boxes: What is hidden.
        out: Where to write.
    """
    header = boxes.decision.header
    name = PurePath(header.files[0].name)
    info = {
        "description": f"what streamguard hides in {name}",
        "version": header.versions.get("streamguard", ""),
        "date_created": header.created,
        "decision": boxes.decision.decision_digest,
        "edits": boxes.edits,
    }
    categories: dict[str, int] = {}
    out.write(f'{{"info":{_json(info)},"licenses":[],"images":[')
    _write_list(_images(boxes, name), out)
    out.write('],"annotations":[')
    _write_list(_annotations(boxes, categories), out)
    out.write('],"categories":[')
    _write_list(({"id": number, "name": text} for text, number in categories.items()), out)
    out.write("]}\n")


def _images(boxes: Boxes, name: PurePath) -> Iterator[dict[str, Any]]:
    still = boxes.decision.header.still
    for frame in boxes.walk(with_rows=False):
        yield {
            "id": frame.index + 1,
            "file_name": str(name) if still else f"{name.stem}_{frame.index:06}.png",
            "width": frame.width,
            "height": frame.height,
            "frame_index": frame.index,
            "time_s": round(float(frame.time), 6),
        }


def _annotations(boxes: Boxes, categories: dict[str, int]) -> Iterator[dict[str, Any]]:
    number = 0
    for frame in boxes:
        for row in frame.rows:
            x1, y1, x2, y2 = row.box.pixels(frame.width, frame.height)
            if x1 == x2 or y1 == y2:
                continue
            number += 1
            yield {
                "id": number,
                "image_id": frame.index + 1,
                "category_id": categories.setdefault(row.label, len(categories) + 1),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
                "segmentation": list(_segments(row, frame)),
                **_more(row),
            }


def _segments(row: Row, frame: RowFrame) -> Iterator[list[float]]:
    """Yield the areas that lie in the picture, each as ``x, y, x, y, …``."""
    for area in frame.areas(row):
        inside = Polygon(
            tuple(
                (min(max(x, 0.0), frame.width), min(max(y, 0.0), frame.height))
                for x, y in area.points
            )
        )
        if inside.box.area:
            yield [round(value, 2) for point in inside.points for value in point]


def _more(row: Row) -> dict[str, Any]:
    more: dict[str, Any] = {"source": row.source}
    if row.track_id:
        more["track_id"] = row.track_id
    if row.person:
        more["person"] = row.person
    return more


def _write_list(entries: Iterable[dict[str, Any]], out: TextIO) -> None:
    separator = "\n"
    for entry in entries:
        out.write(separator + _json(entry))
        separator = ",\n"


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
