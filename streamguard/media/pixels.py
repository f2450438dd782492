"""From Pillow's pictures to the decoder's: the same pixels, upright, in little extra memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from streamguard.errors import SourceError
from streamguard.media.planes import Samples, native_layout

if TYPE_CHECKING:
    import av
    from PIL import Image

FORMATS = {"RGB": "rgb24", "RGBA": "rgba", "L": "gray", "LA": "ya8", "I;16": "gray16le"}
"""FFmpeg's pixel format for each of Pillow's modes that pictures are brought to."""

_STRIP_BYTES = 8 * 2**20
_FULL_RANGE = 2
_PLAIN = {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA", "I;16B": "I;16", "I;16L": "I;16"}
_UNREADABLE = {
    "F": "numbers with a fraction",
    "I": "numbers of 32 bits",
    "I;16N": "numbers of 16 bits",
}


def mode_for(path: Path, picture: Image.Image) -> str:
    """Return the mode of `FORMATS` that shows all that a picture holds.

    Raises:
        SourceError: There is none.
    """
    mode = picture.mode
    if mode == "I" and picture.format in ("PPM", "PNG"):
        return "I;16"
    if mode in _UNREADABLE:
        raise SourceError(
            f"the pixels of {path} are {_UNREADABLE[mode]}, which no photo format shows",
            "Convert it to a TIFF or PNG of 8 or 16 bits first",
        )
    if mode in _PLAIN or mode == "I;16":
        return _PLAIN.get(mode, mode)
    if picture.has_transparency_data:
        return "LA" if mode in ("1", "L", "LA") else "RGBA"
    return mode if mode in FORMATS else "RGB"


def frame_from(
    picture: Image.Image,
    mode: str,
    orientation: int = 1,
    convert: Callable[[Image.Image], Image.Image] | None = None,
) -> av.VideoFrame:
    """Return a picture as a frame.

    Args:
        picture: As it is stored.
        mode: One of `FORMATS`.
        orientation: EXIF's number of how it is brought upright, 1 to 8.
        convert: What else makes ``mode`` of a part of the picture; Pillow's own conversion
            when None.
    """
    width, height = picture.size
    frame, stored = blank_frame((width, height), FORMATS[mode], orientation)
    for top, bottom in strips(width, height):
        part = picture.crop((0, top, width, bottom))
        stored[top:bottom] = _samples(part if convert is None else convert(part), mode)
    return frame


def blank_frame(
    size: tuple[int, int], pix_fmt: str, orientation: int = 1
) -> tuple[av.VideoFrame, Samples]:
    """Return a black upright frame, and a view of its samples in the order they are stored in.

    Args:
        size: Width and height as stored, in pixels.
        pix_fmt: One with a single plane.
        orientation: EXIF's number, 1 to 8.
    """
    import av

    width, height = size if orientation < 5 else size[::-1]
    frame = av.VideoFrame(width, height, pix_fmt)
    if not frame.format.is_rgb:
        frame.color_range = _FULL_RANGE
    (samples,) = native_layout(pix_fmt).views(frame)
    samples[...] = 0
    return frame, as_stored(samples, orientation)


def as_stored(upright: Samples, orientation: int) -> Samples:
    """Return a view of upright samples in the order of the file they come from."""
    turned = upright.swapaxes(0, 1) if orientation >= 5 else upright
    rows = -1 if orientation in (3, 4, 6, 7) else 1
    columns = -1 if orientation in (2, 3, 7, 8) else 1
    return turned[::rows, ::columns]


def strips(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield the first row and the row after the last of parts that need little memory."""
    step = max(1, _STRIP_BYTES // (4 * max(1, width)))
    for top in range(0, height, step):
        yield top, min(top + step, height)


def _samples(part: Image.Image, mode: str) -> Samples:
    if mode == "I;16":
        return np.asarray(np.clip(np.asarray(part), 0, 0xFFFF), "<u2")
    return np.asarray(part if part.mode == mode else part.convert(mode))
