"""``--zones FILE``: areas that are always covered, and areas where faces do not matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from streamguard.errors import UsageError
from streamguard.zone_settings import Corners, ZoneSettings

_KEYS = ("cover", "ignore")
_FORM = 'Write it like {"cover": [[[0, 0], [0.5, 0], [0.5, 0.5]]], "ignore": []}'

zones_option = click.option(
    "--zones",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    callback=lambda _context, _option, path: ZoneSettings() if path is None else zones_from(path),
    help="Areas that are always covered, and areas where faces do not matter, as JSON.",
)


def zones_from(path: Path) -> ZoneSettings:
    """Read zones: an object with ``cover`` and ``ignore``, each a list of lists of corners.

    Raises:
        UsageError: It cannot be read, or says something else.
    """
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"it is no JSON: {error}"
        raise UsageError(f"{path} cannot be read: {reason}", _FORM) from error
    if not isinstance(document, dict) or set(document) - set(_KEYS):
        raise UsageError(f"{path} holds something else than cover and ignore", _FORM)
    try:
        cover, ignore = (_areas(document.get(key, [])) for key in _KEYS)
        return ZoneSettings(cover=cover, ignore=ignore)
    except UsageError as error:
        raise UsageError(f"{path}: {error.what}", error.hint) from error
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path} holds something else than corners of zones", _FORM) from error


def _areas(areas: Any) -> tuple[Corners, ...]:
    return tuple(tuple(_corner(*corner) for corner in corners) for corners in areas)


def _corner(x: Any, y: Any) -> tuple[float, float]:
    if isinstance(x, str | bool) or isinstance(y, str | bool):
        raise TypeError(f"({x}, {y}) is no corner")
    return float(x), float(y)
