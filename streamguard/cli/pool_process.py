"""A process of ``anonymize --jobs``: it does the jobs it is given until it is told to stop."""

from __future__ import annotations

import logging
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection

from streamguard.cli.messages import DoJob, JobOver, Message, PoolFailed
from streamguard.cli.work import JobRunner, Outcome, Recipe, Show, Shown
from streamguard.errors import CancelledError, StreamguardError, SystemNotReadyError
from streamguard.handoff.messages import BarClosed, BarOpened, LogLine


def serve(link: Connection, recipe: Recipe, level: int) -> None:
    """Do jobs that come down the link until the order to stop comes, or the other end is gone.

    Args:
        link: An `Order` comes down for each job and for the end, each `Message` goes up.
        recipe: How every job is done.
        level: Level from which on log records are sent up.
    """
    for number in (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")):
        if number is not None:
            signal.signal(number, signal.SIG_IGN)
    stop = threading.Event()
    jobs: queue.SimpleQueue[DoJob | None] = queue.SimpleQueue()
    send = _sender(link, stop)
    log = logging.getLogger("streamguard")
    log.setLevel(level)
    log.handlers[:] = [_PoolLogHandler(send)]
    log.propagate = False
    threading.Thread(target=_listen, args=(link, jobs, stop), daemon=True).start()
    runner = JobRunner(recipe, stop)
    while (order := jobs.get()) is not None and not stop.is_set():
        try:
            outcome = runner.do(order.job, order.name, _shown_by(send))
            send(JobOver(_portable(outcome)))
        except CancelledError:
            break
        except SystemNotReadyError as error:
            send(PoolFailed(error))
            break
    # A thread may be deep in native code, or hang there; nobody waits for it.
    os._exit(0)


def _sender(link: Connection, stop: threading.Event) -> Callable[[Message], None]:
    lock = threading.Lock()

    def send(message: Message) -> None:
        try:
            with lock:
                link.send(message)
        except OSError:
            stop.set()

    return send


def _listen(link: Connection, jobs: queue.SimpleQueue[DoJob | None], stop: threading.Event) -> None:
    try:
        while isinstance(order := link.recv(), DoJob):
            jobs.put(order)
    except (EOFError, OSError):
        # Whoever started us is gone; nobody wants the result any more.
        pass
    stop.set()
    jobs.put(None)


def _shown_by(send: Callable[[Message], None]) -> Shown:
    @contextmanager
    def shown(name: str) -> Iterator[Show]:
        send(BarOpened(name))
        try:
            yield send
        finally:
            send(BarClosed())

    return shown


def _portable(outcome: Outcome) -> Outcome:
    """Return an outcome that can be sent: errors of other packages often cannot be."""
    try:
        pickle.loads(pickle.dumps(outcome.error))
    except Exception:  # noqa: BLE001 - whatever it is, it must not be lost on its way
        error = outcome.error
        words = StreamguardError(f"unexpected {type(error).__name__}: {error}")
        return replace(outcome, error=words)
    return outcome


class _PoolLogHandler(logging.Handler):
    def __init__(self, send: Callable[[Message], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(LogLine(record.levelno, record.getMessage()))
