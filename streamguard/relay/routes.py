"""What is answered at each path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from streamguard.relay.access import SESSION_SECONDS, Access, Answer
from streamguard.relay.feeds import Feed, Feeds
from streamguard.relay.guard import LOGIN, RETRY_AFTER, client_of
from streamguard.relay.overview import describe
from streamguard.relay.page import STATIC, login_page, page_of, static_file
from streamguard.relay.supervisor import Camera, Supervisor

_T = TypeVar("_T")

_BOUNDARY = "streamguard"
_MOST_VIEWERS = 16
_STUCK_AFTER = 10.0


class Routes:
    """Answers for the cameras of one supervisor.

    Args:
        supervisor: Whose cameras to show.
        access: Decides about tokens.
        cookie: Name of the session's cookie.
        pool: Threads for work that would hold up the event loop.
    """

    def __init__(
        self, supervisor: Supervisor, access: Access, cookie: str, pool: ThreadPoolExecutor
    ) -> None:
        self._supervisor = supervisor
        self._access = access
        self._cookie = cookie
        self._pool = pool
        self._viewers = 0
        self._feeds = Feeds(supervisor, pool)

    def app(self) -> Starlette:
        """Return the application."""
        app = Starlette(
            routes=[
                Route("/", self._page),
                Route("/healthz", self._health),
                Route("/readyz", self._readiness),
                Route("/cameras.json", self._cameras),
                Route("/metrics", self._metrics),
                Route(LOGIN, self._login, methods=["GET", "POST"]),
                Route("/static/{name}", self._static),
                Route("/{camera}/snapshot.jpg", self._snapshot),
                Route("/{camera}/stream.mjpg", self._stream),
            ]
        )
        app.router.redirect_slashes = False
        return app

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(await self._aside(page_of, self._supervisor.cameras.copy()))

    async def _health(self, _request: Request) -> Response:
        return self._state(lambda _camera: True)

    async def _readiness(self, _request: Request) -> Response:
        return self._state(lambda camera: camera.ready)

    def _state(self, is_good: Callable[[Camera], bool]) -> Response:
        is_alive = time.monotonic() - self._supervisor.stepped < _STUCK_AFTER
        is_fine = is_alive and all(map(is_good, self._supervisor.cameras.copy().values()))
        return JSONResponse({"ok": is_fine}, 200 if is_fine else 503)

    async def _cameras(self, _request: Request) -> Response:
        cameras = self._supervisor.cameras.copy()
        told = await self._aside(lambda: {name: describe(each) for name, each in cameras.items()})
        return JSONResponse({"cameras": told})

    async def _aside(self, work: Callable[..., _T], *values: object) -> _T:
        """Do what takes long without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *values)

    async def _metrics(self, _request: Request) -> Response:
        try:
            from streamguard.relay.metrics import CONTENT_TYPE, exposition
        except ImportError:
            words = "metrics need prometheus-client: pip install '.[relay]' in the checkout\n"
            return PlainTextResponse(words, 501)

        def cameras() -> list[Camera]:
            return list(self._supervisor.cameras.copy().values())

        body = await self._aside(exposition, cameras)
        return Response(body, headers={"Content-Type": CONTENT_TYPE})

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            return _not_found()
        return Response(static_file(name), media_type=STATIC[name])

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return RedirectResponse("/", 303)
        fields = parse_qs((await request.body()).decode("utf-8", "replace"))
        answer = self._access.check(client_of(request), fields.get("token", [""])[0].strip())
        if answer is Answer.LATER:
            return HTMLResponse(login_page(answer), 429, {"Retry-After": RETRY_AFTER})
        if answer is Answer.WRONG:
            return HTMLResponse(login_page(answer), 401, {"WWW-Authenticate": "Bearer"})
        response = RedirectResponse("/", 303)
        response.set_cookie(
            self._cookie,
            self._access.session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
        )
        return response

    async def _snapshot(self, request: Request) -> Response:
        feed = self._feeds.of(request.path_params["camera"])
        if feed is None:
            return _not_found()
        if self._viewers >= _MOST_VIEWERS:
            return _busy("too many viewers")
        data = await self._next(feed)
        return _busy("no picture yet") if data is None else Response(data, media_type="image/jpeg")

    async def _stream(self, request: Request) -> Response:
        feed = self._feeds.of(request.path_params["camera"])
        if feed is None:
            return _not_found()
        if request.method == "HEAD":
            return Response(media_type=_Stream.kind)
        if self._viewers >= _MOST_VIEWERS:
            return _busy("too many viewers")
        first = await self._next(feed)
        return _busy("no picture yet") if first is None else _Stream(first, feed, self._count)

    async def _next(self, feed: Feed) -> bytes | None:
        self._count(1)
        try:
            return await feed.next()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._viewers += change


class _Stream(StreamingResponse):
    """The pictures of a camera, one after the other, for one viewer who is counted meanwhile."""

    kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"

    def __init__(self, first: bytes, feed: Feed, count: Callable[[int], None]) -> None:
        super().__init__(_parts(first, feed), media_type=self.kind)
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._count(1)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._count(-1)


async def _parts(first: bytes, feed: Feed) -> AsyncIterator[bytes]:
    data: bytes | None = first
    while data is not None:
        size = f"Content-Length: {len(data)}"
        head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n{size}\r\n\r\n"
        yield head.encode() + data + b"\r\n"
        data = await feed.next()


def _busy(words: str) -> Response:
    return PlainTextResponse(words + "\n", 503, {"Retry-After": "1"})


def _not_found() -> Response:
    return PlainTextResponse("not found\n", 404)
