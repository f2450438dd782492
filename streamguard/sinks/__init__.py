"""Where redacted frames go."""

from __future__ import annotations

from streamguard.sinks.animation import AnimationSink
from streamguard.sinks.file import FileSink
from streamguard.sinks.gif import GifSink
from streamguard.sinks.photo import PhotoSink
from streamguard.sinks.registry import check_sink, open_live_sink, open_sink

__all__ = [
    "AnimationSink",
    "FileSink",
    "GifSink",
    "PhotoSink",
    "check_sink",
    "open_live_sink",
    "open_sink",
]
