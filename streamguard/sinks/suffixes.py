"""Which suffix the result of a file gets."""

from __future__ import annotations

from pathlib import Path

from streamguard.errors import SourceError
from streamguard.media.kinds import is_lossless, kind_of
from streamguard.media.medium import Medium
from streamguard.sinks.registry import keeps_suffix
from streamguard.sources.registry import file_source_for


def fitting_suffix(path: Path) -> str:
    """Return the suffix for the result of a file: its own if that can be written.

    What the file is decides, not what it is called. A file that cannot be read keeps its
    suffix; opening it will tell what is wrong.
    """
    if not path.is_file():
        # Reading a pipe would wait for its writer.
        return path.suffix
    try:
        medium = file_source_for(path).medium
        lossless = medium is Medium.PHOTO and is_lossless(path, kind_of(path))
    except (SourceError, OSError):
        return path.suffix
    if keeps_suffix(path.suffix, medium):
        return path.suffix
    if medium is Medium.PHOTO:
        return ".png" if lossless else ".jpg"
    return ".webp" if medium is Medium.ANIMATION else ".mp4"
