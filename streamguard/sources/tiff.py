"""What a TIFF file says of itself before its pixels are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamguard.errors import SourceError
from streamguard.media.kinds import raw_refused
from streamguard.sources.pictures import picture_errors

if TYPE_CHECKING:
    from PIL import Image

# Numbers of tags, and of what they tell.
_SUBFILE, _BITS, _COMPRESSION, _COLOURS, _SAMPLES, _DNG = 254, 258, 259, 262, 339, 50706
_REDUCED = 1
_SENSOR_COLOURS = (32803, 34892)
_SENSOR_COMPRESSIONS = (32767, 32769, 34713, 65000, 65535)  # Sony, Epson, Nikon, Kodak, Pentax
_WHOLE_NUMBERS = (1, 4)


def refuse_unreadable(path: Path) -> None:
    """Refuse camera raw files, which are TIFF inside, and pixels that no photo format shows.

    Raises:
        SourceError: It is one of these.
        SourceDamagedError: It is no TIFF file.
    """
    with picture_errors(path):
        tags = _first_tags(path)
    if (
        _DNG in tags
        or tags.get(_COMPRESSION) in _SENSOR_COMPRESSIONS
        or tags.get(_COLOURS) in _SENSOR_COLOURS
        or _is_reduced(tags)
    ):
        raise raw_refused(path)
    depth = max(tags.get(_BITS, (1,)), default=1)
    whole = all(form in _WHOLE_NUMBERS for form in tags.get(_SAMPLES, (1,)))
    if depth > 16 or not whole:
        what = f"whole numbers of {depth} bits" if whole else "numbers with a fraction or a sign"
        raise SourceError(
            f"the pixels of {path} are {what}, which no photo format shows",
            "Convert it to a TIFF or PNG of 8 or 16 bits first",
        )


def refuse_pages(path: Path, picture: Image.Image) -> None:
    """Refuse a file of several pages; small copies of the first one are no pages.

    Raises:
        SourceError: There are several.
    """
    pages = 0
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        pages += not _is_reduced(getattr(picture, "tag_v2", {}))
    picture.seek(0)
    if pages > 1:
        raise SourceError(
            f"{path} has {pages} pages, and only single pictures can be written",
            "Save each page as a file of its own first",
        )


def is_deep(picture: Image.Image) -> bool:
    """Whether an opened TIFF has samples of 16 bits."""
    return max(getattr(picture, "tag_v2", {}).get(_BITS, (1,)), default=1) == 16


def _is_reduced(tags: Mapping[int, Any]) -> bool:
    return bool(tags.get(_SUBFILE, 0) & _REDUCED)


def _first_tags(path: Path) -> Mapping[int, Any]:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    with path.open("rb") as file:
        head = file.read(8)
        directory = ImageFileDirectory_v2(head + file.read(8) if head[2] == 43 else head)
        file.seek(directory.next)
        directory.load(file)
        return dict(directory)
