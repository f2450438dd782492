"""What a live source or a network sink is called: parsing, escaping, and keeping secrets out."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, unquote

from streamguard.errors import UsageError

_HIDDEN = "***"
_URL = re.compile(r"^([a-z][a-z0-9+.-]*)://(.*)$", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"^(\[[0-9a-f:.%]+\]|[^:/@\[\]\s]+)(:\d+)?$", re.IGNORECASE)
_SURE_HOST = re.compile(
    r"^(\[[0-9a-f:.%]+\](:\d+)?|[^:/@\s]+:\d+|[^:/@\s]+\.[^:/@\s]+)$", re.IGNORECASE
)
_STREAM_KEYS = ("rtmp", "rtmps", "rtmpt", "rtmpe")
_DEVICE_FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}


class AddressKind(StrEnum):
    """What sort of thing frames come from or go to."""

    WEBCAM = "webcam"
    RTSP = "rtsp"
    URL = "url"
    LAVFI = "lavfi"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Address:
    """A source or sink by name, safe to print.

    Attributes:
        kind: What sort of thing it is.
        url: What FFmpeg is given; may hold credentials, and so never leaves in a message.
        shown: The same without credentials.
        format: FFmpeg's name of the device format, or empty.
        secrets: Every spelling of what must not be printed.
    """

    kind: AddressKind
    url: str = field(repr=False)
    shown: str
    format: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return self.shown

    def mask(self, text: str) -> str:
        """Return a message, say from FFmpeg, without anything secret in it."""
        text = text.replace(self.url, self.shown)
        for secret in self.secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    @property
    def scheme(self) -> str:
        """The URL's scheme in lower case, or empty."""
        match = _URL.match(self.url)
        return match[1].lower() if match else ""


def parse_address(name: str, platform: str = sys.platform) -> Address:
    """Say what a name stands for.

    Args:
        name: ``0``, ``webcam:0``, ``/dev/video0``, ``lavfi:GRAPH``, a URL, or a path.
        platform: As `sys.platform`; decides how webcams are opened.

    Raises:
        UsageError: It is empty, or no URL at all.
    """
    if not name.strip():
        raise UsageError("the source or sink has no name", "Name a device, a URL or a path")
    if name.isdecimal() or name.startswith(("webcam:", "/dev/video")):
        return _webcam(name.removeprefix("webcam:"), platform)
    if name.startswith("lavfi:"):
        return Address(AddressKind.LAVFI, name.removeprefix("lavfi:"), name, "lavfi")
    match = _URL.match(name)
    if match is None or match[1].lower() == "file":
        path = name.removeprefix("file://")
        return Address(AddressKind.FILE, path, path)
    return _network(match[1].lower(), match[2])


def _webcam(device: str, platform: str) -> Address:
    system = "linux" if platform.startswith("linux") else platform
    if system not in _DEVICE_FORMATS:
        raise UsageError(f"webcams are not supported on {platform}", "Name a URL instead")
    shown = f"webcam:{device}"
    if system == "linux":
        path = f"/dev/video{device}" if device.isdecimal() else device
        return Address(AddressKind.WEBCAM, path, path, "v4l2")
    if system == "win32":
        if device.isdecimal():
            raise UsageError(
                "DirectShow knows cameras by name, not by number",
                "Use webcam:NAME with the name the device manager shows",
            )
        return Address(AddressKind.WEBCAM, f"video={device}", shown, "dshow")
    return Address(AddressKind.WEBCAM, f"{device}:none", shown, "avfoundation")


def _network(scheme: str, rest: str) -> Address:
    user, host, tail = _split(rest)
    if not _HOST.match(host):
        raise UsageError(
            f"{scheme}:// is followed by no host name",
            "Write it as scheme://user:password@host:port/path",
        )
    secrets: list[str] = []
    shown_tail = tail
    path, mark, query = tail.partition("?")
    if mark:
        secrets += [part.partition("=")[2] for part in query.split("&")]
        shown_tail = f"{path}?{_HIDDEN}"
    if scheme in _STREAM_KEYS and path.count("/") > 1:
        # The last part of an RTMP path is the stream key: whoever has it can publish.
        app, _, key = path.rpartition("/")
        secrets.append(key)
        shown_tail = f"{app}/{_HIDDEN}"
    login = ""
    if user:
        name, colon, password = user.partition(":")
        raw = (unquote(name), unquote(password))
        login = ":".join(quote(part, safe="") for part in raw) if colon else quote(raw[0], safe="")
        secrets += [user, login, password, raw[1], quote(raw[1], safe="")]
        login += "@"
    kind = AddressKind.RTSP if scheme in ("rtsp", "rtsps") else AddressKind.URL
    shown_login = f"{_HIDDEN}@" if user else ""
    return Address(
        kind,
        f"{scheme}://{login}{host}{tail}",
        f"{scheme}://{shown_login}{host}{shown_tail}",
        secrets=_longest_first(secrets),
    )


def _split(rest: str) -> tuple[str, str, str]:
    """Return login, host and the rest of a URL; a password may hold any character."""
    ends = [at for at in (rest.find(mark) for mark in "/?#") if at >= 0]
    end = min(ends, default=len(rest))
    user, _, host = rest[:end].rpartition("@")
    late_user, late, behind = rest.rpartition("@")
    late_host, slash, path = behind.partition("/")
    # An @ behind the first slash ends the login if a host follows it, and belongs to the path
    # if none can: user:a/b@10.0.0.1/x against user:a@10.0.0.1/view@2.
    if late and end < len(late_user) and (not _HOST.match(host) or _SURE_HOST.match(late_host)):
        return late_user, late_host, slash + path
    return user, host, rest[end:]


def _longest_first(secrets: list[str]) -> tuple[str, ...]:
    # Shorter than three letters would blot out half of every message, and hide nothing.
    known = {secret for secret in secrets if len(secret) > 2}
    return tuple(sorted(known, key=lambda secret: (-len(secret), secret)))


def told_apart(addresses: Sequence[Address]) -> tuple[Address, ...]:
    """Return addresses of which no two are shown alike.

    What differs only in what must not be shown, such as a stream key, gets the number that it has
    among all: logs and metrics tell the two apart, and the secret stays one.
    """
    shown = Counter(address.shown for address in addresses)
    return tuple(
        replace(address, shown=f"{address.shown} #{number}")
        if shown[address.shown] > 1
        else address
        for number, address in enumerate(addresses, 1)
    )


def is_there(address: Address) -> bool:
    """Whether a source that lives on this machine exists; True for everything else."""
    return address.kind is not AddressKind.FILE or Path(address.url).exists()
