"""Photos."""

from __future__ import annotations
from pathlib import Path
from streamguard.settings import Settings
class PhotoSink:
    def __init__(self, path: Path, source, settings: Settings) -> None:
        raise NotImplementedError
