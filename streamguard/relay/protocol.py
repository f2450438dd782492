"""Limits on connections: how many there are, and how long each may take to send and to read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Protocol, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from streamguard.relay.access import client_key

REQUEST_SECONDS = 5.0
"""Within this a request must be complete, counted from the connection or the last response."""
WRITE_SECONDS = 5.0
"""Within this a client must take what was sent to it."""
_MOST, _MOST_PER_CLIENT = 256, 128
_SEND_BUFFER = 64 * 1024
"""Bytes that the system holds for a client: a slow viewer sees skipped frames, not old ones."""
_WRITE_BUFFER = 16 * 1024


class ClientConnection(Protocol):
    """A connection that is counted."""

    def drop(self) -> None:
        """End the connection at once."""


class ConnectionLimit:
    """Counts connections. Where there are too many, the one that waits longest goes.

    Args:
        most: Connections at once.
        most_per_client: Connections of one client at once.
    """

    def __init__(self, most: int = _MOST, most_per_client: int = _MOST_PER_CLIENT) -> None:
        self._most = most
        self._most_per_client = most_per_client
        self._clients: dict[ClientConnection, str] = {}
        self._waiting: dict[ClientConnection, None] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._clients)

    def enter(self, connection: ClientConnection, client: str) -> bool:
        """Let a connection in, or return False."""
        own = sum(each == client for each in self._clients.values())
        is_full = len(self._clients) >= self._most or own >= self._most_per_client
        if self._closed or (is_full and not self._evict(client, own)):
            return False
        self._clients[connection] = client
        self.waits(connection)
        return True

    def waits(self, connection: ClientConnection) -> None:
        """Note that a connection has sent no full request yet."""
        if connection in self._clients:
            self._waiting.setdefault(connection)

    def works(self, connection: ClientConnection) -> None:
        """Note that a connection is being answered."""
        self._waiting.pop(connection, None)

    def leave(self, connection: ClientConnection) -> None:
        """Forget a connection."""
        self._clients.pop(connection, None)
        self._waiting.pop(connection, None)

    def close(self) -> None:
        """End all connections, and let none in any more."""
        self._closed = True
        for connection in list(self._clients):
            connection.drop()

    def _evict(self, client: str, own: int) -> bool:
        """End the connection that has been waiting longest, of a greedy client its own."""
        greedy = own >= self._most_per_client
        for connection in self._waiting:
            if not greedy or self._clients[connection] == client:
                self.leave(connection)
                connection.drop()
                return True
        return False


class _Deadline:
    """Does something after a time, unless it is stopped before."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, act: Callable[[], None]
    ) -> None:
        self._loop, self._seconds, self._act = loop, seconds, act
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to count, if it does not count yet."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._act)

    def stop(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class GuardedProtocol(H11Protocol):
    """HTTP/1.1 with deadlines for requests and for reading responses.

    Args:
        limit: Counts the connections.
        args: As uvicorn passes them.
        kwargs: As uvicorn passes them.
    """

    def __init__(self, *args: Any, limit: ConnectionLimit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Else uvicorn writes addresses with their queries into any log that is set up.
        self.access_log = False
        self._limit = limit
        self._request = _Deadline(self.loop, REQUEST_SECONDS, self.drop)
        self._write = _Deadline(self.loop, WRITE_SECONDS, self.drop)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection before anything is read from it."""
        stream = cast("asyncio.Transport", transport)
        stream.set_write_buffer_limits(high=_WRITE_BUFFER)
        plug = stream.get_extra_info("socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        super().connection_made(stream)
        if self._limit.enter(self, client_key(self.client[0] if self.client else "")):
            self._watch()
        else:
            stream.abort()

    def data_received(self, data: bytes) -> None:
        """Take what the client sent; nothing after the connection's end was decided."""
        if not self.transport.is_closing():
            super().data_received(data)
            self._refuse_pipelining()
            self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Wait for a client that does not read, but not for ever."""
        super().pause_writing()
        self._write.start()

    def resume_writing(self) -> None:
        """Go on with a client that reads again."""
        self._write.stop()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._request.stop()
        self._write.stop()
        self._limit.leave(self)
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection; uvicorn would wait for one that does not read."""
        self.drop()

    def drop(self) -> None:
        """End the connection at once, whatever is still to be sent."""
        self.transport.abort()

    def _refuse_pipelining(self) -> None:
        """End the connection after this response if more requests came along with it.

        Browsers do not send any, and hundreds in one packet would hold up all others.
        """
        if self.conn.their_state is h11.DONE and self.conn.trailing_data[0]:
            self.cycle.keep_alive = False

    def _watch(self) -> None:
        """Run the deadline while the client owes a request, or has to take a last response."""
        owes = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if owes or self.transport.is_closing():
            self._limit.waits(self)
            self._request.start()
        else:
            self._limit.works(self)
            self._request.stop()
