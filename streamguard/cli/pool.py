"""Jobs done one after the other here, or several at a time in processes of their own."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from streamguard.cli.messages import DoJob, JobOver, Message, Order, PoolFailed
from streamguard.cli.pool_process import serve
from streamguard.cli.progress import Board, board, shown
from streamguard.cli.work import JobRunner, Outcome, Recipe
from streamguard.errors import CancelledError, StreamguardError
from streamguard.handoff.messages import BarClosed, BarOpened, LogLine, Stop
from streamguard.jobs.job import Job
from streamguard.media.target import remove_parts
from streamguard.progress import Progress

_CONTEXT = multiprocessing.get_context("spawn")
_GRACE = 0.15
"""Seconds that processes may take to end by themselves. A run stops within a second, and the
threads of an encoder that does not stop keep this process from running until they are killed."""
_REAPED = 0.5
"""Seconds in which a process that lost its link ends by itself, so that its exit code is known."""
_POLL = 0.05
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def outcomes_of(
    jobs: Sequence[Job], recipe: Recipe, at_a_time: int, stop: threading.Event
) -> Iterator[Outcome]:
    """Do jobs and yield what became of each, in their order.

    Args:
        jobs: What to do.
        recipe: How to do it.
        at_a_time: How many are done at a time; more than one get a process each, since native
            code that crashes must not take the other files with it.
        stop: Set it from anywhere to stop.

    Raises:
        CancelledError: ``stop`` was set.
        SystemNotReadyError: This machine lacks something.
    """
    names = [
        f"[{number}/{len(jobs)}] {job.source.name}" if len(jobs) > 1 else job.title
        for number, job in enumerate(jobs, 1)
    ]
    if min(at_a_time, len(jobs)) > 1:
        with board() as screen, _Pool(recipe, min(at_a_time, len(jobs)), screen) as pool:
            yield from pool.outcomes(list(zip(jobs, names, strict=True)), stop)
        return
    runner = JobRunner(recipe, stop)
    for job, name in zip(jobs, names, strict=True):
        _check(stop)
        yield runner.do(job, name, shown)


def _check(stop: threading.Event) -> None:
    if stop.is_set():
        raise CancelledError("stopped on request")


class _Pool:
    """Processes that work at the same time, each on one job.

    Args:
        recipe: How every job is done.
        size: How many processes there are.
        screen: Shows how far each is.
    """

    def __init__(self, recipe: Recipe, size: int, screen: Board) -> None:
        self._mates = [_PoolProcess(recipe, screen) for _ in range(size)]

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._mates:
            process.ask_to_stop()
        self._wait(time.monotonic() + _GRACE)
        # All are killed before any is waited for.
        for process in self._mates:
            process.kill()
        for process in self._mates:
            process.bury()

    def _wait(self, deadline: float) -> None:
        """Wait for the end of all processes up to a moment of `time.monotonic`."""
        while (left := deadline - time.monotonic()) > 0:
            waited_for = [each for process in self._mates for each in process.signs_of_life()]
            if not waited_for:
                return
            # One wait for all: each time this process wakes up it may have to queue for a core.
            wait(waited_for, left)
            for process in self._mates:
                process.drain()

    def outcomes(self, jobs: Sequence[tuple[Job, str]], stop: threading.Event) -> Iterator[Outcome]:
        """Do the jobs and yield their outcomes in order."""
        waiting = list(enumerate(jobs))
        ready: dict[int, Outcome] = {}
        told = 0
        while told < len(jobs):
            _check(stop)
            for process in self._mates:
                if process.is_idle and waiting:
                    process.give(*waiting.pop(0))
            wait([process.link for process in self._mates if process.link is not None], _POLL)
            for process in self._mates:
                ready.update(process.news())
            while told in ready:
                yield ready.pop(told)
                told += 1


class _PoolProcess:
    """One process of the pool, started for its first job and again after it crashed."""

    def __init__(self, recipe: Recipe, screen: Board) -> None:
        self._recipe = recipe
        self._screen = screen
        self._process: Any = None
        self._work: tuple[int, Job] | None = None
        self._lines: list[Any] = []
        self._is_silent = False
        self.link: Connection | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it can take a job."""
        return self._work is None

    def give(self, number: int, work: tuple[Job, str]) -> None:
        """Give it a job."""
        if self.link is None:
            self._start()
        self._work = number, work[0]
        self._send(DoJob(*work))

    def news(self) -> Iterator[tuple[int, Outcome]]:
        """Read its messages; yield the number and the outcome of a job that is over."""
        try:
            while self.link is not None and self.link.poll():
                yield from self._take(self.link.recv())
        except (EOFError, OSError):
            yield from self._died()

    def ask_to_stop(self) -> None:
        """Ask it to give up what it does and end."""
        if self.link is not None:
            self._send(Stop())

    def signs_of_life(self) -> list[Any]:
        """Return what to wait for to learn of its end, and of messages; nothing if it ended."""
        if self.link is None or not self._process.is_alive():
            return []
        return [self._process.sentinel] if self._is_silent else [self._process.sentinel, self.link]

    def drain(self) -> None:
        """Drop its messages: a process that cannot get rid of them cannot end either."""
        try:
            while self.link is not None and not self._is_silent and self.link.poll():
                self.link.recv()
        except (EOFError, OSError):
            self._is_silent = True

    def kill(self) -> None:
        """End it at once, whatever it does."""
        if self._process is not None:
            self._process.kill()

    def bury(self) -> None:
        """Wait for a process that was killed or has ended; remove what it has half written."""
        if self._process is None or self.link is None:
            return
        self._process.join()
        self.link.close()
        self.link = None
        if self._work is not None:
            for path in self._recipe.written_by(self._work[1]):
                remove_parts(path, self._process.pid)

    def _send(self, order: Order) -> None:
        # If it has just died, `news` finds that out.
        with suppress(OSError):
            assert self.link is not None
            self.link.send(order)

    def _start(self) -> None:
        self.link, theirs = _CONTEXT.Pipe()
        level = logging.getLogger("streamguard").level
        self._process = _CONTEXT.Process(target=serve, args=(theirs, self._recipe, level))
        with _held_back():
            self._process.start()
        theirs.close()

    def _take(self, message: Message) -> Iterator[tuple[int, Outcome]]:
        match message:
            case BarOpened(name):
                self._lines.append(self._screen.add(name))
            case Progress():
                self._lines[-1].show(message)
            case BarClosed():
                self._lines.pop().close()
            case LogLine(level, text):
                logging.getLogger("streamguard").log(level, "%s", text)
            case JobOver(outcome):
                assert self._work is not None
                yield self._work[0], outcome
                self._work = None
            case PoolFailed(error):
                raise error

    def _died(self) -> Iterator[tuple[int, Outcome]]:
        self._process.join(_REAPED)
        self.kill()
        self.bury()
        while self._lines:
            self._lines.pop().close()
        if self._work is not None:
            number, job = self._work
            self._work = None
            error = StreamguardError(
                f"the process that worked on {job.source} ended with code {self._process.exitcode}",
                "Run it again by itself, with -vv",
            )
            yield number, Outcome(job, error=error)


@contextmanager
def _held_back() -> Iterator[None]:
    """Let a new process start with signals blocked: stopping it is up to us alone."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
