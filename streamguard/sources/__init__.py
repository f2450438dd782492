"""Where frames come from."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from streamguard.errors import CancelledError, SourceError, StalledError, UsageError
from streamguard.faults import watched
from streamguard.memory import lift_bound
from streamguard.settings import InputSettings
from streamguard.sources.animation import AnimationSource, is_animation
from streamguard.sources.file import FileSource
from streamguard.sources.local import LocalSource
from streamguard.sources.opening import check_path
from streamguard.sources.photo import PhotoSource, is_photo

__all__ = ["AnimationSource", "FileSource", "LocalSource", "PhotoSource", "open_source"]


DEFAULTS = InputSettings()


def open_source(
    name: str | os.PathLike[str],
    options: InputSettings = DEFAULTS,
    cancelled: threading.Event | None = None,
) -> LocalSource:
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
    try:
        return watched(
            lambda: _open(path, options),
            f"opening {path}",
            timeout=options.open_timeout,
            cancelled=cancelled,
            discard=_close,
        )
    except (StalledError, CancelledError):
        lift_bound()
        raise
    except MemoryError as error:
        raise SourceError(
            f"{path} needs more memory to open than there is", "Raise it with --open-memory"
        ) from error


def _close(source: LocalSource) -> None:
    source.close()


def _open(path: Path, options: InputSettings) -> LocalSource:
    check_path(path)
    moves = is_animation(path, options)
    if not moves and not is_photo(path):
        return FileSource(path, options)
    if options.start or options.end is not None:
        raise UsageError(
            f"{path} is {'an animation' if moves else 'a photo'}",
            "A start and an end are for videos",
        )
    return AnimationSource(path, options) if moves else PhotoSource(path, options)
