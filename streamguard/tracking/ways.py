"""Which way up things are: quarter turns and degrees, clockwise, that bring one upright."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

_ABLE = 40.0
"""Degrees from upright up to which a detector sees most faces: at 30 it sees 81 to 86 in 100, at
45 it sees 66, and at 90 it sees 36."""
_ANOTHER = 60.0
"""Degrees between two ways up of which one thing cannot have both."""


def tilt_of(roll: float, turns: int) -> float:
    """Return by how much a picture would have to be turned beyond its quarter turns, -90 to 90.

    Args:
        roll: Degrees by which a thing is turned clockwise from upright.
        turns: Clockwise quarter turns of the picture that it was seen in.
    """
    tilt = (-roll - 90 * turns + 180) % 360 - 180
    return min(max(tilt, -90.0), 90.0)


def nearest(turns: int, tilt: float) -> tuple[int, float]:
    """Return the same way up by the nearest quarter turn, and degrees beyond it, -45 to 45."""
    quarters = round(tilt / 90)
    return (turns + quarters) % 4, tilt - 90 * quarters


def is_able(look: tuple[int, float], thing: tuple[int, float]) -> bool:
    """Return whether a look turned like this shows a thing upright enough to see it.

    Args:
        look: Its quarter turns, and its degrees beyond.
        thing: Those which bring the thing upright.
    """
    return _apart(look, thing) <= _ABLE


def is_another(look: tuple[int, float], thing: tuple[int, float]) -> bool:
    """Return whether a thing is known to be another way up than a look shows it; see `is_able`."""
    return _apart(look, thing) >= _ANOTHER


def usual(turns: Iterable[int]) -> int:
    """Return the quarter turns in which most things are, upright if in doubt."""
    counts = Counter(turns)
    return max(sorted(counts), key=lambda way: counts[way], default=0)


def _apart(a: tuple[int, float], b: tuple[int, float]) -> float:
    """Return the degrees between two ways up, 0 to 180."""
    return abs((90 * (a[0] - b[0]) + a[1] - b[1] + 180) % 360 - 180)
