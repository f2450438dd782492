"""Threads that work on one task together, and the watch over them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from streamguard.errors import CancelledError, StalledError
from streamguard.faults import patience_after

_POLL = 0.05
SWITCH_INTERVAL = 0.0005
"""Seconds a Python thread may keep the lock; at the default of 0.005 a 7 ms call of MediaPipe,
which takes the lock several times, was measured to take 38 ms beside a busy thread."""


class Closable(Protocol):
    """Something between two threads that can be closed with an error."""

    def close(self, error: BaseException | None = None) -> None:
        """End it and wake both ends."""


@dataclass(slots=True)
class Stage:
    """One thread, and its signs of life.

    Attributes:
        name: What it does, for messages.
        work: Does it, and counts its steps.
        inbox: What waits for it; None for the first, which has nobody before it.
        steps: Signs of life so far.
        done: Whether it has ended.
        thread: The thread, once it has been started.
    """

    name: str
    work: Callable[[Stage], None]
    inbox: Sized | None = None
    steps: int = 0
    done: bool = False
    thread: threading.Thread | None = None

    def start(self, fail: Callable[[BaseException], None]) -> None:
        """Start the thread.

        Args:
            fail: Called in it with whatever the work raises.
        """
        # A daemon, so that a native call that never returns cannot keep the program alive.
        thread = threading.Thread(
            target=self._run, args=(fail,), name=f"streamguard {self.name}", daemon=True
        )
        thread.start()
        self.thread = thread

    def _run(self, fail: Callable[[BaseException], None]) -> None:
        try:
            self.work(self)
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            fail(error)
        finally:
            self.done = True


def watch(
    stages: list[Stage], timeout: float, failed: threading.Event, cancelled: threading.Event
) -> None:
    """Wait for the end, an error, the user, or for nothing to happen for too long.

    Args:
        stages: In the order in which work goes through them.
        timeout: Seconds without any sign of life that are too long.
        failed: Set once a stage has failed.
        cancelled: Set once the user wants no more.

    Raises:
        CancelledError: The user wants no more.
        StalledError: Nothing happened for too long.
    """
    steps, since = -1, time.monotonic()
    while True:
        if cancelled.is_set():
            raise CancelledError("stopped on request", "Nothing was written")
        if failed.is_set() or all(stage.done for stage in stages):
            return
        running = next((stage for stage in reversed(stages) if not stage.done), stages[-1])
        if running.thread is not None:
            running.thread.join(_POLL)
        total = sum(stage.steps + stage.done for stage in stages)
        if total != steps:
            steps, since = total, time.monotonic()
        elif time.monotonic() - since > timeout:
            raise StalledError(
                f"{_culprit(stages).name} gave no sign of life for {timeout:g} s",
                "Nothing was written. Try again. If it happens twice, report it with the input",
            )


class Team:
    """Threads that work on one task, with queues between them. The first error stops all.

    Args:
        stages: In the order in which work goes through them.
        queues: What lies between them; an error closes them all.
        failed: Is set once a thread has failed; one of its own when None.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        queues: Sequence[Closable],
        failed: threading.Event | None = None,
    ) -> None:
        self._stages = list(stages)
        self._queues = queues
        self._failed = failed or threading.Event()
        self._error: BaseException | None = None
        self._lock = threading.Lock()

    @contextmanager
    def at_work(self) -> Iterator[Team]:
        """Start the threads; where the block fails, stop them, and wait for them a little."""
        try:
            for stage in self._stages:
                stage.start(self._fail)
            yield self
        except BaseException as error:
            self._fail(error)
            join(self._stages, patience_after(error))
            raise

    def wait(self, timeout: float, cancelled: threading.Event) -> None:
        """Wait for the end of all threads.

        Args:
            timeout: Seconds without any sign of life that are too long.
            cancelled: Set once the user wants no more.

        Raises:
            CancelledError: The user wants no more.
            StalledError: Nothing happened for too long.
            BaseException: Whatever a stage raised first.
        """
        watch(self._stages, timeout, self._failed, cancelled)
        if self._error is not None:
            raise self._error

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if not self._failed.is_set():
                self._error = error
                self._failed.set()
        for queue in self._queues:
            queue.close(error)


def run_alone(stage: Stage, timeout: float, cancelled: threading.Event) -> None:
    """Run one stage to its end, watched.

    Args:
        stage: What to run.
        timeout: Seconds without any sign of life that are too long.
        cancelled: Set once the user wants no more.

    Raises:
        CancelledError: The user wants no more.
        StalledError: Nothing happened for too long.
        BaseException: Whatever the stage raised.
    """
    failed = threading.Event()
    errors: list[BaseException] = []

    def fail(error: BaseException) -> None:
        errors.append(error)
        failed.set()

    stage.start(fail)
    watch([stage], timeout, failed, cancelled)
    if errors:
        raise errors[0]


def _culprit(stages: list[Stage]) -> Stage:
    """Return the stage that hangs: the last one that has work waiting, or that gives none."""
    waited_for = (stage for stage in reversed(stages) if stage.inbox)
    running = (stage for stage in stages if not stage.done)
    return next(chain(waited_for, running), stages[0])


def join(stages: list[Stage], patience: float) -> None:
    """Wait for all threads to end, but no longer than so many seconds in all."""
    deadline = time.monotonic() + patience
    for stage in stages:
        if stage.thread is not None:
            stage.thread.join(max(0.0, deadline - time.monotonic()))


@contextmanager
def switching_often() -> Iterator[None]:
    """Let threads take turns more often than Python does by itself."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
