"""Where redacted frames go."""

from __future__ import annotations

import os
from pathlib import Path

from streamguard.errors import UsageError
from streamguard.media.containers import PHOTO_EXTENSIONS, VIDEO_EXTENSIONS
from streamguard.settings import Settings
from streamguard.sinks.animation import ANIMATION_EXTENSIONS, AnimationSink
from streamguard.sinks.file import FileSink
from streamguard.sinks.gif import GifSink
from streamguard.sinks.photo import PhotoSink
from streamguard.sources import LocalSource

__all__ = ["AnimationSink", "FileSink", "GifSink", "PhotoSink", "open_sink"]


def open_sink(
    path: str | os.PathLike[str], source: LocalSource, settings: Settings
) -> FileSink | GifSink | PhotoSink | AnimationSink:
    """Open the output for a source; all that can be refused is refused here, before any work.

    Args:
        path: The output; its extension decides the container.
        source: Where the frames and packets will come from.
        settings: How to encode, what to keep, whether to overwrite.

    Raises:
        UsageError: The extension is unknown, does not fit the source, or the output is the input.
        OutputExistsError: It exists, and `Settings.overwrite` is not set.
        SinkPermissionError: The folder may not be written to.
        SinkError: The folder does not exist, or the encoder refuses the settings.
    """
    target = Path(path)
    extension = target.suffix.lower()
    if extension == ".gif":
        return GifSink(target, source, settings)
    if source.info.still:
        if extension in PHOTO_EXTENSIONS:
            return PhotoSink(target, source, settings)
        raise UsageError(f"a photo cannot be written as {target.name}", _known(PHOTO_EXTENSIONS))
    if extension in VIDEO_EXTENSIONS:
        return FileSink(target, source, settings)
    if extension in ANIMATION_EXTENSIONS:
        return AnimationSink(target, source, settings)
    raise UsageError(
        f"a video cannot be written as {target.name}",
        _known(VIDEO_EXTENSIONS | ANIMATION_EXTENSIONS),
    )


def _known(extensions: frozenset[str]) -> str:
    return f"Name the output with one of {' '.join(sorted(extensions | {'.gif'}))}"
