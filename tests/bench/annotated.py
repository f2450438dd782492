"""Annotated media: a folder of clips and photos, and where the faces are in them.

The folder holds a file gt.json, a list of {"file": path below the folder, "frame": number from 0,
"faces": [[x, y, width, height], ...], "ignore": [[x, y, width, height], ...]}, one entry for each
annotated frame, boxes in pixels of the coded frame. "incomplete": true says that other faces are
in the picture, so that nothing counts as covered in vain; "hand": true leaves the entry out. In a
folder without gt.json nobody is in any picture.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

PHOTOS = frozenset({".jpg", ".jpeg", ".png"})
VIDEOS = frozenset({".mp4", ".mkv", ".mov", ".webm", ".avi", ".gif"})
TRUTH = "gt.json"

Luma = NDArray[np.uint8]
Picture = NDArray[np.uint8]
Entry = Mapping[str, Any]
Entries = dict[int, dict[str, Any]]
"""What is annotated in one file, by the number of the frame."""


def is_photo(name: str | Path) -> bool:
    """Whether a file of this name is a photo."""
    return Path(name).suffix.lower() in PHOTOS


def truth(media: Path, only: str = "") -> dict[str, Entries]:
    """Return the entries of every file whose path contains ``only``, by frame."""
    if not (media / TRUTH).exists():
        return {name: {} for name in sorted(_names(media)) if only in name}
    files: dict[str, Entries] = defaultdict(dict)
    for entry in json.loads((media / TRUTH).read_text("utf-8")):
        if only in entry["file"] and not entry.get("hand"):
            files[entry["file"]][entry["frame"]] = entry
    return dict(sorted(files.items()))


def _names(media: Path) -> Iterator[str]:
    for path in media.rglob("*"):
        if path.suffix.lower() in PHOTOS | VIDEOS:
            yield path.relative_to(media).as_posix()


def boxes_of(entry: Entry | None) -> list[list[float]]:
    """Return the faces of an entry and what is to be ignored."""
    return [] if entry is None else [*entry["faces"], *entry.get("ignore", [])]


def lumas(path: Path) -> Iterator[Luma]:
    """Yield the brightness of every frame, shape ``(height, width)``."""
    if is_photo(path):
        yield np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
        return
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="gray"), np.uint8)


def pictures(path: Path) -> Iterator[Picture]:
    """Yield every frame in colour, shape ``(height, width, 3)``, blue first."""
    if is_photo(path):
        yield np.asarray(cv2.imread(str(path)), np.uint8)
        return
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
