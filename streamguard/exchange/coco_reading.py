"""Reads boxes from COCO's JSON."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from streamguard.errors import SourceError, unreadable
from streamguard.exchange.collecting import Collector, number_of
from streamguard.exchange.given import GivenBox, GivenBoxes
from streamguard.geometry import Box

_MOST_BYTES = 2**30
_USED = frozenset(
    "images annotations categories id image_id category_id name file_name frame_index width height "
    "bbox track_id score".split()
)


def read_coco(path: Path) -> GivenBoxes:
    """Read boxes; an image without annotations says that nothing is to be hidden in that frame.

    An image's frame is its ``frame_index``, or else the last number in its ``file_name``. Frames
    may count from 0 or from 1, but none may be passed over.

    Args:
        path: A file with ``images``, ``annotations`` and ``categories``.

    Raises:
        SourceError: It cannot be read, or something in it makes no sense.
    """
    content = _load(path)
    into = Collector(path.name)
    images = _images(into, content)
    for where, frame, size in images.values():
        into.mention(where, frame, size)
    labels = {_id(entry, "id"): str(entry.get("name", "")) for entry in content["categories"]}
    for number, entry in enumerate(content["annotations"], 1):
        where = f"annotation {number}"
        image, category = _id(entry, "image_id"), _id(entry, "category_id")
        if image not in images:
            raise into.wrong(where, f"there is no image {image}")
        if category not in labels:
            raise into.wrong(where, f"there is no category {category}")
        into.add(where, images[image][1], _given(into, where, entry, labels[category]))
    return into.finish()


def _load(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError(f"{path} is larger than 1 GiB", "Give the boxes as CSV")
        with path.open(encoding="utf-8-sig") as file:
            content = json.load(file, object_pairs_hook=_lean)
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        raise unreadable(path, error) from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is no JSON file: {error}") from error
    for name in ("images", "annotations", "categories"):
        entries = content.get(name) if isinstance(content, dict) else None
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise SourceError(f"{path.name} holds no list of {name}", "Give the boxes as COCO")
    return dict(content)


def _lean(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Keep of an object what is used: outlines take most of such a file."""
    return {name: value for name, value in pairs if name in _USED}


def _images(
    into: Collector, content: Mapping[str, Sequence[dict[str, Any]]]
) -> dict[int | str | None, tuple[str, int, tuple[int, int]]]:
    """Return where each image stands, its frame and its size, by its id."""
    entries = content["images"]
    frames = list(_frames(into, entries))
    if len(set(frames)) < len(frames):
        raise into.wrong("images", "two images are the same frame")
    first = 1 if frames and min(frames) == 1 else 0
    images: dict[int | str | None, tuple[str, int, tuple[int, int]]] = {}
    for number, (entry, frame) in enumerate(zip(entries, frames, strict=True), 1):
        where = f"image {number}"
        key = _id(entry, "id")
        if key is None or key in images:
            raise into.wrong(where, f"its id {key} is missing, or that of another image")
        size = _whole(into, where, entry, "width"), _whole(into, where, entry, "height")
        images[key] = (where, frame - first, size)
    return images


def _frames(into: Collector, entries: Sequence[dict[str, Any]]) -> Iterator[int]:
    if len(entries) == 1:
        yield 0
        return
    has_index = all("frame_index" in entry for entry in entries)
    for number, entry in enumerate(entries, 1):
        where = f"image {number}"
        if has_index:
            yield _whole(into, where, entry, "frame_index")
            continue
        digits = re.findall(r"\d+", Path(str(entry.get("file_name", ""))).stem)
        if not digits or len(digits[-1]) > 9:
            raise into.wrong(where, "neither frame_index nor the name tells which frame it is")
        yield int(digits[-1])


def _id(entry: Mapping[str, Any], name: str) -> int | str | None:
    value = entry.get(name)
    return value if isinstance(value, int | str) else None


def _given(into: Collector, where: str, entry: Mapping[str, Any], label: str) -> GivenBox:
    corners = entry.get("bbox")
    if not isinstance(corners, list) or len(corners) != 4:
        raise into.wrong(where, "bbox is not [x, y, width, height]")
    x, y, width, height = (number_of(value) for value in corners)
    track_id = _whole(into, where, entry, "track_id") if "track_id" in entry else 0
    confidence = number_of(entry.get("score", 1.0))
    return GivenBox(Box(x, y, x + width, y + height), track_id, label, confidence)


def _whole(into: Collector, where: str, entry: Mapping[str, Any], name: str) -> int:
    value = number_of(entry.get(name))
    if not math.isfinite(value) or value != int(value):
        raise into.wrong(where, f"{name} is no whole number")
    return int(value)
