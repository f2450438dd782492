"""Callbacks of click: from what people write to values."""

from __future__ import annotations

import re

import click


def to_color(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """Turn ``#RRGGBB`` into three numbers."""
    if value is None:
        return None
    if not re.fullmatch(r"#?[0-9a-fA-F]{6}", value):
        raise click.BadParameter(f"{value!r} is not of the form #RRGGBB")
    return tuple(bytes.fromhex(value.removeprefix("#")))


def to_size(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """Turn ``1280x720`` into two numbers."""
    if value is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not of the form 1280x720")
    return int(match[1]), int(match[2])


def to_seconds(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> float | None:
    """Turn seconds, ``MM:SS`` or ``HH:MM:SS`` into seconds; each may have decimals."""
    if value is None:
        return None
    match = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)", value)
    hours, minutes, seconds = (float(part or 0) for part in match.groups()) if match else (0, 0, 0)
    # 75:30 and 5400 are fine; 1:75:30 and 1:75 are slips.
    slips = match and ((match[2] and seconds >= 60) or (match[1] and minutes >= 60))
    if match is None or slips:
        raise click.BadParameter(f"{value!r} is not a time such as 90, 1:30 or 0:01:30.5")
    return hours * 3600 + minutes * 60 + seconds
