"""Which source an input gets. A new kind of source is one more line here."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from streamguard.errors import CancelledError, SourceError, StalledError, UsageError
from streamguard.faults import watched
from streamguard.media.address import Address
from streamguard.media.medium import Medium
from streamguard.memory import lift_bound
from streamguard.settings import InputSettings
from streamguard.sources.animation import ANIMATIONS
from streamguard.sources.file import VIDEOS
from streamguard.sources.kinds import FileSourceKind, LiveSourceKind, SourceWithSound
from streamguard.sources.live import STREAMS
from streamguard.sources.local import LocalSource
from streamguard.sources.opening import check_path
from streamguard.sources.options import LiveOptions
from streamguard.sources.photo import PHOTOS

FILE_SOURCES: tuple[FileSourceKind, ...] = (ANIMATIONS, PHOTOS, VIDEOS)
"""Every kind of file; the first that recognizes a file opens it, and the last takes any."""
LIVE_SOURCES: tuple[LiveSourceKind, ...] = (STREAMS,)
"""Every kind of live source; the first that takes an address opens it."""
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


def file_source_for(path: Path, options: InputSettings = DEFAULTS) -> FileSourceKind:
    """Return the kind of source that reads a file, by the file's content.

    Raises:
        SourceError: It cannot be read.
    """
    return next(kind for kind in FILE_SOURCES if kind.recognizes(path, options))


def open_live_source(address: Address, options: LiveOptions) -> SourceWithSound:
    """Open a live source.

    Raises:
        SourceError: Of the kind that fits; never with a credential in it.
        UsageError: There is no such kind of source.
    """
    for kind in LIVE_SOURCES:
        if kind.takes(address):
            return kind.opens(address, options)
    raise UsageError(f"{address} is no live source", "Name a webcam or a URL")


def media_suffixes() -> frozenset[str]:
    """Return the suffixes by which a file in a folder counts as a photo or video."""
    return frozenset().union(*(kind.suffixes for kind in FILE_SOURCES))


def _close(source: LocalSource) -> None:
    source.close()


def _open(path: Path, options: InputSettings) -> LocalSource:
    check_path(path)
    kind = file_source_for(path, options)
    if kind.medium is not Medium.VIDEO and (options.start or options.end is not None):
        article = "an" if kind.medium is Medium.ANIMATION else "a"
        raise UsageError(
            f"{path} is {article} {kind.medium.value}", "A start and an end are for videos"
        )
    return kind.opens(path, options)
