"""An HTTP server that many, slow or hostile clients cannot make grow."""

from __future__ import annotations

import logging
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

log = logging.getLogger(__name__)

_MOST_REQUESTS = 64


class Server(ThreadingHTTPServer):
    """Answers each request in a thread of its own, a limited number at once.

    Args:
        address: Host and port to listen on; port 0 takes a free one.
        handler: Answers one request.

    Raises:
        OSError: The address or port cannot be had.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self._room = threading.BoundedSemaphore(_MOST_REQUESTS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, unless there are too many already."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong, unless it is only that a viewer went away."""
        error = sys.exception()
        level = logging.DEBUG if isinstance(error, OSError) else logging.WARNING
        log.log(level, "web: %s: %s", type(error).__name__, error)
