"""Values of ``streamguard edit``: frames and times, boxes, points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from streamguard.analysis.decision import DecisionWithTracks

Moment = int | float
"""The index of a frame, or seconds from the first one."""


def seconds_of(text: str) -> float:
    """Return the seconds that ``4.8``, ``4.8s`` or ``1:04.8`` stand for."""
    total = 0.0
    try:
        for part in text.removesuffix("s").split(":"):
            total = total * 60 + float(part)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time such as 4.8s or 1:04.8") from None
    if not 0 <= total < 1e9:
        raise click.BadParameter(f"{text!r} is no time from 0 on")
    return total


def moment(_context: click.Context, _option: click.Parameter, value: str | None) -> Moment | None:
    """Turn the value of an option into a frame or a time."""
    if value is None:
        return None
    return int(value) if value.isascii() and value.isdigit() else seconds_of(value)


def box(_context: click.Context, _option: click.Parameter, value: str) -> list[int]:
    """Turn ``x1,y1,x2,y2`` into numbers."""
    return _numbers(value, 4)


def points(
    _context: click.Context, _option: click.Parameter, value: tuple[str, ...]
) -> list[list[int]]:
    """Turn each ``x,y`` into numbers."""
    return [_numbers(point, 2) for point in value]


def box_at(
    context: click.Context, option: click.Parameter, value: tuple[str, ...]
) -> list[tuple[Moment, tuple[int, ...]]]:
    """Turn each ``frame:x1,y1,x2,y2`` into a frame or a time, and numbers."""
    found = []
    for text in value:
        frame, _, numbers = text.rpartition(":")
        at = moment(context, option, frame)
        assert at is not None
        found.append((at, tuple(_numbers(numbers, 4))))
    return found


def _numbers(text: str, count: int) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise click.BadParameter(f"{text!r} is not {count} whole numbers with commas between")
    return numbers


def frames_of(analysis: DecisionWithTracks, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments with times turned into frames: the one that is shown then."""
    from streamguard.edits.decision_content import frame_at

    names = {"first", "last", "at", "frame"} & arguments.keys()
    times = {name for name in names if isinstance(arguments[name], float)}
    return {
        name: frame_at(analysis, value) if name in times else value
        for name, value in arguments.items()
    }
