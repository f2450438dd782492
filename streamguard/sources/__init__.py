"""Where frames come from."""

from __future__ import annotations

from streamguard.sources.animation import AnimationSource
from streamguard.sources.file import FileSource
from streamguard.sources.local import LocalSource
from streamguard.sources.photo import PhotoSource
from streamguard.sources.registry import open_live_source, open_source

__all__ = [
    "AnimationSource",
    "FileSource",
    "LocalSource",
    "PhotoSource",
    "open_live_source",
    "open_source",
]
