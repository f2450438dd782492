"""What is registered of each kind of sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streamguard.frames import RedactedFrame
from streamguard.handoff.sound_ring import SoundRing
from streamguard.media.address import Address
from streamguard.media.medium import Medium
from streamguard.settings import Settings
from streamguard.sinks.livemux import LiveFormat
from streamguard.sinks.local import LocalSink
from streamguard.sources import LocalSource


def _always(_suffix: str) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSinkKind:
    """One kind of sink that writes a local file.

    Attributes:
        opens: Opens one; raises `UsageError` and `SinkError`.
        suffixes: What such files are called, in lower case, with the dot.
        takes: What can be written so.
        only_if_asked: What of it is written so only where the user names such an output.
        is_available: Whether files of a suffix can be written on this machine.
    """

    opens: Callable[[Path, LocalSource, Settings], LocalSink]
    suffixes: frozenset[str]
    takes: frozenset[Medium]
    only_if_asked: frozenset[Medium] = frozenset()
    is_available: Callable[[str], bool] = _always


class LiveSink(Protocol):
    """Where redacted frames are written, each at its own time.

    Opening, writing and closing may all hang for as long as a server or a disk pleases, some of
    it with Python's lock held. They belong into a process that somebody watches and replaces.
    """

    def write(self, frame: RedactedFrame, at: int) -> bool:
        """Encode and write one frame; return False if it is left out, since older ones wait.

        Args:
            frame: Its picture is ``yuv420p``, of the size announced.
            at: Its time in nanoseconds since any fixed moment; it should increase.

        Raises:
            SinkError: It could not be written.
        """
        ...

    def close(self) -> None:
        """Finish what was written; may hang with the server."""
        ...


def _nothing_to_check(_address: Address) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSinkKind:
    """One kind of sink that a live stream is written to, for ever.

    Attributes:
        opens: Opens one; raises `SinkError`, never with a credential in it.
        schemes: Schemes of the URLs that are written to so, in lower case.
        suffixes: Suffixes of the files that are written so, in lower case, with the dot.
        check: Refuses what can be known to be wrong without opening; raises `UsageError`.
    """

    opens: Callable[[Address, LiveFormat, SoundRing | None], LiveSink]
    schemes: frozenset[str] = frozenset()
    suffixes: frozenset[str] = frozenset()
    check: Callable[[Address], None] = _nothing_to_check
