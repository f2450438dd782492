"""Annotated media made from others: turned, or scaled down and panned over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from annotated import TRUTH, Entries, Picture, is_photo, pictures, truth
from clips import faces_in, write_clip

_CANVAS = (2400, 1350)
_VIEW = (1920, 1080)
_USUAL_RATE = 25
_LEAST, _MOST, _MIDDLE = 12, 24, 18
"""Heights in pixels that scaled faces have, and that the middle one of a photo gets."""

Made = tuple[Path, dict[str, Entries]]


def turned(media: Path, files: dict[str, Entries], degrees: int, into: Path) -> Made:
    """Turn every file clockwise; return the new folder and what is annotated in it."""
    made: list[dict[str, Any]] = []
    for name, entries in files.items():
        target = (into / name).with_suffix(".png" if is_photo(name) else ".mp4")
        target.parent.mkdir(parents=True, exist_ok=True)
        turns = degrees // 90
        if is_photo(name):
            picture = next(pictures(media / name))
            cv2.imwrite(str(target), np.rot90(picture, -turns))
        else:
            views = (np.rot90(each, -turns) for each in pictures(media / name))
            write_clip(target, views, _rate(media / name))
        width, height = _size(media / name)
        for frame, entry in entries.items():
            boxes = {
                key: [_turned(box, turns, width, height) for box in entry.get(key, [])]
                for key in ("faces", "ignore")
            }
            name_there = target.relative_to(into).as_posix()
            made.append({**entry, **boxes, "file": name_there, "frame": frame})
    return _written(into, made)


def _turned(box: list[float], turns: int, width: int, height: int) -> list[float]:
    x, y, w, h = box
    for _ in range(turns):
        x, y, w, h = height - y - h, x, h, w
        width, height = height, width
    return [x, y, w, h]


def _size(path: Path) -> tuple[int, int]:
    height, width = next(pictures(path)).shape[:2]
    return width, height


def _rate(path: Path) -> float:
    with av.open(str(path)) as container:
        return float(container.streams.video[0].average_rate or _USUAL_RATE)


def scaled(media: Path, files: dict[str, Entries], into: Path, frames: int = 75) -> Made:
    """Pan at 1080p over photos side by side, scaled until faces have 12 to 24 px.

    Faces of other sizes are ignored.
    """
    into.mkdir(parents=True, exist_ok=True)
    made: list[dict[str, Any]] = []
    small = [_shrunk(media / name, entries[0]) for name, entries in files.items() if 0 in entries]
    photos = [each for each in small if each is not None]
    for number, (canvas, boxes) in enumerate(_canvases(photos), 1):
        name = f"scaled_{number}.mp4"
        spare = _CANVAS[0] - _VIEW[0], _CANVAS[1] - _VIEW[1]
        corners = [
            (spare[0] * (1 - np.cos(np.pi * n / frames)) / 2, spare[1] * n / frames)
            for n in range(frames)
        ]
        moves = [np.array([[1.0, 0, -x], [0, 1, -y]]) for x, y in corners]
        views = (np.asarray(cv2.warpAffine(canvas, m, _VIEW), np.uint8) for m in moves)
        write_clip(into / name, views)
        for frame, move in enumerate(moves):
            faces, ignored = faces_in(boxes, move, _VIEW)
            fitting = [box for box in faces if _LEAST <= box[3] < _MOST]
            ignored += [box for box in faces if box not in fitting]
            made.append({"file": name, "frame": frame, "faces": fitting, "ignore": ignored})
    return _written(into, made)


def _shrunk(path: Path, entry: dict[str, Any]) -> tuple[Picture, list[list[float]]] | None:
    """Return a photo with small faces, and their boxes; None if it has too few or is no photo."""
    if not is_photo(path) or not entry["faces"]:
        return None
    scale = min(1.0, _MIDDLE / float(np.median([h for *_, h in entry["faces"]])))
    picture = cv2.resize(
        next(pictures(path)), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA
    )
    boxes = [[side * scale for side in box] for box in [*entry["faces"], *entry.get("ignore", [])]]
    return np.asarray(picture, np.uint8), boxes


def _canvases(
    photos: list[tuple[Picture, list[list[float]]]],
) -> Iterator[tuple[Picture, list[list[float]]]]:
    """Yield canvases full of photos in rows; the last is filled up with the first photos."""
    used = 0
    while used < len(photos):
        canvas = np.full((_CANVAS[1], _CANVAS[0], 3), 128, np.uint8)
        boxes: list[list[float]] = []
        top = 0
        while top < _CANVAS[1]:
            left = tallest = 0
            while left < _CANVAS[0]:
                picture, faces = photos[used % len(photos)]
                used += 1
                part = picture[: _CANVAS[1] - top, : _CANVAS[0] - left]
                canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
                boxes += [[x + left, y + top, w, h] for x, y, w, h in faces]
                left += picture.shape[1]
                tallest = max(tallest, picture.shape[0])
            top += tallest
        yield canvas, boxes


def _written(folder: Path, made: list[dict[str, Any]]) -> Made:
    (folder / TRUTH).write_text(json.dumps(made), "utf-8")
    return folder, truth(folder)
