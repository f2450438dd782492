"""What the processes of a relay have in common: they report, obey, and die with their parent."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from streamguard.handoff.messages import LogLine, Stop, UseMailbox
from streamguard.relay.status import CameraStatus, OutputStatus
from streamguard.stages import SWITCH_INTERVAL

REPORT_EVERY = 0.5
Order = Stop | UseMailbox
Message = CameraStatus | OutputStatus | LogLine
_PR_SET_PDEATHSIG = 1


class Link:
    """A child's connection to its supervisor: status and log lines up, orders down.

    Args:
        connection: The child's end.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Send something up; a supervisor that is gone is noticed elsewhere."""
        try:
            with self._lock:
                self._connection.send(message)
        except OSError:
            os._exit(1)

    def orders(self, seconds: float) -> list[Order]:
        """Return what came down, waiting for it up to a time."""
        orders: list[Order] = []
        try:
            while self._connection.poll(0 if orders else seconds):
                orders.append(self._connection.recv())
        except (OSError, EOFError):
            os._exit(1)
        return orders


class _LinkLogHandler(logging.Handler):
    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def emit(self, record: logging.LogRecord) -> None:
        self._link.send(LogLine(record.levelno, record.getMessage()))


def begin(connection: Connection, mask: Callable[[str], str]) -> Link:
    """Set up a child process: logging, signals, and a death that follows its parent's.

    Args:
        connection: The child's end of its link.
        mask: Takes credentials out of a log line.
    """
    _die_with_parent()
    # Ctrl-C and init systems reach the whole group; the supervisor alone decides what becomes
    # of it, or else nobody would finish a recording.
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    link = Link(connection)
    handler = _LinkLogHandler(link)
    handler.addFilter(lambda record: _masked(record, mask))
    logger = logging.getLogger("streamguard")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.INFO)
    _quieten()
    sys.setswitchinterval(SWITCH_INTERVAL)
    return link


def end() -> None:
    """End the process at once: threads may be deep in native code that nobody can interrupt."""
    logging.shutdown()
    os._exit(0)


def run_in_thread(name: str, work: Callable[[], None]) -> threading.Thread:
    """Start a daemon thread; if its work ends with an error, the process ends, and is replaced."""

    def guarded() -> None:
        try:
            work()
        except BaseException:
            logging.getLogger(__name__).exception("%s ended", name)
            os._exit(1)

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread


def _masked(record: logging.LogRecord, mask: Callable[[str], str]) -> bool:
    record.msg, record.args = mask(record.getMessage()), ()
    return True


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()
    if sys.platform == "linux":
        # The thread above cannot run while native code holds the lock; the kernel can.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _quieten() -> None:
    """Send what native libraries print to nowhere: it may hold addresses with passwords."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stderr = open(os.dup(2), "w", buffering=1)  # noqa: PTH123, SIM115 - a descriptor
    os.dup2(nowhere, 2)
    os.close(nowhere)


class Ticker:
    """True once every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def due(self) -> bool:
        """Whether it is time again."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
