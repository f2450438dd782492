"""Health, metrics and a look at the result, over HTTP, on loopback unless told otherwise."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import uvicorn

from streamguard.errors import UsageError
from streamguard.relay.access import access_for
from streamguard.relay.guard import Guard
from streamguard.relay.listen import BACKLOG, is_loopback, listening
from streamguard.relay.plan import HttpPlan
from streamguard.relay.protocol import REQUEST_SECONDS, ConnectionLimit, GuardedProtocol
from streamguard.relay.routes import Routes
from streamguard.relay.supervisor import Supervisor

log = logging.getLogger(__name__)

_MOST_HEADERS = 8192
_POOL = 2
"""Threads that encode pictures and write metrics; cameras need the other cores."""
_END_SECONDS = 1


class WebServer:
    """Serves state, metrics, and for each camera a picture and a stream, in a thread of its own.

    Args:
        supervisor: Whose cameras to show.
        plan: Where to listen, and who may see what.

    Attributes:
        host: The host listened on.
        port: The port listened on.

    Raises:
        UsageError: The address or port cannot be had, or a token is needed and missing.
    """

    def __init__(self, supervisor: Supervisor, plan: HttpPlan) -> None:
        access = access_for(plan)
        self._socket = listening(plan.host, plan.port)
        bound = self._socket.getsockname()
        self.host, self.port = plan.host, int(bound[1])
        self._is_local = is_loopback(bound[0])
        self._is_open = access.is_open
        if not (self._is_local or plan.no_token) and access.is_open:
            # The name stood for another address a moment ago.
            self._socket.close()
            raise UsageError(f"{bound[0]} needs a token", "Name one with --token-file FILE")
        self._limit = ConnectionLimit()
        self._pool = ThreadPoolExecutor(_POOL, thread_name_prefix="web")
        self._loop: asyncio.AbstractEventLoop | None = None
        # Browsers keep the cookies of all ports of a host together.
        cookie = f"streamguard-{self.port}"
        app = Routes(supervisor, access, cookie, self._pool).app()
        self._server = uvicorn.Server(_config(self._limit, Guard(app, access, cookie)))
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """The page's address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    @property
    def audience(self) -> str:
        """What is visible to whom, in a sentence."""
        who = "this machine" if self._is_local else "every machine that reaches this address"
        if self._is_open:
            return f"Covered pictures, states and metrics are shown to {who}, without a token"
        return (
            f"Covered pictures, states and metrics are shown to {who} with the token; "
            "/healthz and /readyz answer without it"
        )

    def close(self) -> None:
        """End all connections and stop listening, within a second."""
        self._server.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._limit.close)
        self._thread.join(2 * _END_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - the cameras go on without their pages
            log.error("web: the pages ended: %s: %s", type(error).__name__, error)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])
        self._loop = None


def _config(limit: ConnectionLimit, app: Guard) -> uvicorn.Config:
    logger = logging.getLogger("uvicorn.error")
    logger.handlers[:] = [_ToDebug()]
    logger.propagate = False
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", functools.partial(GuardedProtocol, limit=limit)),
        ws="none",
        loop="asyncio",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        h11_max_incomplete_event_size=_MOST_HEADERS,
        timeout_keep_alive=int(REQUEST_SECONDS),
        timeout_graceful_shutdown=_END_SECONDS,
    )


class _ToDebug(logging.Handler):
    """Passes on what uvicorn says only when debugging."""

    def emit(self, record: logging.LogRecord) -> None:
        log.debug("web: %s", record.getMessage())
