"""The capture thread: opens the source again and again, and hands on its newest frames."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from streamguard.errors import (
    QueueClosedError,
    SourceError,
    SourceLostError,
    SourcePermissionError,
)
from streamguard.frames import Frame, PassthroughPacket
from streamguard.handoff.frame_queue import FrameQueue
from streamguard.memory import give_back
from streamguard.protocols import Source
from streamguard.relay.states import Backoff, DropReason, State
from streamguard.relay.status import CameraStatus

log = logging.getLogger(__name__)

_DEEP_AHEAD, _DEEP_NOW = 8, 2
"""Frames that may wait: with a look-ahead a detector's longest look shall cost none, without one
every waiting frame is delay that a viewer sees."""
_QUEUE_BYTES = 96 * 2**20


@dataclass(frozen=True, slots=True)
class Captured:
    """A raw frame and the connection it came through.

    Attributes:
        frame: The frame.
        connection: Counts the connections; what is known of one says nothing of the next.
    """

    frame: Frame
    connection: int


def live_queue(lookahead: float) -> FrameQueue[Captured]:
    """Return a queue in which the newest frame wins.

    Args:
        lookahead: Seconds that detection holds frames back.
    """
    deep = _DEEP_AHEAD if lookahead else _DEEP_NOW
    return FrameQueue(_QUEUE_BYTES, lambda item: item.frame.nbytes, "drop-oldest", deep)


class Capture:
    """Keeps a source open, for ever.

    Args:
        open_source: Opens it; raises `SourceError`.
        frames: Where frames go.
        status: Told what happens.
        backoff: How long to wait between tries.
        on_packet: Told of audio packets.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        frames: FrameQueue[Captured],
        status: CameraStatus,
        backoff: Backoff,
        on_packet: Callable[[PassthroughPacket], None] = lambda _packet: None,
    ) -> None:
        self._open_source = open_source
        self._frames = frames
        self._status = status
        self._backoff = backoff
        self._on_packet = on_packet
        self._stop = threading.Event()
        self._source: Source | None = None
        self._connection = 0

    def run(self) -> None:
        """Capture until `stop`; only that ends it."""
        while not self._stop.is_set():
            try:
                self._once()
            except QueueClosedError:
                return
            except SourceError as error:
                if not self._stop.is_set():
                    self._wait(error)
            except Exception as error:  # noqa: BLE001 - no surprise of a library may end a relay
                log.warning("unexpected %s in capture: %s", type(error).__name__, error)
                self._wait(SourceLostError(f"unexpected {type(error).__name__}"))

    def stop(self) -> None:
        """End `run` soon; may be called from any thread."""
        self._stop.set()
        self._frames.close()
        if self._source is not None:
            self._source.close()

    def _once(self) -> None:
        with closing(self._open_source()) as source:
            self._source = source
            self._connection += 1
            if self._stop.is_set():
                return
            rate = source.info.frame_rate
            self._status.frame_rate = float(rate) if rate else self._status.frame_rate
            before = self._status.damage
            for item in source.read():
                # Not every source can tell.
                self._status.damage = before + getattr(source, "damage", 0)
                if isinstance(item, PassthroughPacket):
                    self._on_packet(item)
                else:
                    self._take(item)

    def _take(self, frame: Frame) -> None:
        status = self._status
        if status.state is not State.LIVE:
            log.info("live: %dx%d", frame.width, frame.height)
            status.state, status.reason = State.LIVE, ""
            self._backoff.after_success()
        status.width, status.height = frame.width, frame.height
        status.captured += 1
        status.last_frame = time.time()
        self._frames.put(Captured(frame, self._connection))
        status.dropped[DropReason.NEWER] = self._frames.dropped

    def _wait(self, error: SourceError) -> None:
        status = self._status
        hopeless = isinstance(error, SourcePermissionError)
        wait = self._backoff.after_failure(hopeless=hopeless)
        if status.reason != error.what:
            log.warning("%s", error)
        never = status.captured == 0
        status.state = State.CONNECTING if never else State.RECONNECTING
        if hopeless:
            status.state = State.FAILED
        status.reason = error.what
        status.reconnects += 1
        give_back()
        self._stop.wait(wait)
