"""The options that say how much an input may ask of this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from streamguard.settings import InputSettings

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULTS = InputSettings()
_OPTIONS = [
    click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        default=_DEFAULTS.max_pixels,
        show_default=True,
        metavar="N",
        help="Refuse pictures with more pixels; large ones need much memory.",
    ),
    click.option(
        "--max-frames",
        type=click.IntRange(min=1),
        default=_DEFAULTS.max_frames,
        show_default=True,
        metavar="N",
        help="Refuse animations with more pictures.",
    ),
    click.option(
        "--open-timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=_DEFAULTS.open_timeout,
        show_default=True,
        metavar="SECONDS",
        help="Give up on a file that takes longer to open.",
    ),
    click.option(
        "--open-memory",
        type=click.IntRange(min=64),
        default=1024,
        show_default=True,
        metavar="MIB",
        help="Refuse a video that needs more memory to open.",
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
