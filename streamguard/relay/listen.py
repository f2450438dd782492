"""The address that the relay's pages listen on."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from streamguard.errors import UsageError

BACKLOG = 256


def resolved(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Return the address family and the socket address for a host and port; IPv4 first.

    Raises:
        UsageError: There is no such host.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _refused(host, port, error) from error
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, address


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an IP address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        UsageError: The address or port cannot be had.
    """
    family, address = resolved(host, port)
    both = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise _refused(host, port, error) from error


def _refused(host: str, port: int, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or str(error)
    return UsageError(
        f"{host}:{port} cannot be listened on: {reason}",
        "Choose another port, or an address of this machine",
    )
