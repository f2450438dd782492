"""Which sink an output gets. A new kind of sink is one more line here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from streamguard.errors import UsageError
from streamguard.handoff.sound_ring import SoundRing
from streamguard.media.address import Address, AddressKind
from streamguard.media.medium import Medium
from streamguard.settings import Settings
from streamguard.sinks.animation import ANIMATIONS
from streamguard.sinks.file import VIDEOS
from streamguard.sinks.gif import GIFS
from streamguard.sinks.kinds import FileSinkKind, LiveSink, LiveSinkKind
from streamguard.sinks.livemux import LiveFormat
from streamguard.sinks.local import LocalSink
from streamguard.sinks.photo import PHOTOS
from streamguard.sinks.recording import RECORDINGS
from streamguard.sinks.stream import STREAMS
from streamguard.sources import LocalSource

FILE_SINKS: tuple[FileSinkKind, ...] = (GIFS, PHOTOS, VIDEOS, ANIMATIONS)
"""Every kind of file; the first that has the suffix and takes the medium writes it."""
LIVE_SINKS: tuple[LiveSinkKind, ...] = (RECORDINGS, STREAMS)
"""Every kind of live sink; the first that has the scheme or the suffix writes it."""


def open_sink(path: str | os.PathLike[str], source: LocalSource, settings: Settings) -> LocalSink:
    """Open the output for a source; all that can be refused is refused here, before any work.

    Args:
        path: The output; its suffix decides the container.
        source: Where the frames and packets will come from.
        settings: How to encode, what to keep, whether to overwrite.

    Raises:
        UsageError: The suffix is unknown, does not fit the source, or the output is the input.
        OutputExistsError: It exists, and `Settings.overwrite` is not set.
        SinkPermissionError: The folder may not be written to.
        SinkError: The folder does not exist, or the encoder refuses the settings.
    """
    target, medium = Path(path), source.medium
    kind = file_sink_for(target.suffix, medium)
    if kind is None:
        article = "an" if medium is Medium.ANIMATION else "a"
        raise UsageError(
            f"{article} {medium.value} cannot be written as {target.name}",
            f"Name the output with one of {_listed(file_suffixes(medium))}",
        )
    return kind.opens(target, source, settings)


def file_sink_for(suffix: str, medium: Medium) -> FileSinkKind | None:
    """Return the kind of sink that writes a medium under a suffix such as ``.mp4``, or None."""
    fitting = (kind for kind in FILE_SINKS if medium in kind.takes)
    return next((kind for kind in fitting if suffix.lower() in kind.suffixes), None)


def file_suffixes(medium: Medium) -> frozenset[str]:
    """Return the suffixes under which a medium can be written."""
    return frozenset().union(*(kind.suffixes for kind in FILE_SINKS if medium in kind.takes))


def keeps_suffix(suffix: str, medium: Medium) -> bool:
    """Whether the result of an input that has this suffix has it, too, unless asked otherwise."""
    kind = file_sink_for(suffix, medium)
    if kind is None or medium in kind.only_if_asked:
        return False
    return kind.is_available(suffix.lower())


def open_live_sink(address: Address, form: LiveFormat, sound: SoundRing | None = None) -> LiveSink:
    """Open a network stream or a recording; may hang as long as a server pleases.

    Args:
        address: Where to.
        form: What to write.
        sound: Where sound comes from, if any is wanted.

    Raises:
        SinkError: It cannot be opened; never with a credential in it.
        UsageError: It is no sink.
    """
    check_sink(address)
    return _live_sink_for(address).opens(address, form, sound)


def check_sink(address: Address) -> None:
    """Refuse what cannot be a live sink.

    Raises:
        UsageError: It cannot.
    """
    _live_sink_for(address).check(address)


def _live_sink_for(address: Address) -> LiveSinkKind:
    suffix = Path(address.url).suffix.lower() if address.kind is AddressKind.FILE else ""
    for kind in LIVE_SINKS:
        if suffix in kind.suffixes or address.scheme in kind.schemes:
            return kind
    if address.kind is AddressKind.FILE:
        known = _listed(suffix for kind in LIVE_SINKS for suffix in kind.suffixes)
        raise UsageError(f"{address} is no recording", f"Let its name end in one of {known}")
    known = _listed(scheme for kind in LIVE_SINKS for scheme in kind.schemes)
    raise UsageError(f"{address} cannot be written to", f"Use a path or one of {known}")


def _listed(names: Iterable[str]) -> str:
    return " ".join(sorted(names))
