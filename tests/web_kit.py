"""A server of the relay's pages with cameras that need no process, and ways to ask it."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from streamguard.frames import Frame, Verdict
from streamguard.handoff.mailbox import Mailbox
from streamguard.media.address import parse_address
from streamguard.redaction import MaskRedactor
from streamguard.relay.plan import CameraPlan, HttpPlan
from streamguard.relay.process import Output
from streamguard.relay.states import State
from streamguard.relay.status import CameraStatus
from streamguard.relay.supervisor import Supervisor
from streamguard.relay.web import WebServer
from streamguard.settings import RedactionSettings, Settings

TOKEN = "correct-horse-battery-staple"
SIZE = (640, 360)


def plan_of(name: str, *sinks: str) -> CameraPlan:
    return CameraPlan(
        name=name,
        source=parse_address("rtsp://viewer:secret@192.0.2.10/a"),
        sinks=tuple(map(parse_address, sinks)),
        settings=Settings(),
    )


@dataclass
class FakeCamera:
    """What the pages read of a camera."""

    plan: CameraPlan
    status: CameraStatus = field(default_factory=lambda: CameraStatus(State.LIVE, width=640))
    outputs: list[Output] = field(default_factory=list)
    mailbox: Mailbox | None = None
    restarts: int = 0
    ready: bool = True

    @property
    def state(self) -> State:
        return self.status.state


class FakeSupervisor:
    """Cameras by name, and a supervisor that is always awake."""

    def __init__(self, *names: str) -> None:
        self.cameras = {name: FakeCamera(plan_of(name)) for name in names}
        self.pause = 0.04
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        for camera in self.cameras.values():
            camera.mailbox = Mailbox.create(*SIZE)
        self._thread.start()

    @property
    def stepped(self) -> float:
        return time.monotonic()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        for camera in self.cameras.values():
            assert camera.mailbox is not None
            camera.mailbox.close()

    def _write(self) -> None:
        noise = np.random.default_rng(1).integers(0, 255, (SIZE[1] * 3 // 2, SIZE[0]), np.uint8)
        picture = av.VideoFrame.from_ndarray(noise, format="yuv420p")
        frame = MaskRedactor(RedactionSettings()).redact(Verdict(Frame(picture, 0, 0.0)))
        while not self._stop.wait(self.pause):
            for camera in list(self.cameras.values()):
                assert camera.mailbox is not None
                camera.mailbox.write(frame, time.monotonic_ns())


@dataclass
class Site:
    """A running server and how to ask it."""

    server: WebServer
    supervisor: FakeSupervisor
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        return self.server.port

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        body: bytes | None = None,
        **headers: Any,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Ask for a path; an underscore in a header's name stands for a hyphen."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def status(self, path: str, method: str = "GET", **headers: Any) -> int:
        return self.ask(path, method, **headers)[0].status

    def raw(self, data: bytes, seconds: float = 10.0) -> bytes:
        """Send bytes as they are; return what comes until the server ends the connection."""
        with self.connect() as client:
            client.settimeout(seconds)
            client.sendall(data)
            parts = []
            while part := client.recv(65536):
                parts.append(part)
            return b"".join(parts)

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=10)


@contextmanager
def site(*names: str, host: str = "127.0.0.1", **plan: Any) -> Iterator[Site]:
    """Serve cameras of these names.

    Args:
        names: Of the cameras.
        host: To listen on.
        plan: Further fields of `HttpPlan`.
    """
    supervisor = FakeSupervisor(*names)
    try:
        server = WebServer(cast("Supervisor", supervisor), HttpPlan(host=host, **plan))
        try:
            yield Site(server, supervisor, "127.0.0.1" if host == "0.0.0.0" else host)
        finally:
            server.close()
    finally:
        supervisor.stop()


def token_file(folder: Path, token: str = TOKEN, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(token + "\n", "utf-8")
    path.chmod(mode)
    return path
