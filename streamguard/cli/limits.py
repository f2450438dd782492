"""The options that say how much an input may ask of this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from streamguard.settings import InputSettings

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULTS = InputSettings()


def _limit(
    name: str, kind: click.IntRange | click.FloatRange, default: float, unit: str, text: str
) -> Callable[[F], F]:
    return click.option(
        name, type=kind, default=default, show_default=True, metavar=unit, help=text
    )


_OPTIONS = [
    _limit(
        "--max-pixels",
        click.IntRange(min=1),
        _DEFAULTS.max_pixels,
        "N",
        "Refuse pictures with more pixels; large ones need much memory.",
    ),
    _limit(
        "--max-frames",
        click.IntRange(min=1),
        _DEFAULTS.max_frames,
        "N",
        "Refuse animations with more pictures.",
    ),
    _limit(
        "--open-timeout",
        click.FloatRange(min=0, min_open=True),
        _DEFAULTS.open_timeout,
        "SECONDS",
        "Give up on a file that takes longer to open.",
    ),
    _limit(
        "--open-memory",
        click.IntRange(min=64),
        1024,
        "MIB",
        "Refuse a video that needs more memory to open.",
    ),
]


def limit_options(function: F) -> F:
    """Add every option that `limits_of` takes."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def limits_of(options: dict[str, Any]) -> InputSettings:
    """Return the limits for the options of `limit_options`; elsewhere the defaults."""
    names = ("max_pixels", "max_frames", "open_timeout")
    chosen = {name: options[name] for name in names if name in options}
    if "open_memory" in options:
        chosen["open_memory"] = options["open_memory"] * 2**20
    return InputSettings(**chosen)
