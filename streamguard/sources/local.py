"""What every source that reads one local file has in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from streamguard.frames import Frame, PassthroughPacket, VideoInfo
from streamguard.media.medium import Medium
from streamguard.media.traits import Traits


class LocalSource(Protocol):
    """A file of pictures, read once from its start to its end."""

    @property
    def medium(self) -> Medium:
        """What sort of thing it is."""
        ...

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def files_read(self) -> tuple[Path, ...]:
        """It, and every other file that is read for it, such as a playlist's segments."""
        ...

    @property
    def info(self) -> VideoInfo:
        """What is known before the first frame."""
        ...

    @property
    def traits(self) -> Traits:
        """What a sink needs to give back the same video, photo or animation."""
        ...

    @property
    def streams_kept(self) -> tuple[str, ...]:
        """What passes through, in words."""
        ...

    @property
    def streams_dropped(self) -> tuple[str, ...]:
        """What does not, in words: it may show or name somebody."""
        ...

    @property
    def damage(self) -> int:
        """Number of pieces that could not be read or decoded so far."""
        ...

    @property
    def damage_notes(self) -> tuple[str, ...]:
        """What was wrong, each kind once."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What else the user should be told."""
        ...

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        """Yield frames in presentation order, and untouched packets in between."""
        ...

    def close(self) -> None:
        """Let go of the file; may be called twice, and from another thread than `read`."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what is in the file and what would become of it, ready for JSON."""
        ...
