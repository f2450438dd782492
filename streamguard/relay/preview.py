"""A live source in a window on this machine: what the relay would show, at once."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from streamguard.faults import HURRY, let_go
from streamguard.frames import RedactedFrame
from streamguard.media.timing import SECOND
from streamguard.redaction import blank_slate
from streamguard.relay.camera import CameraParts, judges_of
from streamguard.relay.capture import Capture, live_queue
from streamguard.relay.plan import CameraPlan
from streamguard.relay.states import Backoff, Reason, State
from streamguard.relay.status import CameraStatus
from streamguard.relay.worker import Worker
from streamguard.settings import Effect
from streamguard.sinks.jpeg import jpeg_of
from streamguard.sources import open_live_source

log = logging.getLogger(__name__)

_STEP = 0.01
_LAST_LOOK = 0.5
"""Seconds that a look may still take at the end; the whole end takes one at most."""
_EFFECTS = tuple(Effect)
_SLATE_SIZE = (640, 360)


class Screen(Protocol):
    """Where a preview is shown: a window, or what a test puts in its place."""

    def show(self, frame: RedactedFrame, words: str, alarm: str) -> None:
        """Show one redacted frame with words on it."""

    def key(self, seconds: float) -> str:
        """Return the key that was pressed, or nothing."""

    def close(self) -> None:
        """Close it."""


@dataclass(slots=True)
class _Newest:
    """The newest redacted frame, handed from the detection thread to the window's."""

    frame: RedactedFrame | None = None
    captured: int = 0
    at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, frame: RedactedFrame, captured: int) -> None:
        with self.lock:
            self.frame, self.captured, self.at = frame, captured, time.monotonic()

    def take(self) -> tuple[RedactedFrame | None, int, float]:
        with self.lock:
            return self.frame, self.captured, self.at


class Preview:
    """Shows one live source until ``q`` is pressed.

    Keys: ``q`` quit, ``b`` boxes, ``e`` next effect, ``s`` save a snapshot.

    Args:
        plan: What to show; its sinks are not used.
        screen: Where to show it.
        folder: Where snapshots go.
        parts: What it is put together of.
    """

    def __init__(
        self,
        plan: CameraPlan,
        screen: Screen,
        folder: Path,
        parts: CameraParts = CameraParts(),  # noqa: B008 - frozen
    ) -> None:
        self._plan = plan
        self._screen = screen
        self._folder = folder
        self._newest = _Newest()
        self._status = CameraStatus()
        self._frames = live_queue(plan.lookahead)
        self._worker = Worker(plan, self._status, self._newest.put, judges_of(plan, parts))
        backoff = Backoff(longest=plan.retry_interval, slow=plan.slow_retry)
        open_source = parts.source or (lambda plan: open_live_source(plan.source, plan.live))
        self._capture = Capture(lambda: open_source(plan), self._frames, self._status, backoff)
        self._shown: deque[float] = deque(maxlen=30)
        self._last = 0.0

    def run(self, stop: threading.Event) -> None:
        """Show pictures until ``q`` is pressed or the event is set."""
        threads = [
            threading.Thread(target=self._capture.run, name="capture", daemon=True),
            threading.Thread(target=self._detect, name="detection", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            while not stop.is_set() and self._step():
                pass
        finally:
            # A camera that hangs is not waited for.
            let_go(self._capture.stop, HURRY)
            self._screen.close()
            # Detectors closed at interpreter exit print tracebacks; in time they do not.
            threads[1].join(_LAST_LOOK)

    def _detect(self) -> None:
        self._worker.prepare()
        self._worker.run(self._frames)

    def _step(self) -> bool:
        frame, captured, at = self._newest.take()
        now = time.monotonic()
        late = frame is None or now - at > self._plan.patience
        if late or frame is None:
            alarm = self._alarm()
            size = (frame.picture.width, frame.picture.height) if frame else _SLATE_SIZE
            frame = blank_slate(*size, text=alarm)
            self._screen.show(frame, self._status.reason or self._words(0.0), alarm)
        elif at != self._last:
            self._last = at
            self._shown.append(now)
            self._screen.show(frame, self._words(now - captured / SECOND), frame.slate)
        return self._obey(self._screen.key(0.05 if late else _STEP), frame)

    def _alarm(self) -> str:
        if self._status.state is State.LIVE:
            return self._worker.reason.value
        starting = self._status.state is State.CONNECTING and not self._status.reason
        return Reason.STARTING.value if starting else Reason.NO_SIGNAL.value

    def _words(self, latency: float) -> str:
        span = self._shown[-1] - self._shown[0] if len(self._shown) > 1 else 0.0
        rate = (len(self._shown) - 1) / span if span else 0.0
        faces = self._status.faces
        return f"{rate:.0f} fps  {latency * 1000:.0f} ms  {faces} face{'s' * (faces != 1)}"

    def _obey(self, key: str, frame: RedactedFrame) -> bool:
        redaction = self._worker.redaction
        match key:
            case "q":
                return False
            case "b":
                self._worker.redaction = replace(redaction, show_boxes=not redaction.show_boxes)
            case "e":
                following = _EFFECTS[(_EFFECTS.index(redaction.effect) + 1) % len(_EFFECTS)]
                self._worker.redaction = replace(redaction, effect=following)
            case "s":
                self._save(frame)
            case _:
                pass
        return True

    def _save(self, frame: RedactedFrame) -> None:
        path = self._folder / f"snapshot-{datetime.now():%Y%m%d-%H%M%S-%f}.jpg"
        path.write_bytes(jpeg_of(frame))
        log.info("saved %s", path)
