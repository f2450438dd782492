"""The threads: capture → detection and tracking → redaction and encoding.

Whatever goes wrong in any of them stops all, and the sink is told to leave nothing behind.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from streamguard.anonymizer import Anonymizer
from streamguard.errors import CancelledError, QueueClosedError, StalledError
from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict
from streamguard.protocols import Redactor, Sink, Source
from streamguard.queues import FrameQueue
from streamguard.settings import Settings

Observer = Callable[[Verdict, RedactedFrame], None]
"""Called in the sink's thread with every frame that was written."""

_QUEUE_BYTES = 24 * 2**20
_POLL = 0.05
_JOIN = 5.0
_SWITCH_INTERVAL = 0.0005
"""Seconds a Python thread may keep the lock; at the default of 0.005 a 7 ms call of MediaPipe,
which takes the lock several times, was measured to take 38 ms beside a busy thread."""


@dataclass(slots=True)
class _Stage:
    """One thread, and its signs of life."""

    name: str
    work: Callable[[_Stage], None]
    steps: int = 0
    done: bool = False
    thread: threading.Thread | None = None


@dataclass(slots=True)
class _Run:
    """What the threads of one run share."""

    source: Source
    anonymizer: Anonymizer
    redactor: Redactor
    sink: Sink
    observe: Observer
    decoded: FrameQueue[Frame]
    judged: FrameQueue[Verdict | PassthroughPacket]
    failed: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        """Stop everything; the first error is the one reported."""
        if not self.failed.is_set():
            self.error = error
            self.failed.set()
        self.decoded.close(error)
        self.judged.close(error)

    def capture(self, stage: _Stage) -> None:
        """Decode, and hand frames and packets on."""
        for item in self.source.read():
            stage.steps += 1
            if isinstance(item, Frame):
                self.decoded.put(item)
            else:
                self.judged.put(item)
        self.decoded.close()

    def judge(self, stage: _Stage) -> None:
        """Detect and track; hand verdicts on."""
        for frame in self.decoded:
            stage.steps += 1
            for verdict in self.anonymizer.push(frame):
                self.judged.put(verdict)
        for verdict in self.anonymizer.finish():
            self.judged.put(verdict)
        self.judged.close()

    def deliver(self, stage: _Stage) -> None:
        """Redact and write."""
        for item in self.judged:
            stage.steps += 1
            if isinstance(item, PassthroughPacket):
                self.sink.passthrough(item)
                continue
            redacted = self.redactor.redact(item)
            self.sink.write(redacted)
            self.observe(item, redacted)


def run(
    source: Source,
    anonymizer: Anonymizer,
    redactor: Redactor,
    sink: Sink,
    *,
    settings: Settings,
    observe: Observer,
    cancelled: threading.Event,
) -> None:
    """Carry a whole video from source to sink.

    Returns when the sink is closed and the result whole. The source and the anonymizer are
    left for the caller to close.

    Args:
        source: Where frames come from.
        anonymizer: Pronounces on every frame.
        redactor: Covers what it names.
        sink: Where redacted frames go.
        settings: For the stall timeout.
        observe: Called with every frame that was written.
        cancelled: Set it from anywhere to stop.

    Raises:
        CancelledError: It was set.
        StalledError: No thread did anything for the stall timeout.
        StreamguardError: Whatever a part raised. The sink has left nothing behind.
    """
    state = _Run(
        source,
        anonymizer,
        redactor,
        sink,
        observe,
        FrameQueue(_QUEUE_BYTES, lambda frame: frame.nbytes),
        FrameQueue(_QUEUE_BYTES, _size_of),
    )
    stages = [
        _Stage("reading and decoding", state.capture),
        _Stage("detection", state.judge),
        _Stage("redaction and encoding", state.deliver),
    ]
    try:
        with _switching_often():
            _start(stages, state)
            _watch(stages, state, settings.stall_timeout, cancelled)
        if state.error is not None:
            raise state.error
        sink.close()
    except BaseException as error:
        state.fail(error)
        _join(stages)
        sink.abort()
        raise


def _start(stages: list[_Stage], state: _Run) -> None:
    for stage in stages:
        # Daemons, so that a native call that never returns cannot keep the program alive.
        stage.thread = threading.Thread(
            target=_work, args=(stage, state), name=f"streamguard {stage.name}", daemon=True
        )
        stage.thread.start()


def _work(stage: _Stage, state: _Run) -> None:
    try:
        stage.work(stage)
    except QueueClosedError as error:
        # Another stage closed it; if that was not because of an error, this is one.
        state.fail(error)
    except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
        state.fail(error)
    finally:
        stage.done = True


def _watch(
    stages: list[_Stage], state: _Run, timeout: float, cancelled: threading.Event
) -> None:
    """Wait for the end, an error, the user, or for nothing to happen for too long."""
    steps, since = -1, time.monotonic()
    while not state.failed.is_set() and not all(stage.done for stage in stages):
        running = next((stage for stage in reversed(stages) if not stage.done), stages[-1])
        if running.thread is not None:
            running.thread.join(_POLL)
        if cancelled.is_set():
            raise CancelledError("stopped on request", "nothing was written")
        total = sum(stage.steps + stage.done for stage in stages)
        if total != steps:
            steps, since = total, time.monotonic()
        elif time.monotonic() - since > timeout:
            raise _stalled(stages, state, timeout)


def _stalled(stages: list[_Stage], state: _Run, timeout: float) -> StalledError:
    """Name the stage that hangs: the one that has work waiting, or none that gives any."""
    if len(state.judged):
        culprit = stages[2]
    elif len(state.decoded):
        culprit = stages[1]
    else:
        culprit = next((stage for stage in stages if not stage.done), stages[0])
    return StalledError(
        f"{culprit.name} gave no sign of life for {timeout:g} s",
        "nothing was written; try again, or report it with the input if it happens twice",
    )


def _join(stages: list[_Stage]) -> None:
    deadline = time.monotonic() + _JOIN
    for stage in stages:
        if stage.thread is not None:
            stage.thread.join(max(0.0, deadline - time.monotonic()))


def _size_of(item: Verdict | PassthroughPacket) -> int:
    if isinstance(item, Verdict):
        return item.frame.nbytes
    return item.packet.size


@contextmanager
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
