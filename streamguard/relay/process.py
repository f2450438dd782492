"""Child processes, each replaced whenever it ends or hangs."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from streamguard.handoff.messages import LogLine, Stop
from streamguard.media.address import Address
from streamguard.relay.child import Order
from streamguard.relay.states import Backoff, State
from streamguard.relay.status import OutputStatus, total

log = logging.getLogger(__name__)

_CONTEXT = multiprocessing.get_context("spawn")
_STARTUP = 30.0
"""Seconds a process may take to import its libraries and load its models, on a slow machine."""
_LASTED = 30.0
"""Seconds a process must have lived for its next restart to be at once again."""
_KILL_WAIT = 1.0
_SILENT = 2.0
"""Seconds without a word after which a sink counts as out: it says something twice a second."""


def pipe() -> tuple[Connection, Connection]:
    """Return the read end and the write end of a one-way pipe that outlives its users."""
    return _CONTEXT.Pipe(duplex=False)


@dataclass(slots=True)
class Child:
    """Keeps one process running.

    Attributes:
        name: For logs: the camera's name and what the process does.
        target: The body of the process; it is given ``args`` with the link put in.
        args: Makes its arguments from its end of the link.
        hang_timeout: Seconds without a message after which it is killed.
        on_message: Given every message but log lines.
        restarts: How often it was replaced.
    """

    name: str
    target: Callable[..., None]
    args: Callable[[Connection], tuple[Any, ...]]
    hang_timeout: float
    on_message: Callable[[Any], None]
    restarts: int = 0
    _process: Any = None
    _link: Connection | None = None
    _started: float = 0.0
    _heard: float = 0.0
    _spoke: bool = False
    _retry_at: float = 0.0
    _backoff: Backoff = field(default_factory=Backoff)

    @property
    def pid(self) -> int | None:
        """Process id, or None while there is no process."""
        return None if self._process is None else self._process.pid

    @property
    def waitables(self) -> list[Any]:
        """What to wait for: its messages and its end."""
        if self._process is None or self._link is None:
            return []
        return [self._link, self._process.sentinel]

    def send(self, order: Order) -> None:
        """Give it an order; one that has just died gets it never, its successor by `on_message`."""
        if self._link is not None:
            try:
                self._link.send(order)
            except OSError:
                log.debug("%s: gone before it could be told", self.name)

    def tend(self) -> None:
        """Read its messages; start it if it is not running; kill it if it hangs."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._retry_at:
                self._start(now)
            return
        self._listen(now)
        limit = self.hang_timeout if self._spoke else max(_STARTUP, self.hang_timeout)
        if not self._process.is_alive():
            self._replace(f"ended with code {self._process.exitcode}", now)
        elif now - self._heard > limit:
            self._replace(f"gave no sign of life for {limit:g} s", now)

    def replace(self, why: str) -> None:
        """Kill it; a new one is started after a while."""
        if self._process is not None:
            self._replace(why, time.monotonic())

    def ask_to_stop(self) -> None:
        """Ask it to finish what it does and end."""
        self.send(Stop())

    def stop(self, deadline: float) -> None:
        """Wait for its end up to a moment of `time.monotonic`, then kill it."""
        if self._process is None:
            return
        # Read on: a child that cannot get rid of its messages cannot end either.
        while self._process.is_alive() and time.monotonic() < deadline:
            self._listen(time.monotonic())
            self._process.join(0.02)
        self._end()

    def _start(self, now: float) -> None:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(
            target=self.target, args=self.args(theirs), name=self.name, daemon=False
        )
        process.start()
        theirs.close()
        self._process, self._link = process, ours
        self._started = self._heard = now
        self._spoke = False

    def _listen(self, now: float) -> None:
        link = self._link
        try:
            while link is not None and link.poll(0):
                message = link.recv()
                self._heard, self._spoke = now, True
                if isinstance(message, LogLine):
                    self.log(message.level, message.text)
                else:
                    self.on_message(message)
        except (OSError, EOFError):
            # It closed its end, so it is ending; its exit code tells the rest.
            return

    @property
    def silence(self) -> float:
        """Seconds since it last said anything; 0 while it starts."""
        return time.monotonic() - self._heard if self._spoke else 0.0

    def log(self, level: int, words: str) -> None:
        """Log a line that names the camera and the sink it is about, each once."""
        camera, _, part = self.name.partition(": ")
        # The camera's own process speaks for the camera; errors of a sink name it already.
        name = camera if part == "camera" or part in words else self.name
        log.log(level, "%s: %s", name, words, extra={"camera": camera})

    def _replace(self, why: str, now: float) -> None:
        if now - self._started > _LASTED:
            self._backoff.after_success()
        wait = self._backoff.after_failure()
        self.log(logging.WARNING, f"its process {why}; it is started again in {wait:.1f} s")
        self._end()
        self.restarts += 1
        self._retry_at = now + wait

    def _end(self) -> None:
        process, self._process = self._process, None
        link, self._link = self._link, None
        if process is not None:
            if process.is_alive():
                process.kill()
            process.join(_KILL_WAIT)
            if not process.is_alive():
                process.close()
        if link is not None:
            link.close()


@dataclass(slots=True)
class Output:
    """One sink of a camera: its process and what it last said.

    Attributes:
        address: The sink.
        status: What its process said last, with what its predecessors counted.
        outages: How often it took no pictures for some time after it had taken some.
    """

    address: Address
    bell: tuple[Connection, Connection] = field(default_factory=pipe)
    child: Child | None = None
    status: OutputStatus = field(default_factory=OutputStatus)
    before: OutputStatus = field(default_factory=OutputStatus)
    outages: int = 0
    _out_since: float = 0.0
    _takes_since: float = 0.0

    def hear(self, status: OutputStatus) -> None:
        """Take a status."""
        self.status = total(self.before, status)

    def tend(self) -> None:
        """Do what is due, once its process is wanted."""
        if self.child is None:
            return
        restarts = self.child.restarts
        self.child.tend()
        if self.child.restarts != restarts:
            self.before = self.status
            self.status.state, self.status.reason = State.RECONNECTING, "restarting"
        self._note_outage(self.child)

    def _note_outage(self, child: Child) -> None:
        """Log when an outage begins and when it ends, whatever the sink itself says of it."""
        takes = self.status.state in (State.LIVE, State.SLATE)
        if takes and child.silence > _SILENT:
            takes = False
        now, since = time.monotonic(), self._out_since
        self._takes_since = (self._takes_since or now) if takes else 0.0
        if not takes and not since and self.status.frames:
            self._out_since = now
            self.outages += 1
            why = "" if self.status.state is State.LIVE else self.status.reason
            child.log(logging.WARNING, f"outage begins: {why or 'it takes nothing'}")
        elif since and takes and now - self._takes_since > _SILENT:
            # A frozen server's system takes the first pictures of every new connection.
            self._out_since = 0.0
            lasted = self._takes_since - since
            child.log(logging.INFO, f"the outage is over, it lasted {lasted:.1f} s")
