"""What every sink that writes one local file has in common: its life from opening to renaming."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from streamguard.errors import SinkError
from streamguard.frames import PassthroughPacket, RedactedFrame
from streamguard.media.target import Target, sink_errors
from streamguard.settings import Settings
from streamguard.sources import LocalSource

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer

_PATIENCE = 2.0
"""Seconds to wait for a frame that is being encoded when the output is given up."""


class LocalSink(ABC):
    """Writes beside the output's name, one call at a time, and renames what is whole.

    Args:
        path: The output.
        source: Where frames and packets come from; read only for what they look like.
        settings: How to encode, what to keep, whether to overwrite.

    Attributes:
        path: The output.
        notes: What could not be kept as it was, in words.
        left_out: Streams of the source that are not in the output, in the source's words.

    Raises:
        UsageError: The output is the input, or its extension is unknown.
        OutputExistsError: It exists and may not be replaced.
        SinkError: It cannot be written, or the encoder refuses the settings.
    """

    def __init__(self, path: Path, source: LocalSource, settings: Settings) -> None:
        self.path = path
        self.notes: list[str] = []
        self.left_out: list[str] = []
        self._target = Target(path, source.path, settings.overwrite)
        self._lock = threading.Lock()
        self._open = True
        self._frames = 0
        self._ending = ExitStack()
        try:
            with sink_errors(path):
                self._start(source, settings)
        except BaseException:
            self.abort()
            raise

    def write(self, frame: RedactedFrame) -> None:
        """Encode one frame at its own time; after `close` and `abort`, do nothing.

        Raises:
            SinkError: It could not be written.
        """
        with self._lock, sink_errors(self.path):
            if self._open:
                self._encode(frame.picture)
                self._frames += 1

    def passthrough(self, packet: PassthroughPacket) -> None:
        """Write one packet of audio or text, where the format holds any.

        Raises:
            SinkError: It could not be written.
        """
        with self._lock, sink_errors(self.path):
            if self._open:
                self._copy(packet)

    def close(self) -> None:
        """Finish the file and give it its final name; the second call does nothing.

        Raises:
            SinkError: It could not be finished, or there was no frame; nothing stands under
                the final name.
        """
        with self._lock:
            if not self._open:
                return
            try:
                with sink_errors(self.path):
                    if not self._frames:
                        raise SinkError(f"no frame came for {self.path}, it is not written")
                    self._finish()
                self._target.commit()
            finally:
                self._let_go()

    def abort(self) -> None:
        """Remove what was written so far, unless it was finished."""
        # First of all: an encoder that hangs keeps the lock for ever.
        self._target.discard()
        if not self._lock.acquire(timeout=_PATIENCE):
            return
        try:
            self._let_go()
        finally:
            self._lock.release()

    @abstractmethod
    def _start(self, source: LocalSource, settings: Settings) -> None:
        """Open the encoder and note what it cannot keep."""

    @abstractmethod
    def _encode(self, picture: av.VideoFrame) -> None:
        """Write one redacted picture."""

    def _copy(self, packet: PassthroughPacket) -> None:  # noqa: B027 - most have no sound
        """Write one packet; formats without sound leave it out."""

    @abstractmethod
    def _finish(self) -> None:
        """Write what is still held back, so that the part is the whole file."""

    def _container(self, name: str, options: dict[str, str] | None = None) -> OutputContainer:
        """Open a container of the format ``name`` on the target's part."""
        import av

        part = str(self._target.part.absolute())
        container = av.open(part, "w", format=name, options=options or {})
        self._ending.callback(container.close)
        return container

    def _let_go(self) -> None:
        self._open = False
        # An output that failed once, say on a full disk, fails again in closing.
        with suppress(SinkError), sink_errors(self.path):
            self._ending.close()
        self._target.discard()
