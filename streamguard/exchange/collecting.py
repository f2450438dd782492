"""Takes in what a file of boxes says, and refuses what makes no sense."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from streamguard.errors import SourceError
from streamguard.exchange.given import GivenBox, GivenBoxes, Packed
from streamguard.exchange.rows import SLATE

_MOST_FRAMES = 10_000_000
_LONGEST_LABEL = 64
_FARTHEST = 2**20
"""Pixels from the picture's corner beyond which nothing can be meant."""


@dataclass(slots=True)
class Collector:
    """Takes in what a file says, and refuses what makes no sense.

    Attributes:
        name: Name of the file, for errors.
    """

    name: str
    _sizes: dict[int, tuple[int, int]] = field(default_factory=dict)
    _slates: set[int] = field(default_factory=set)
    _packed: Packed = field(default_factory=Packed)

    def mention(self, where: str, frame: int, size: tuple[int, int]) -> None:
        """Take in that the file speaks of a frame.

        Args:
            where: What of the file says so, such as ``line 3``.
            frame: Index of the frame, from 0.
            size: Width and height in pixels of the upright picture.

        Raises:
            SourceError: There is no such frame, or it had another size before.
        """
        if not 0 <= frame < _MOST_FRAMES:
            raise self.wrong(where, f"there is no frame {frame}")
        if min(size) < 1:
            raise self.wrong(where, f"{_by(size)} is no size of a picture")
        known = self._sizes.setdefault(frame, size)
        if known != size:
            raise self.wrong(where, f"frame {frame} has two sizes: {_by(known)} and {_by(size)}")

    def add(self, where: str, frame: int, given: GivenBox) -> None:
        """Take in a box of a frame that was mentioned; one of the label `SLATE` covers all of it.

        Args:
            where: What of the file holds it.
            frame: Index of the frame.
            given: The box; a number of 0 means that the file gives none.

        Raises:
            SourceError: The box is none, or lies outside of the picture.
        """
        box, label = given.box, given.label
        if not box.is_finite or max(map(abs, (box.x1, box.y1, box.x2, box.y2))) > _FARTHEST:
            raise self.wrong(where, "a corner of the box is no number, or far too large")
        if box.x2 <= box.x1 or box.y2 <= box.y1:
            raise self.wrong(where, "the box is empty")
        size = self._sizes[frame]
        if not box.clip(*size).area:
            raise self.wrong(where, f"the box lies outside of the picture of {_by(size)}")
        if abs(given.track_id) >= 2**31:
            raise self.wrong(where, f"{given.track_id} is no number of a track")
        if not 0 <= given.confidence <= 1:
            raise self.wrong(where, f"the confidence {given.confidence} is not between 0 and 1")
        if not label.isprintable() or not 0 < len(label) <= _LONGEST_LABEL:
            raise self.wrong(where, "the label is empty, too long, or not printable")
        if label == SLATE:
            self._slates.add(frame)
            return
        packed = self._packed
        packed.frames.append(frame)
        packed.corners.extend((box.x1, box.y1, box.x2, box.y2))
        packed.numbers.append(given.track_id)
        packed.kinds.append(packed.labels.setdefault(label, len(packed.labels)))
        packed.confidences.append(given.confidence)

    def finish(self) -> GivenBoxes:
        """Return what was taken in.

        Raises:
            SourceError: The file speaks of no frame, or passes one over.
        """
        if not self._sizes:
            raise SourceError(f"{self.name} mentions no frame", _EVERY)
        last = max(self._sizes)
        if len(self._sizes) <= last:
            missing = next(index for index in range(last) if index not in self._sizes)
            raise SourceError(f"{self.name} does not mention frame {missing}", _EVERY)
        sizes = [self._sizes[index] for index in range(last + 1)]
        return GivenBoxes(self.name, sizes, frozenset(self._slates), self._packed)

    def wrong(self, where: str, what: str) -> SourceError:
        """Return the error for a part of the file that makes no sense."""
        return SourceError(f"{self.name}, {where}: {what}", "Mend the file, or leave it out")


_EVERY = "It must mention every frame, also those in which nothing is to be hidden"


def number_of(value: object) -> float:
    """Return a number that a file gives; not a number where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
