"""Stretches of frames: ``(first, last)``, both included, sorted and apart in a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Stretch = tuple[int, int]
"""Index of the first and of the last frame."""


def joined(stretches: Iterable[Stretch], gap: int = 0) -> list[Stretch]:
    """Return stretches sorted, with those joined that overlap or lie ``gap`` frames apart."""
    result: list[Stretch] = []
    for first, last in sorted(stretches):
        if result and first <= result[-1][1] + gap + 1:
            result[-1] = result[-1][0], max(result[-1][1], last)
        else:
            result.append((first, last))
    return result


def without(stretches: Iterable[Stretch], taken: Sequence[Stretch]) -> list[Stretch]:
    """Return what is left of stretches; ``taken`` is sorted and apart."""
    result: list[Stretch] = []
    for first, last in stretches:
        start = first
        for out, end in taken:
            if end < start or out > last:
                continue
            if out > start:
                result.append((start, out - 1))
            start = end + 1
        if start <= last:
            result.append((start, last))
    return result


def within(stretches: Iterable[Stretch], bounds: Stretch) -> list[Stretch]:
    """Return the parts of stretches that lie in another one."""
    cut = ((max(first, bounds[0]), min(last, bounds[1])) for first, last in stretches)
    return [(first, last) for first, last in cut if first <= last]


def around(bounds: Stretch, breaks: Sequence[Stretch], frame: int) -> Stretch | None:
    """Return the stretch of ``bounds`` that holds a frame and no break, or None if in a break."""
    pieces = without([bounds], breaks)
    return next((piece for piece in pieces if holds(piece, frame)), None)


def holds(stretch: Stretch, frame: int) -> bool:
    """Return whether a frame lies in a stretch."""
    return stretch[0] <= frame <= stretch[1]


def runs(frames: Iterable[int]) -> list[Stretch]:
    """Return the stretches that frames in rising order make."""
    result: list[Stretch] = []
    for frame in frames:
        if result and frame == result[-1][1] + 1:
            result[-1] = result[-1][0], frame
        else:
            result.append((frame, frame))
    return result
