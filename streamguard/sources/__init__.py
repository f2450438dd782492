"""Where frames come from."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

from streamguard.errors import UsageError
from streamguard.faults import watched
from streamguard.settings import InputSettings
from streamguard.sources.file import FileSource
from streamguard.sources.opening import check_path, translated
from streamguard.sources.photo import PhotoSource, is_photo
from streamguard.sources.pictures import check_pixels

__all__ = ["FileSource", "PhotoSource", "open_source"]


DEFAULTS = InputSettings()


def open_source(
    name: str | os.PathLike[str],
    options: InputSettings = DEFAULTS,
    cancelled: threading.Event | None = None,
) -> FileSource | PhotoSource:
    """Open a video or photo file, whatever its name says it is.

    Args:
        name: Path of the file.
        options: What to read of it, and its limits.
        cancelled: Set it from anywhere to stop.

    Raises:
        SourceError: Of the kind that fits.
        UsageError: It is a folder, or a part of a photo is asked for.
        StalledError: It took longer than ``options.open_timeout`` seconds.
        CancelledError: ``cancelled`` was set.
    """
    path = Path(name)
    return watched(
        lambda: _open(path, options),
        f"opening {path}",
        timeout=options.open_timeout,
        cancelled=cancelled,
        discard=_close,
    )


def _close(source: FileSource | PhotoSource) -> None:
    source.close()


def _open(path: Path, options: InputSettings) -> FileSource | PhotoSource:
    check_path(path)
    with translated(path), path.open("rb") as file:
        head = file.read(10)
    if head.startswith(b"GIF8"):
        # Its decoder takes all of this at once, whatever the pictures are.
        width, height = struct.unpack_from("<HH", head.ljust(10, b"\0"), 6)
        check_pixels(path, (width, height), options)
    if not is_photo(path):
        return FileSource(path, options)
    if options.start or options.end is not None:
        raise UsageError(f"{path} is a photo", "A start and an end are for videos")
    return PhotoSource(path, options)
