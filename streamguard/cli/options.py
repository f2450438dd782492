"""The options that become settings; every default is that of ``settings.py``."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import click

from streamguard.settings import (
    Codec,
    Effect,
    EncodingSettings,
    Quality,
    RedactionSettings,
    Settings,
    Shape,
)

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULTS = Settings()


def _color(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """Turn ``#RRGGBB`` into three numbers."""
    if value is None:
        return None
    if not re.fullmatch(r"#?[0-9a-fA-F]{6}", value):
        raise click.BadParameter(f"{value!r} is not of the form #RRGGBB")
    return tuple(bytes.fromhex(value.removeprefix("#")))


def _choice(name: str, default: StrEnum, text: str) -> Callable[[F], F]:
    values = [member.value for member in type(default)]
    return click.option(
        name, type=click.Choice(values), default=default.value, show_default=True, help=text
    )


def _flag(name: str, text: str) -> Callable[[F], F]:
    return click.option(name, is_flag=True, help=text)


_LOOKAHEAD = click.option(
    "--lookahead",
    type=float,
    metavar="SECONDS",
    help="How long frames are held back, so that a face found later is covered before."
    "  [default: the quality's own]",
)
_OPTIONS = [
    _choice("--quality", _DEFAULTS.quality, "How hard to look for faces."),
    _choice("--effect", _DEFAULTS.redaction.effect, "What a covered face looks like."),
    click.option(
        "--color",
        metavar="#RRGGBB",
        callback=_color,
        help=f"Colour of --effect solid.  [default: #{bytes(_DEFAULTS.redaction.color).hex()}]",
    ),
    _choice("--shape", _DEFAULTS.redaction.shape, "Outline of the cover."),
    click.option(
        "--padding",
        type=float,
        default=_DEFAULTS.redaction.padding,
        show_default=True,
        help="Share of a face's size covered beyond it on every side.",
    ),
    click.option(
        "--threshold",
        type=float,
        help="Confidence a detection needs, 0 to 1.  [default: the quality's own]",
    ),
    _LOOKAHEAD,
    click.option(
        "--detector",
        metavar="NAME",
        default=_DEFAULTS.detector,
        show_default=True,
        help="Who gives the second opinion.",
    ),
    _choice("--codec", _DEFAULTS.encoding.codec, "Video codec of the output."),
    click.option("--preset", help="Speed preset of the encoder.  [default: one for each codec]"),
    click.option(
        "--crf",
        type=int,
        help="Constant rate factor of the encoder.  [default: one for each codec]",
    ),
    _flag("--show-boxes", "Draw a green box round what was covered."),
]
_FILES = [
    _flag("--keep-metadata", "Keep titles, positions, device names and the like."),
    _flag("--overwrite", "Replace outputs that exist."),
]


def settings_options(function: F) -> F:
    """Add every option that `settings_of` takes."""
    for option in reversed(_OPTIONS + _FILES):
        function = option(function)
    return function


def live_settings_options(lookahead: float) -> Callable[[F], F]:
    """Add every option that `settings_of` takes and that makes sense for a live source.

    Args:
        lookahead: Default of the look-ahead in seconds.
    """
    latency = click.option(
        "--latency",
        "--lookahead",
        "lookahead",
        type=float,
        default=lookahead,
        show_default=True,
        metavar="SECONDS",
        help="How long frames are held back, so that a face found later is covered before.",
    )

    def add(function: F) -> F:
        for option in reversed(_OPTIONS):
            function = (latency if option is _LOOKAHEAD else option)(function)
        return function

    return add


def settings_of(options: dict[str, Any]) -> Settings:
    """Return the settings for the options of `settings_options`.

    Raises:
        UsageError: A value is out of its range.
        click.UsageError: Two options do not go together.
    """
    effect = Effect(options["effect"])
    if options["color"] is not None and effect is not Effect.SOLID:
        raise click.UsageError("--color goes with --effect solid only", click.get_current_context())
    return Settings(
        quality=Quality(options["quality"]),
        threshold=options["threshold"],
        lookahead=options["lookahead"],
        detector=options["detector"],
        keep_metadata=options.get("keep_metadata", False),
        overwrite=options.get("overwrite", False),
        redaction=RedactionSettings(
            effect=effect,
            shape=Shape(options["shape"]),
            color=options["color"] or _DEFAULTS.redaction.color,
            padding=options["padding"],
            show_boxes=options["show_boxes"],
        ),
        encoding=EncodingSettings(
            codec=Codec(options["codec"]), preset=options["preset"], crf=options["crf"]
        ),
    )
