"""Who may see the relay's pages: the token, the session of a browser, and the names of hosts."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from streamguard.errors import UsageError
from streamguard.relay.listen import is_loopback, resolved
from streamguard.relay.plan import HttpPlan

SESSION_SECONDS = 12 * 3600
_SHORTEST, _LONGEST = 16, 512
_MOST_WRONG, _WRONG_SECONDS = 10, 60.0
"""Wrong tokens that one client may try within so many seconds."""
_MOST_CLIENTS = 1024
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?")
_MAKE_ONE = "Make one with: (umask 077; openssl rand -hex 32 > FILE)"


class Answer(Enum):
    """What comes of a token that was tried."""

    RIGHT = "right"
    WRONG = "wrong"
    LATER = "too many wrong tokens"


def read_token(path: Path) -> str:
    """Return the token that a file holds.

    Raises:
        UsageError: The file cannot be read, others may read it, or it holds no good token.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_LONGEST + 2)
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror}") from error
    if os.name == "posix" and mode & 0o007:
        raise UsageError(f"every user may read the token file {path}", f"Try: chmod 600 {path}")
    token = data.decode("ascii", "replace").strip()
    if not token:
        raise UsageError(f"the token file {path} is empty", _MAKE_ONE)
    if not re.fullmatch(r"[!-~]+", token):
        raise UsageError(
            f"the token in {path} holds a space or a character that is not ASCII", _MAKE_ONE
        )
    if not _SHORTEST <= len(token) <= _LONGEST:
        words = f"the token in {path} does not have {_SHORTEST} to {_LONGEST} characters"
        raise UsageError(words, _MAKE_ONE)
    return token


def access_for(plan: HttpPlan) -> Access:
    """Return who may see what is served.

    Raises:
        UsageError: The token cannot be used, or one is needed and missing.
    """
    if plan.token_file is not None and plan.no_token:
        raise UsageError("a token file and no token were both asked for", "Leave one of them out")
    _, address = resolved(plan.host, plan.port)
    if plan.token_file is None and not plan.no_token and not is_loopback(address[0]):
        raise UsageError(
            f"{plan.host} can be reached from other machines, and no token protects the pictures",
            "Name one with --token-file FILE, or say --no-token",
        )
    token = None if plan.token_file is None else read_token(plan.token_file)
    return Access(token, plan.host, *plan.allowed_hosts)


class Access:
    """Decides about host names, tokens and sessions.

    Args:
        token: What to ask for, or None to ask for nothing.
        hosts: Names of this machine, beside ``localhost``.
        clock: Seconds on a clock that does not run backwards.
    """

    def __init__(
        self, token: str | None, *hosts: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._token = None if token is None else _digest(token)
        self._hosts = {"localhost", *(host.lower() for host in hosts)}
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._wrong: dict[str, list[float]] = {}

    @property
    def is_open(self) -> bool:
        """Whether no token is asked for."""
        return self._token is None

    def knows(self, host: str, local: str) -> bool:
        """Whether a Host header names this machine.

        A page of another site can point its own name at this machine, but not an address.

        Args:
            host: The header.
            local: IP address of this machine that the client is connected to.
        """
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        name = match[1].strip("[]").removesuffix(".")
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or address == _address(local)

    def check(self, client: str, token: str) -> Answer:
        """Compare a token, in a time that does not depend on it.

        Args:
            client: IP address of who tries.
            token: What was given.
        """
        key, now = client_key(client), self._clock()
        wrong = [at for at in self._wrong.get(key, []) if now - at < _WRONG_SECONDS]
        if len(wrong) >= _MOST_WRONG:
            return Answer.LATER
        if self._token is None or hmac.compare_digest(_digest(token), self._token):
            return Answer.RIGHT
        self._wrong.pop(key, None)
        if len(self._wrong) >= _MOST_CLIENTS:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[key] = [*wrong, now]
        return Answer.WRONG

    def session(self) -> str:
        """Return what a browser keeps instead of the token; worth nothing after a restart."""
        return self._signed(int(self._clock()) + SESSION_SECONDS)

    def is_session(self, value: str) -> bool:
        """Whether a browser's session is one of ours and not over."""
        until, _, _ = value.partition(".")
        if not re.fullmatch(r"[0-9]{1,12}", until) or not value.isascii():
            return False
        is_ours = hmac.compare_digest(value, self._signed(int(until)))
        return is_ours and self._clock() < int(until)

    def _signed(self, until: int) -> str:
        mac = hmac.new(self._key, str(until).encode(), hashlib.sha256)
        return f"{until}.{mac.hexdigest()}"


def client_key(address: str) -> str:
    """Return what stands for one client: an IPv4 address, or the 64 bits an IPv6 host is given."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address; an IPv4 address within IPv6 as IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
