"""Pictures for browsers: each is encoded once, for all who watch the camera."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

from streamguard.handoff.mailbox import Mailbox
from streamguard.relay.states import Freshness
from streamguard.relay.supervisor import Camera, Supervisor
from streamguard.relay.view import View
from streamguard.sinks.jpeg import jpeg_of

log = logging.getLogger(__name__)

_INTERVAL = 1 / 15
_POLL = 0.02
_SLATE_INTERVAL = 0.2
_LINGER = 3.0
"""Seconds that a camera's pictures are made after somebody asked for one."""


class Feed:
    """The newest pictures of one camera, as JPEG.

    Args:
        camera: Whose pictures.
        supervisor: Knows whether the camera is still there.
        pool: Threads that read and encode.
    """

    def __init__(self, camera: Camera, supervisor: Supervisor, pool: ThreadPoolExecutor) -> None:
        self.camera = camera
        self._supervisor = supervisor
        self._pool = pool
        self._coming: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._asked = 0.0

    async def next(self) -> bytes | None:
        """Return the next picture, or None if the camera shows none or is gone."""
        self._asked = time.monotonic()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await asyncio.shield(self._coming)

    async def _run(self) -> None:
        mailbox = None
        try:
            mailbox = _mailbox_of(self.camera)
            if mailbox is not None:
                await self._make(View(mailbox, self._freshness()))
        except Exception as error:  # noqa: BLE001 - a picture that fails must not end the pages
            log.warning("web: no picture: %s: %s", type(error).__name__, error)
        finally:
            self._task = None
            self._publish(None)
            if mailbox is not None:
                mailbox.close()

    async def _make(self, view: View) -> None:
        loop, cameras = asyncio.get_running_loop(), self._supervisor.cameras
        while time.monotonic() - self._asked < _LINGER:
            if cameras.get(self.camera.plan.name) is not self.camera:
                return
            data = await loop.run_in_executor(self._pool, _newest, view)
            if data is not None:
                self._publish(data)
            await asyncio.sleep(_POLL if data is None else _INTERVAL)

    def _freshness(self) -> Freshness:
        return Freshness(self.camera.plan.patience, _SLATE_INTERVAL)

    def _publish(self, data: bytes | None) -> None:
        if not self._coming.done():
            self._coming.set_result(data)
        self._coming = asyncio.get_running_loop().create_future()


class Feeds:
    """The feeds of all cameras; to be used in one event loop.

    Args:
        supervisor: Whose cameras.
        pool: Threads that read and encode.
    """

    def __init__(self, supervisor: Supervisor, pool: ThreadPoolExecutor) -> None:
        self._supervisor = supervisor
        self._pool = pool
        self._feeds: dict[str, Feed] = {}

    def of(self, name: str) -> Feed | None:
        """Return a camera's feed, or None if there is no such camera."""
        camera = self._supervisor.cameras.get(name)
        if camera is None:
            self._feeds.pop(name, None)
            return None
        feed = self._feeds.get(name)
        if feed is None or feed.camera is not camera:
            feed = self._feeds[name] = Feed(camera, self._supervisor, self._pool)
        return feed


def _newest(view: View) -> bytes | None:
    shown = view.next()
    return None if shown is None else jpeg_of(shown.frame)


def _mailbox_of(camera: Camera) -> Mailbox | None:
    """Return a mapping of the camera's mailbox of one's own: the camera may go at any moment."""
    mailbox = camera.mailbox
    if mailbox is None:
        return None
    try:
        return Mailbox.attach(mailbox.name, mailbox.width, mailbox.height)
    except OSError:
        return None
