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
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from streamguard.cli.work import Outcome, Recipe, Show, Shown, Worker
from streamguard.errors import CancelledError, StreamguardError, SystemNotReadyError
from streamguard.jobs.job import Job

STOP = "stop"
"""Order: give up what is being done, and end."""


@dataclass(frozen=True, slots=True)
class Started:
    """Something is begun whose progress can be shown under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What was begun last is over."""


@dataclass(frozen=True, slots=True)
class Said:
    """A log record on its way to the user."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of the job."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failed:
    """What stops every other job as well."""

    error: Exception


def serve(link: Connection, recipe: Recipe, level: int) -> None:
    """Do jobs that come down the link until the order to stop comes, or the other end is gone.

    Args:
        link: Jobs and their names come down, messages of this module go up.
        recipe: How every job is done.
        level: Level from which on log records are sent up.
    """
    for number in (getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")):
        if number is not None:
            signal.signal(number, signal.SIG_IGN)
    stop = threading.Event()
    jobs: queue.SimpleQueue[tuple[Job, str] | None] = queue.SimpleQueue()
    send = _sender(link, stop)
    log = logging.getLogger("streamguard")
    log.setLevel(level)
    log.handlers[:] = [_Handler(send)]
    log.propagate = False
    threading.Thread(target=_listen, args=(link, jobs, stop), daemon=True).start()
    worker = Worker(recipe, stop)
    while (work := jobs.get()) is not None and not stop.is_set():
        try:
            send(Finished(_portable(worker.do(*work, _shown_by(send)))))
        except CancelledError:
            break
        except SystemNotReadyError as error:
            send(Failed(error))
            break
    # A thread may be deep in native code, or hang there; nobody waits for it.
    os._exit(0)


def _sender(link: Connection, stop: threading.Event) -> Callable[[object], None]:
    lock = threading.Lock()

    def send(message: object) -> None:
        try:
            with lock:
                link.send(message)
        except OSError:
            stop.set()

    return send


def _listen(
    link: Connection, jobs: queue.SimpleQueue[tuple[Job, str] | None], stop: threading.Event
) -> None:
    try:
        while (order := link.recv()) != STOP:
            jobs.put(order)
    except (EOFError, OSError):
        # Whoever started us is gone; nobody wants the result any more.
        pass
    stop.set()
    jobs.put(None)


def _shown_by(send: Callable[[object], None]) -> Shown:
    @contextmanager
    def shown(name: str) -> Iterator[Show]:
        send(Started(name))
        try:
            yield send
        finally:
            send(Ended())

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


class _Handler(logging.Handler):
    def __init__(self, send: Callable[[object], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(Said(record.levelno, record.getMessage()))
