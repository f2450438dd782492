"""Boxes that another program decided on, packed and followed from frame to frame."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamguard.geometry import FACE, Box
from streamguard.tracking.association import match


@dataclass(frozen=True, slots=True)
class GivenBox:
    """A box that another program decided on.

    Attributes:
        box: Where, in pixels of the upright picture.
        track_id: What it is, followed from frame to frame; 0 if nobody knows.
        label: What kind of thing it is.
        confidence: How sure the other program was, 0 to 1.
    """

    box: Box
    track_id: int
    label: str = FACE
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class GivenTrack:
    """What is known of one track of such boxes.

    Attributes:
        track_id: Its number.
        label: What it follows.
        last: Index of the last frame it has a box in.
        hits: How many boxes it has.
        confidence: Highest confidence of its boxes.
    """

    track_id: int
    label: str
    last: int
    hits: int
    confidence: float


@dataclass(slots=True)
class Packed:
    """Boxes in the order in which they were read, 64 bytes each."""

    frames: array[int] = field(default_factory=lambda: array("q"))
    corners: array[float] = field(default_factory=lambda: array("d"))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    kinds: array[int] = field(default_factory=lambda: array("q"))
    confidences: array[float] = field(default_factory=lambda: array("d"))
    labels: dict[str, int] = field(default_factory=dict)


class GivenBoxes:
    """The boxes of every frame of one video or photo.

    Args:
        name: Name of the file they come from, for errors.
        sizes: Size of the upright picture of each frame, by index from 0.
        slates: Frames to cover as a whole.
        packed: What was collected.

    Attributes:
        name: Name of the file.
        sizes: Size of the upright picture, ``(width, height)``, of each frame.
        slates: Frames to cover as a whole, by index.
    """

    def __init__(
        self, name: str, sizes: Sequence[tuple[int, int]], slates: Collection[int], packed: Packed
    ) -> None:
        self.name, self.sizes, self.slates = name, sizes, slates
        self._labels = tuple(packed.labels)
        frames = np.frombuffer(packed.frames, np.int64)
        order = np.argsort(frames, kind="stable")
        self._corners = np.frombuffer(packed.corners, np.float64).reshape(-1, 4)[order]
        self._kinds = np.frombuffer(packed.kinds, np.int64)[order]
        self._confidences = np.frombuffer(packed.confidences, np.float64)[order]
        self._starts = np.searchsorted(frames[order], np.arange(len(sizes) + 1))
        self._numbers = self._followed(np.frombuffer(packed.numbers, np.int64)[order])

    def __len__(self) -> int:
        return len(self.sizes)

    def of(self, index: int) -> tuple[GivenBox, ...]:
        """Return the boxes of a frame."""
        return tuple(self._box(place) for place in self._places(index))

    def tracks(self) -> tuple[GivenTrack, ...]:
        """Return every track, by its number."""
        known, firsts, places, hits = np.unique(
            self._numbers, return_index=True, return_inverse=True, return_counts=True
        )
        lasts, surest = np.zeros(len(known), np.int64), np.zeros(len(known))
        np.maximum.at(lasts, places, np.repeat(np.arange(len(self)), np.diff(self._starts)))
        np.maximum.at(surest, places, self._confidences)
        kinds = self._kinds[firsts]
        rows = zip(*(each.tolist() for each in (known, kinds, lasts, hits, surest)), strict=True)
        return tuple(
            GivenTrack(number, self._labels[kind], last, count, sure)
            for number, kind, last, count, sure in rows
        )

    def _places(self, index: int) -> range:
        return range(int(self._starts[index]), int(self._starts[index + 1]))

    def _box(self, place: int) -> GivenBox:
        return GivenBox(
            Box(*self._corners[place].tolist()),
            int(self._numbers[place]),
            self._labels[self._kinds[place]],
            float(self._confidences[place]),
        )

    def _followed(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers, with new ones for boxes that had none, alike in following frames."""
        if numbers.all():
            return numbers
        numbers = numbers.copy()
        fresh = int(numbers.max(initial=0)) + 1
        before: list[tuple[Box, int, int]] = []
        for index in range(len(self)):
            now = [place for place in self._places(index) if not numbers[place]]
            for kind in sorted({int(self._kinds[place]) for place in now}):
                mine = [place for place in now if self._kinds[place] == kind]
                known = [entry for entry in before if entry[2] == kind]
                boxes = [Box(*self._corners[place].tolist()) for place in mine]
                for old, new in match([entry[0] for entry in known], boxes):
                    numbers[mine[new]] = known[old][1]
                for place in mine:
                    if not numbers[place]:
                        numbers[place], fresh = fresh, fresh + 1
            before = [
                (Box(*self._corners[p].tolist()), int(numbers[p]), int(self._kinds[p])) for p in now
            ]
        return numbers
