"""What every request passes first: names, sizes and the token. What every response carries."""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamguard.relay.access import Access, Answer
from streamguard.relay.page import login_page

log = logging.getLogger(__name__)

LOGIN = "/login"
_OPEN = ("/healthz", "/readyz", LOGIN)
_STATIC = "/static/"
_MOST_BODY, _MOST_HEADERS, _MOST_TARGET = 1024, 8192, 2048
RETRY_AFTER = "60"

_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)


class Guard:
    """Lets through to an application only what may pass.

    Args:
        app: Answers what passes.
        access: Decides about host names and tokens.
        cookie: Name of the session's cookie.
    """

    def __init__(self, app: ASGIApp, access: Access, cookie: str) -> None:
        self._app = app
        self._access = access
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_whole = False

        async def protected(message: Message) -> None:
            nonlocal is_whole
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            else:
                is_whole = not message.get("more_body", False)
            await send(message)

        try:
            await (self._refusal(HTTPConnection(scope)) or self._app)(scope, receive, protected)
        except ClientDisconnect:
            log.debug("web: a client went away")
        except Exception as error:  # noqa: BLE001 - it must not end the other requests
            # Its words, and the path, may hold anything; they are not for the log. Starlette has
            # answered with 500, unless a response was under way: only its end tells of this one.
            log.warning("web: a request failed: %s", type(error).__name__)
            if not is_whole:
                raise RuntimeError("the response broke off") from None

    def _refusal(self, request: HTTPConnection) -> Response | None:
        """Return the response to what may not pass, or None for what may."""
        scope = request.scope
        if scope["http_version"] not in ("1.0", "1.1"):
            return _text(505, "only HTTP/1.1 is spoken here")
        local = (scope.get("server") or ("", 0))[0]
        if not self._access.knows(request.headers.get("host", ""), local):
            words = "unknown host name; the relay's option --allowed-host NAME lets it in"
            return _text(403, words)
        return self._too_large(request) or self._without_token(request)

    def _too_large(self, request: HTTPConnection) -> Response | None:
        scope, headers = request.scope, request.headers
        if len(scope["raw_path"]) + len(scope["query_string"]) > _MOST_TARGET:
            return _text(414, "the address is too long")
        if sum(len(name) + len(value) + 4 for name, value in headers.raw) > _MOST_HEADERS:
            return _text(431, "the headers are too large")
        takes_body = scope["method"] == "POST" and scope["path"] == LOGIN
        length = int(headers.get("content-length", "0"))
        if "transfer-encoding" in headers or length > (_MOST_BODY if takes_body else 0):
            return _text(413, "no request body is taken")
        return None

    def _without_token(self, request: HTTPConnection) -> Response | None:
        path = request.scope["path"]
        if self._access.is_open or path in _OPEN or path.startswith(_STATIC):
            return None
        if self._access.is_session(request.cookies.get(self._cookie, "")):
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            answer = self._access.check(client_of(request), token.strip())
            if answer is Answer.RIGHT:
                return None
            return refused(answer)
        if path == "/" and request.scope["method"] in ("GET", "HEAD"):
            return HTMLResponse(login_page(), 401, {"WWW-Authenticate": "Bearer"})
        return _text(401, "this needs the token", {"WWW-Authenticate": "Bearer"})


def refused(answer: Answer) -> Response:
    """Return the response to a token that is not right, for programs."""
    if answer is Answer.LATER:
        return _text(429, "too many wrong tokens", {"Retry-After": RETRY_AFTER})
    return _text(401, "the token is wrong", {"WWW-Authenticate": "Bearer"})


def client_of(request: HTTPConnection) -> str:
    """Return the IP address that a request comes from."""
    return request.client.host if request.client else ""


def _text(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    # What a refused request still sends is not read.
    closing = {"Connection": "close"} if status not in (401, 429) else {}
    return PlainTextResponse(words + "\n", status, closing | (headers or {}))
