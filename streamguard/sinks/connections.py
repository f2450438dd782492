"""The TCP connections of a network sink, watched so that none sends old pictures late.

FFmpeg hands pictures to the system and is told they are sent, while a server that froze reads
none of them. What waits in the system would reach it as soon as it thaws, seconds too late. So
the connection's own figures are watched: a connection that takes nothing is cut, and what it
still holds is thrown away.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

BEHIND = 0.5
"""Seconds that sent data may wait; after that pictures are left out before they are encoded."""
CUT = 1.0
"""Seconds without delay after which a connection is cut."""
_UNREAD = 1.5
"""Seconds for which the other end's program may leave unread what its system took."""
_STEP = 0.1
_ENOUGH = 8 * 1024
"""Bytes after which the other end's window tells whether it reads."""
_DESCRIPTORS = "/proc/self/fd"
_ACKED, _WINDOW = 120, 228
_INFO_SIZE = 232
"""Where `struct tcp_info` of Linux has these figures."""
_NO_FAREWELL = struct.pack("ii", 1, 0)
_FAREWELL = struct.pack("ii", 0, 0)


@dataclass(frozen=True, slots=True)
class Sample:
    """What one connection said of itself at a moment.

    Attributes:
        at: The moment in seconds.
        acked: Bytes that the other end's system has taken.
        total: Bytes handed over to this end's system.
        window: Bytes that the other end has room for.
    """

    at: float
    acked: int
    total: int
    window: int


class ConnectionDelay:
    """How far one connection is behind; pure."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def waiting(self, now: Sample) -> float:
        """Return for how many seconds data has been waiting for the other end."""
        samples = self._samples
        samples.append(now)
        while samples[0].at < now.at - 4 * CUT:
            samples.popleft()
        sent = next((now.at - s.at for s in samples if s.total > now.acked), 0.0)
        return max(sent, self._unread(now))

    def _unread(self, now: Sample) -> float:
        """Return for how long the other end's system took data that its program did not read.

        Whatever is read makes room, so the end of the window moves on as fast as data comes in.
        Where nobody reads it stays behind.
        """
        began = later = now
        for sample in reversed(self._samples):
            took = later.acked - sample.acked
            if took and sample.window <= later.window:
                break
            began = later = sample
        took = now.acked - began.acked
        gained = took + now.window - began.window
        long = now.at - began.at >= _UNREAD
        return now.at - began.at if long and took >= _ENOUGH and 2 * gained < took else 0.0


class ConnectionWatch:
    """Watches the connections that opening a sink made; on Linux, elsewhere it sees none.

    Args:
        opening: Opens the sink.
    """

    def __init__(self, opening: Callable[[], None]) -> None:
        before = _sockets()
        self.behind = 0.0
        self.was_cut = False
        self._closed = threading.Event()
        opening()
        self._sockets = [_tcp(number) for number in sorted(_sockets() - before)]
        self._watched = [(each, ConnectionDelay()) for each in self._sockets if each is not None]
        for each, _ in self._watched:
            # However this process ends, what waits is not sent after its end.
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_FAREWELL)
        if self._watched:
            threading.Thread(target=self._watch, name="connections", daemon=True).start()

    def part(self) -> None:
        """Let what was just written go out; call it before a sink is closed in peace."""
        if not self.was_cut and self.behind < BEHIND:
            self._each(lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _FAREWELL))

    def cut(self) -> None:
        """End the connections; whoever writes to them is woken by an error."""
        self.was_cut = True
        self._each(lambda s: s.shutdown(socket.SHUT_RDWR))

    def close(self) -> None:
        """Let go of the connections; call it after the sink was closed."""
        self._closed.set()
        self._each(lambda s: s.close())

    def _each(self, action: Callable[[socket.socket], None]) -> None:
        for each, _ in self._watched:
            with suppress(OSError):
                action(each)

    def _watch(self) -> None:
        while not self._closed.wait(_STEP):
            with suppress(OSError):
                waits = [delay.waiting(_sample(each)) for each, delay in self._watched]
                self.behind = max(waits)
            if self.behind > CUT:
                self.cut()
                return


def _sockets() -> set[int]:
    """Return this process's descriptors that are sockets."""
    found = set()
    with suppress(OSError):
        for entry in os.scandir(_DESCRIPTORS):
            # The one that this very listing uses is gone already.
            with suppress(OSError):
                if os.readlink(entry.path).startswith("socket:"):  # noqa: PTH115 - no path
                    found.add(int(entry.name))
    return found


def _tcp(number: int) -> socket.socket | None:
    """Return a descriptor of one's own for a connected TCP socket; None if it is none."""
    try:
        copy = os.dup(number)
    except OSError:
        return None
    try:
        found = socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        return None
    try:
        if found.type == socket.SOCK_STREAM and found.getpeername():
            info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            if len(info) >= _INFO_SIZE:
                return found
    except (OSError, AttributeError):
        # No TCP, no connection, or a system without such figures.
        pass
    found.close()
    return None


def _sample(found: socket.socket) -> Sample:
    import fcntl
    import termios

    info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    (waiting,) = struct.unpack("i", fcntl.ioctl(found, termios.TIOCOUTQ, b"\0" * 4))
    (acked,) = struct.unpack_from("Q", info, _ACKED)
    (window,) = struct.unpack_from("I", info, _WINDOW)
    return Sample(time.monotonic(), acked, acked + waiting, window)
