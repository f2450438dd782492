"""Google's older mark of 360° videos: XML, which FFmpeg heeds only where it is complete."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

_ROUND = re.compile(rb"GSpherical:Spherical\s*[>=]\s*[\"']?\s*(true|1)", re.IGNORECASE)
_OTHER = re.compile(
    rb"GSpherical:ProjectionType\s*[>=]\s*[\"']?\s*(?!equirectangular)[a-z]", re.IGNORECASE
)
_TAG = "spherical-video"
_MOST = 64 * 2**20
"""Bytes of an index that are read."""
_SHORT, _LONG = 8, 16


def has_round_mark(path: Path, form: str, tags: Mapping[str, str]) -> bool:
    """Whether a video is marked as one that shows all round.

    Args:
        path: The file.
        form: FFmpeg's name of its format.
        tags: Those of the file and of the video in it; Matroska has the mark there.

    Raises:
        OSError: It cannot be read.
    """
    texts = [value.encode() for name, value in tags.items() if name.lower() == _TAG]
    if "mp4" in form:
        with path.open("rb") as file:
            texts.append(_index_of(file))
    return any(_ROUND.search(text) and not _OTHER.search(text) for text in texts)


def _index_of(file: BinaryIO) -> bytes:
    """Return the ``moov`` box of an MP4 file (ISO/IEC 14496-12, section 4.2), or nothing."""
    while len(head := file.read(_SHORT)) == _SHORT:
        size, skip = int.from_bytes(head[:4], "big"), _SHORT
        if size == 1:
            size, skip = int.from_bytes(file.read(_LONG - _SHORT), "big"), _LONG
        if head[4:] == b"moov":
            return file.read(min(max(size - skip, 0), _MOST) if size else _MOST)
        if size < skip:
            break
        file.seek(size - skip, 1)
    return b""
