"""Opening pictures with Pillow: one file and nothing else is read, and limits are kept."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from streamguard.errors import SourceDamagedError, SourceError, StreamguardError, unreadable
from streamguard.media.kinds import HEIF
from streamguard.settings import InputSettings

if TYPE_CHECKING:
    from PIL import Image

_OTHER_BYTES = 2**26
"""What a file may have beside its pixels: profiles, thumbnails, text."""

_PILLOWS_OWN_LIMIT = threading.Lock()
"""Pillow keeps its limit in a variable of its module; ours, which can be raised, replaces it."""


@contextmanager
def open_picture(
    path: Path, kind: str, options: InputSettings, data: BinaryIO | None = None
) -> Iterator[Image.Image]:
    """Open a picture or an animation; only its header is read, until its pixels are asked for.

    Args:
        path: The file.
        kind: Pillow's name of its format, see `kind_of`.
        options: How many pixels it may have.
        data: What to read instead of the file itself.

    Yields:
        Pillow's picture; the file is closed afterwards.

    Raises:
        SourceError: It has too many pixels, or it cannot be read.
        SourceDamagedError: It is not what it says.
    """
    check_bytes(path, options)
    with picture_errors(path), data or path.open("rb") as file, _open(file, kind) as picture:
        check_pixels(path, picture.size, options)
        yield picture


def check_bytes(path: Path, options: InputSettings) -> None:
    """Refuse a picture's file that is larger than pixels within the limit could make it.

    Some are read as a whole. Eight bytes are those of a pixel with 16 bits a channel.

    Raises:
        SourceError: It is larger.
    """
    most = 8 * options.max_pixels + _OTHER_BYTES
    with picture_errors(path):
        size = path.stat().st_size
    if size > most:
        raise SourceError(
            f"{path} has {size:,} bytes, and {most:,} is the limit for a picture",
            "Raise it with --max-pixels if this machine has the memory",
        )


def check_pixels(path: Path, size: tuple[int, int], options: InputSettings) -> None:
    """Refuse a picture that would need more memory than was allowed.

    Raises:
        SourceError: ``size`` in pixels is above ``options.max_pixels``.
    """
    width, height = size
    if width * height > options.max_pixels:
        raise too_many_pixels(path, f"{width} x {height}", options)


def too_many_pixels(path: Path, count: str, options: InputSettings) -> SourceError:
    """Return the error for a file whose pictures have too many pixels."""
    return SourceError(
        f"{path} has {count} pixels, and {options.max_pixels:,} is the limit",
        "Raise it with --max-pixels if this machine has the memory",
    )


@contextmanager
def picture_errors(path: Path) -> Iterator[None]:
    """Turn what Pillow and the system raise into this project's errors; ignore its warnings.

    Raises:
        SourceError: Of the kind that fits.
    """
    try:
        with warnings.catch_warnings():
            # Odd tags and chunks: none of them is kept, so none matters.
            warnings.simplefilter("ignore")
            yield
    except StreamguardError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise unreadable(path, error) from error
    except MemoryError as error:
        raise SourceError(f"{path} needs more memory than there is", "Make it smaller") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(path, error) from error
        raise SourceDamagedError(
            f"{path} is not a picture that can be read", "Is it whole? Does it show elsewhere?"
        ) from error


def _open(file: BinaryIO, kind: str) -> Image.Image:
    from PIL import Image

    if kind == HEIF:
        from pillow_heif.as_plugin import HeifImageFile

        # Named here, and not registered: other users of Pillow in this process keep theirs.
        return HeifImageFile(file)  # type: ignore[no-untyped-call]
    with _PILLOWS_OWN_LIMIT:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(file, formats=(kind,))
        finally:
            Image.MAX_IMAGE_PIXELS = limit
