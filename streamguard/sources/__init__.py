"""Where frames come from."""

from __future__ import annotations

import os
from pathlib import Path

from streamguard.errors import UsageError
from streamguard.settings import InputSettings
from streamguard.sources.file import FileSource
from streamguard.sources.opening import check_path
from streamguard.sources.photo import PhotoSource, is_photo

__all__ = ["FileSource", "PhotoSource", "open_source"]


DEFAULTS = InputSettings()


def open_source(
    name: str | os.PathLike[str], options: InputSettings = DEFAULTS
) -> FileSource | PhotoSource:
    """Open a video or photo file, whatever its name says it is.

    Args:
        name: Path of the file.
        options: What to read of it, and its limits.

    Raises:
        SourceError: Of the kind that fits.
        UsageError: It is a folder, or a part of a photo is asked for.
    """
    path = Path(name)
    check_path(path)
    if not is_photo(path):
        return FileSource(path, options)
    if options.start or options.end is not None:
        raise UsageError(f"{path} is a photo", "A start and an end are for videos")
    return PhotoSource(path, options)
