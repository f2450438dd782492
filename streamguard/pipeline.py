"""The threads: capture → detection and tracking → redaction → encoding.

Whatever goes wrong in any of them stops all, and the sink is told to leave nothing behind.
A native call that never returns is given up with its thread; only one that also keeps Python's
global lock to itself cannot be.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from streamguard.anonymizer import Anonymizer
from streamguard.detection.cores import sharing_cores
from streamguard.errors import (
    CancelledError,
    RedactionError,
    SinkError,
    SourceError,
    StalledError,
    TrackingError,
)
from streamguard.faults import PATIENCE, blamed, let_go
from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict
from streamguard.protocols import Redactor, Sink, Source
from streamguard.queues import FrameQueue
from streamguard.settings import Settings

Observer = Callable[[Verdict, RedactedFrame], None]
"""Called in the sink's thread with every frame that was written."""

_DECODED_BYTES, _JUDGED_BYTES, _COVERED_BYTES = 3 * 2**20, 6 * 2**20, 3 * 2**20
_POLL = 0.05
_SWITCH_INTERVAL = 0.0005
"""Seconds a Python thread may keep the lock; at the default of 0.005 a 7 ms call of MediaPipe,
which takes the lock several times, was measured to take 38 ms beside a busy thread."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a pipeline is made of.

    Attributes:
        source: Where frames come from.
        anonymizer: Pronounces on every frame.
        redactor: Covers what it names.
        sink: Where redacted frames go.
    """

    source: Source
    anonymizer: Anonymizer
    redactor: Redactor
    sink: Sink


@dataclass(slots=True)
class _Stage:
    """One thread, and its signs of life."""

    name: str
    work: Callable[[_Stage], None]
    steps: int = 0
    done: bool = False
    thread: threading.Thread | None = None


@dataclass(frozen=True, slots=True)
class _Covered:
    """A redacted frame on its way to the sink, with the verdict it rests on."""

    verdict: Verdict
    redacted: RedactedFrame


@dataclass(slots=True)
class _Run:
    """What the threads of one run share."""

    parts: Parts
    observe: Observer
    decoded: FrameQueue[Frame]
    judged: FrameQueue[Verdict | PassthroughPacket]
    covered: FrameQueue[_Covered | PassthroughPacket]
    failed: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, error: BaseException) -> None:
        """Stop everything; the first error is the one reported."""
        with self.lock:
            if not self.failed.is_set():
                self.error = error
                self.failed.set()
        self.decoded.close(error)
        self.judged.close(error)
        self.covered.close(error)

    def capture(self, stage: _Stage) -> None:
        """Decode, and hand frames and packets on."""
        with blamed(SourceError, "reading"):
            for item in self.parts.source.read():
                stage.steps += 1
                if isinstance(item, Frame):
                    self.decoded.put(item)
                else:
                    self.judged.put(item)
        self.decoded.close()

    def judge(self, stage: _Stage) -> None:
        """Detect and track; hand verdicts on."""
        anonymizer = self.parts.anonymizer
        # What fails in a detector is called a DetectionError before it gets here.
        with blamed(TrackingError, "tracking"):
            for frame in self.decoded:
                stage.steps += 1
                for verdict in anonymizer.push(frame):
                    self.judged.put(verdict)
            for verdict in anonymizer.finish():
                self.judged.put(verdict)
        self.judged.close()

    def cover(self, stage: _Stage) -> None:
        """Redact; a thread of its own, so that the encoder need not wait for it."""
        for item in self.judged:
            stage.steps += 1
            if isinstance(item, PassthroughPacket):
                self.covered.put(item)
                continue
            with blamed(RedactionError, "redaction"):
                redacted = self.parts.redactor.redact(item)
            self.covered.put(_Covered(item, redacted))
        self.covered.close()

    def deliver(self, stage: _Stage) -> None:
        """Write."""
        for item in self.covered:
            stage.steps += 1
            if self.failed.is_set():
                return
            with blamed(SinkError, "writing"):
                if isinstance(item, PassthroughPacket):
                    self.parts.sink.passthrough(item)
                    continue
                self.parts.sink.write(item.redacted)
            self.observe(item.verdict, item.redacted)

    def finish(self) -> None:
        """Make the result whole."""
        with blamed(SinkError, "finishing the output"):
            self.parts.sink.close()


def run(parts: Parts, *, settings: Settings, observe: Observer, cancelled: threading.Event) -> None:
    """Carry a whole video from source to sink.

    Returns when the sink is closed and the result whole. The source and the anonymizer are
    left for the caller to close; after an error, with `let_go`.

    Args:
        parts: What the pipeline is made of.
        settings: For the stall timeout.
        observe: Called with every frame that was written; what it raises ends the run.
        cancelled: Set it from anywhere to stop.

    Raises:
        CancelledError: It was set.
        StalledError: No thread did anything for the stall timeout.
        StreamguardError: Of the kind that fits whatever a part raised, were it `MemoryError`
            or `SystemExit`. The sink has been told to leave nothing behind.
    """
    state = _Run(
        parts,
        observe,
        FrameQueue(_DECODED_BYTES, lambda frame: frame.nbytes),
        FrameQueue(_JUDGED_BYTES, _size_of),
        FrameQueue(_COVERED_BYTES, _size_of),
    )
    stages = [
        _Stage("reading and decoding", state.capture),
        _Stage("detection", state.judge),
        _Stage("redaction", state.cover),
        _Stage("encoding", state.deliver),
    ]
    try:
        with _switching_often(), sharing_cores():
            _start(stages, state)
            _watch(stages, state, settings.stall_timeout, cancelled)
        if state.error is not None:
            raise state.error
        let_go(state.finish, None)
    except BaseException as error:
        state.fail(error)
        _join(stages)
        let_go(parts.sink.abort)
        raise


def _start(stages: list[_Stage], state: _Run) -> None:
    for stage in stages:
        # Daemons, so that a native call that never returns cannot keep the program alive.
        thread = threading.Thread(
            target=_work, args=(stage, state), name=f"streamguard {stage.name}", daemon=True
        )
        thread.start()
        stage.thread = thread


def _work(stage: _Stage, state: _Run) -> None:
    try:
        stage.work(stage)
    except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
        state.fail(error)
    finally:
        stage.done = True


def _watch(stages: list[_Stage], state: _Run, timeout: float, cancelled: threading.Event) -> None:
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
    if len(state.covered):
        culprit = stages[3]
    elif len(state.judged):
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
    deadline = time.monotonic() + PATIENCE
    for stage in stages:
        if stage.thread is not None:
            stage.thread.join(max(0.0, deadline - time.monotonic()))


def _size_of(item: Verdict | _Covered | PassthroughPacket) -> int:
    if isinstance(item, _Covered):
        return item.verdict.frame.nbytes
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
