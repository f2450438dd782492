"""What is registered of each kind of source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from streamguard.media.address import Address
from streamguard.media.medium import Medium
from streamguard.protocols import Source
from streamguard.settings import InputSettings
from streamguard.sources.local import LocalSource
from streamguard.sources.options import LiveOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSourceKind:
    """One kind of source that reads a local file.

    Attributes:
        medium: What such a file shows.
        opens: Opens one; raises `SourceError`.
        recognizes: Whether a file is of this kind, by its content; raises `SourceError`.
        suffixes: What such files are called in a folder, in lower case, with the dot.
    """

    medium: Medium
    opens: Callable[[Path, InputSettings], LocalSource]
    recognizes: Callable[[Path, InputSettings], bool]
    suffixes: frozenset[str]


class SourceWithSound(Source, Protocol):
    """A live source that can hand on sound, too."""

    @property
    def sound(self) -> str:
        """What becomes of its sound, in a few words."""
        ...

    @property
    def sound_head(self) -> bytes:
        """The form of the packets of sound that it hands on; empty without any."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSourceKind:
    """One kind of live source.

    Attributes:
        takes: Whether an address is of this kind.
        opens: Opens one; raises `SourceError`.
    """

    takes: Callable[[Address], bool]
    opens: Callable[[Address, LiveOptions], SourceWithSound]
