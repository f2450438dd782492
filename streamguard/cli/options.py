"""The options that become settings; every default is that of ``settings.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streamguard.cli.hiding import Effects, effect_option, hide_option
from streamguard.cli.limits import limit_options, limits_of
from streamguard.cli.values import to_color, to_seconds, to_size
from streamguard.cli.zones import zones_option
from streamguard.settings import (
    EncodingSettings,
    InputSettings,
    RedactionSettings,
    Settings,
)

if TYPE_CHECKING:
    from streamguard.sources.options import LiveOptions

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULTS = Settings()


def _choice(name: str, default: StrEnum, text: str) -> Callable[[F], F]:
    kind = type(default)
    return click.option(
        name,
        type=click.Choice([member.value for member in kind]),
        default=default.value,
        show_default=True,
        callback=lambda _context, _option, value: kind(value),
        help=text,
    )


def _flag(name: str, text: str) -> Callable[[F], F]:
    return click.option(name, is_flag=True, help=text)


_LOOKAHEAD = click.option(
    "--lookahead",
    type=float,
    metavar="SECONDS",
    help="How long frames are held back. A face found in this time is also covered before."
    "  [default: one for each quality]",
)
_OPTIONS = [
    hide_option,
    _choice("--quality", _DEFAULTS.quality, "How hard to look."),
    effect_option,
    click.option(
        "--color",
        metavar="#RRGGBB",
        callback=to_color,
        help=f"Colour of solid covers.  [default: #{bytes(_DEFAULTS.redaction.color).hex()}]",
    ),
    _choice("--shape", _DEFAULTS.redaction.shape, "Outline of the cover."),
    click.option(
        "--padding",
        type=float,
        default=_DEFAULTS.redaction.padding,
        show_default=True,
        help="How far a cover goes beyond the face, as a share of the face.",
    ),
    click.option(
        "--threshold",
        type=float,
        help="Confidence that a detection needs, 0 to 1.  [default: one for each quality]",
    ),
    _LOOKAHEAD,
    click.option(
        "--detector",
        metavar="NAME",
        default=_DEFAULTS.detector,
        show_default=True,
        help="The second detector.",
    ),
    _flag("--show-boxes", "Draw a green box around each cover."),
    zones_option,
]
_ENCODING = [
    _choice("--codec", _DEFAULTS.encoding.codec, "Video codec of the output."),
    click.option("--preset", help="Speed preset of the encoder.  [default: one for each codec]"),
    click.option(
        "--crf",
        type=int,
        help="Constant rate factor of the encoder.  [default: one for each codec]",
    ),
]
_AUDIO = click.option(
    "--audio",
    type=click.Choice(["copy", "drop"]),
    default="copy",
    show_default=True,
    help="What becomes of sound. A voice identifies a person, too.",
)
projection_option = _choice(
    "--projection",
    _DEFAULTS.input.projection,
    "How the picture maps onto what was seen: an equirectangular (360°) one wraps round."
    " auto believes the file's own mark.",
)
"""Also for verification, which looks where anonymization looked."""
_PART = [
    projection_option,
    click.option(
        "--start",
        metavar="TIME",
        callback=to_seconds,
        help="Start here: seconds or [HH:]MM:SS[.ms]. For videos only.",
    ),
    click.option(
        "--end",
        metavar="TIME",
        callback=to_seconds,
        help="End here: seconds or [HH:]MM:SS[.ms]. For videos only.",
    ),
]
_KEPT = [
    _AUDIO,
    _flag("--keep-metadata", "Keep titles, positions, device names and similar tags."),
]
_OVERWRITE = _flag("--overwrite", "Replace outputs that exist.")


def _with(function: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def settings_options(function: F) -> F:
    """Add every option that `settings_of` takes."""
    return _with(limit_options(function), *_OPTIONS, *_ENCODING, *_PART, *_KEPT, _OVERWRITE)


def decision_options(function: F) -> F:
    """Add those options of `settings_options` that matter before anything is encoded."""
    return _with(limit_options(function), *_OPTIONS, *_PART, _OVERWRITE)


def rendering_options(function: F) -> F:
    """Add those options of `settings_options` that matter once it is decided what to cover."""
    return _with(limit_options(function), *_ENCODING, *_KEPT, _OVERWRITE)


def live_options(lookahead: float, size: str) -> Callable[[F], F]:
    """Add every option that `settings_of` and `live_of` take and that fits a live source.

    Args:
        lookahead: Default of the look-ahead in seconds.
        size: Help text of ``--size``.
    """
    latency = click.option(
        "--latency",
        "--lookahead",
        "lookahead",
        type=float,
        default=lookahead,
        show_default=True,
        metavar="SECONDS",
        help="How long frames are held back. A face found in this time is also covered before.",
    )
    transport = click.option(
        "--rtsp-transport",
        type=click.Choice(["tcp", "udp"]),
        default="tcp",
        show_default=True,
        help="How RTSP sources and sinks send their packets.",
    )
    reading = [
        transport,
        click.option("--size", metavar="WxH", callback=to_size, help=size),
        click.option(
            "--fps",
            type=click.FloatRange(0, 240, min_open=True),
            help="Frame rate to ask the webcam for.",
        ),
    ]

    def add(function: F) -> F:
        for option in reversed(reading + _OPTIONS + _ENCODING):
            function = (latency if option is _LOOKAHEAD else option)(function)
        return function

    return add


def live_of(options: dict[str, Any]) -> LiveOptions:
    """Return how a live source is read, for the options of `live_options`."""
    from streamguard.sources.options import LiveOptions

    size = options["size"]
    return LiveOptions(
        rtsp_transport=options["rtsp_transport"],
        size=f"{size[0]}x{size[1]}" if size else "",
        fps=options["fps"],
    )


def _input_of(options: dict[str, Any]) -> InputSettings:
    return replace(
        limits_of(options),
        start=options.get("start") or 0.0,
        end=options.get("end"),
        projection=options.get("projection", _DEFAULTS.input.projection),
        sound=options.get("audio") != "drop",
    )


def settings_of(options: dict[str, Any]) -> Settings:
    """Return the settings for the options of `settings_options`, or for some of them.

    Raises:
        UsageError: A value is out of its range.
        click.UsageError: Two options do not go together.
    """
    return Settings(
        hide=options.get("hide", _DEFAULTS.hide),
        quality=options.get("quality", _DEFAULTS.quality),
        threshold=options.get("threshold"),
        lookahead=options.get("lookahead"),
        detector=options.get("detector", _DEFAULTS.detector),
        keep_metadata=options.get("keep_metadata", False),
        overwrite=options.get("overwrite", False),
        input=_input_of(options),
        redaction=_redaction_of(options) if "effect" in options else _DEFAULTS.redaction,
        encoding=EncodingSettings(
            codec=options.get("codec", _DEFAULTS.encoding.codec),
            preset=options.get("preset"),
            crf=options.get("crf"),
        ),
        zones=options.get("zones", _DEFAULTS.zones),
    )


def _redaction_of(options: dict[str, Any]) -> RedactionSettings:
    effects: Effects = options["effect"]
    effects.check(options["hide"])
    if options["color"] is not None and not effects.use_color:
        raise click.UsageError("--color goes with --effect solid only", click.get_current_context())
    return RedactionSettings(
        effect=effects.other,
        effects=effects.by_label,
        shape=options["shape"],
        color=options["color"] or _DEFAULTS.redaction.color,
        padding=options["padding"],
        show_boxes=options["show_boxes"],
    )
