"""From names the user wrote to a camera's plan, checked before anything is started."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streamguard.detection.registry import detector_names
from streamguard.detection.subjects import subjects_of
from streamguard.errors import SourceNotFoundError, UsageError
from streamguard.media.address import Address, is_there, parse_address
from streamguard.relay.plan import CameraPlan
from streamguard.settings import Settings
from streamguard.sinks import check_sink
from streamguard.sinks.livemux import check_encoding
from streamguard.sources.options import LiveOptions

SEGMENTS = "rec-%Y%m%d-%H%M%S.mp4"
"""Name of the files of a segmented recording, as of `time.strftime`."""


def camera_plan(
    name: str,
    source: str,
    sinks: Sequence[str],
    settings: Settings,
    live: LiveOptions,
    *,
    record: Path | None = None,
    **others: Any,
) -> CameraPlan:
    """Return a camera's plan.

    Args:
        name: Of the camera.
        source: As the user wrote it.
        sinks: As the user wrote them.
        settings: How hard to look, and the like.
        live: How to read the source.
        record: Folder of a segmented recording, or None.
        others: Further fields of `CameraPlan`.

    Raises:
        UsageError: A source or sink cannot be one, or there is no such detector or encoding.
        SourceNotFoundError: The source is a file that does not exist.
    """
    address = source_address(source)
    check_detector(settings.detector)
    check_encoding(settings.encoding)
    names = [*sinks, *([str(record / SEGMENTS)] if record is not None else [])]
    addresses = tuple(parse_address(sink) for sink in names)
    if len(set(addresses)) != len(addresses):
        raise UsageError(f"the camera {name} writes to the same sink twice")
    for sink in addresses:
        check_sink(sink)
        if sink.url == address.url:
            raise UsageError(f"{sink} is both source and sink", "Choose another sink")
    return CameraPlan(
        name=name, source=address, sinks=addresses, settings=settings, live=live, **others
    )


def source_address(name: str) -> Address:
    """Return what a source's name stands for.

    Raises:
        UsageError: It is no source.
        SourceNotFoundError: It is a file that does not exist.
    """
    address = parse_address(name)
    if not is_there(address):
        raise SourceNotFoundError(f"{address} does not exist", "Check the name")
    return address


def check_detector(name: str) -> None:
    """Refuse the name of a detector that is not there.

    Raises:
        UsageError: It is not.
    """
    names = detector_names()
    if name not in names:
        raise UsageError(f"there is no detector {name!r}", f"There are {', '.join(names)}")


def check_label(name: str) -> None:
    """Refuse the label of something that nothing is known of.

    Raises:
        UsageError: It is one.
    """
    subjects_of([name])


def host_and_port(text: str) -> tuple[str, int]:
    """Return where to listen, for ``PORT``, ``HOST:PORT`` or ``[IPV6]:PORT``; loopback by default.

    Raises:
        UsageError: It is none of these.
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) <= 65535):
        raise UsageError(f"{text!r} is not of the form PORT or HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def host_name(text: str) -> str:
    """Return a name or IP address as a Host header may hold it, in small letters, without a port.

    Raises:
        UsageError: It is neither.
    """
    name = text.strip("[]").lower().removesuffix(".")
    if not re.fullmatch(r"[a-z0-9_.-]+", name) and not _is_address(name):
        raise UsageError(f"{text!r} is not a host name or IP address", "Name it without a port")
    return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
