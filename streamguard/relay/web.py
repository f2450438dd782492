"""Health, metrics and a look at the result, over HTTP, on loopback unless told otherwise."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from streamguard.errors import UsageError
from streamguard.relay.page import page_of
from streamguard.relay.server import Server
from streamguard.relay.states import Freshness
from streamguard.relay.supervisor import Camera, Supervisor
from streamguard.relay.view import View
from streamguard.sinks.jpeg import jpeg_of
from streamguard.sinks.mailbox import Mailbox

log = logging.getLogger(__name__)

_BOUNDARY = "streamguard"
_INTERVAL = 1 / 15
_POLL = 0.01
_MOST_VIEWERS = 8
_STUCK_AFTER = 10.0


class WebServer:
    """Serves ``/healthz``, ``/readyz``, ``/metrics``, and for each camera a picture and a stream.

    Args:
        supervisor: Whose cameras to show.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Attributes:
        port: The port listened on.

    Raises:
        UsageError: The address or port cannot be had.
    """

    def __init__(self, supervisor: Supervisor, host: str, port: int) -> None:
        class Handler(_Handler):
            """Answers for this supervisor."""

        Handler.supervisor, Handler.name = supervisor, host.lower()
        try:
            self._server = Server((host, port), Handler)
        except OSError as error:
            raise UsageError(
                f"{host}:{port} cannot be listened on: {error.strerror}",
                "Choose another port, or an address of this machine",
            ) from error
        bound = self._server.socket.getsockname()
        self.port = int(bound[1])
        # What is listened on, not what it was called: any name may stand for loopback.
        Handler.on_loopback = ipaddress.ip_address(bound[0].partition("%")[0]).is_loopback
        threading.Thread(target=self._server.serve_forever, name="web", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    supervisor: Supervisor
    name: str
    on_loopback: bool
    timeout = 10.0
    server_version = "streamguard"
    sys_version = ""
    _viewers = threading.BoundedSemaphore(_MOST_VIEWERS)

    def do_GET(self) -> None:
        """Answer one request."""
        if not self._is_for_us():
            self._text(HTTPStatus.FORBIDDEN, "unknown host name\n")
            return
        match self.path.partition("?")[0].strip("/").split("/"):
            case [""]:
                self._page()
            case ["healthz"]:
                self._health(lambda _camera: True)
            case ["readyz"]:
                self._health(lambda camera: camera.ready)
            case ["metrics"]:
                self._metrics()
            case [name, "snapshot.jpg"] if name in self.supervisor.cameras:
                self._watch(name, once=True)
            case [name, "stream.mjpg"] if name in self.supervisor.cameras:
                self._watch(name, once=False)
            case _:
                self._text(HTTPStatus.NOT_FOUND, "not found\n")

    def do_HEAD(self) -> None:
        """Answer like GET, without the body."""
        self.do_GET()

    def end_headers(self) -> None:
        """Keep pages of other sites from showing the picture in theirs, and caches from keeping it.

        Whoever listens on more than loopback may want it in a page of another host.
        """
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.on_loopback:
            self.send_header("Cross-Origin-Resource-Policy", "same-origin")
            self.send_header("X-Frame-Options", "SAMEORIGIN")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Log requests only when debugging."""
        log.debug(format, *args)

    def _is_for_us(self) -> bool:
        """Refuse foreign host names: a web page could point its own name at this machine.

        Beyond loopback everybody may ask anyway, and Prometheus or a proxy does so by whatever
        name it has for this machine.
        """
        host = re.sub(r":\d*$", "", self.headers.get("Host", "")).strip("[]").lower()
        if host in ("localhost", self.name):
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return not self.on_loopback
        return True

    def _health(self, good: Callable[[Camera], bool]) -> None:
        supervisor = self.supervisor
        cameras = supervisor.cameras.copy()
        alive = time.monotonic() - supervisor.stepped < _STUCK_AFTER
        fine = alive and all(good(camera) for camera in cameras.values())
        words = {"ok": fine, "cameras": {n: describe(camera) for n, camera in cameras.items()}}
        body = json.dumps(words, indent=2).encode() + b"\n"
        status = HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE
        self._send(status, "application/json", body)

    def _metrics(self) -> None:
        try:
            from streamguard.relay.metrics import CONTENT_TYPE, exposition
        except ImportError:
            words = "metrics need prometheus-client: pip install '.[relay]' in the checkout\n"
            self._text(HTTPStatus.NOT_IMPLEMENTED, words)
            return
        body = exposition(lambda: list(self.supervisor.cameras.values()))
        self._send(HTTPStatus.OK, CONTENT_TYPE, body)

    def _page(self) -> None:
        body = page_of(sorted(self.supervisor.cameras)).encode()
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", body)

    def _watch(self, name: str, *, once: bool) -> None:
        mailbox = _mailbox_of(self.supervisor.cameras.get(name))
        if mailbox is None:
            self._text(HTTPStatus.SERVICE_UNAVAILABLE, "no picture yet\n")
            return
        try:
            if not self._viewers.acquire(blocking=False):
                self._text(HTTPStatus.SERVICE_UNAVAILABLE, "too many viewers\n")
                return
            try:
                pictures = self._pictures(name, mailbox)
                self._one(pictures) if once else self._stream(pictures)
            finally:
                self._viewers.release()
        finally:
            mailbox.close()

    def _pictures(self, name: str, mailbox: Mailbox) -> Iterator[bytes]:
        camera = self.supervisor.cameras[name]
        view = View(mailbox, Freshness(camera.plan.patience, 0.2))
        while self.supervisor.cameras.get(name) is camera:
            due = view.next()
            if due is None:
                time.sleep(_POLL)
                continue
            yield jpeg_of(due.frame)
            time.sleep(_INTERVAL)

    def _one(self, pictures: Iterator[bytes]) -> None:
        data = next(pictures, None)
        if data is None:
            self._text(HTTPStatus.SERVICE_UNAVAILABLE, "no picture any more\n")
        else:
            self._send(HTTPStatus.OK, "image/jpeg", data)

    def _stream(self, pictures: Iterator[bytes]) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        self.end_headers()
        if self.command == "HEAD":
            return
        for data in pictures:
            size = f"Content-Length: {len(data)}"
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n{size}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")

    def _text(self, status: HTTPStatus, words: str) -> None:
        self._send(status, "text/plain; charset=utf-8", words.encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def describe(camera: Camera) -> dict[str, object]:
    """Return a camera's state in words, ready for JSON."""
    return {
        "state": camera.state.value,
        "source": {
            "address": camera.plan.source.shown,
            "state": camera.status.state.value,
            "reason": camera.status.reason,
        },
        "sinks": [
            {
                "address": output.address.shown,
                "state": output.status.state.value,
                "reason": output.status.reason,
                "latency": output.status.latencies.quantile(0.5),
            }
            for output in camera.outputs
        ],
        "restarts": camera.restarts,
    }


def _mailbox_of(camera: Camera | None) -> Mailbox | None:
    """Return a mapping of the camera's mailbox of one's own: the camera may go at any moment."""
    mailbox = None if camera is None else camera.mailbox
    if mailbox is None:
        return None
    try:
        return Mailbox.attach(mailbox.name, mailbox.width, mailbox.height)
    except OSError:
        return None
