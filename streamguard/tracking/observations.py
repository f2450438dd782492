"""What detectors saw and where they looked, in the measure of the tracker."""

from __future__ import annotations

from dataclasses import dataclass

from streamguard.geometry import Box


@dataclass(frozen=True, slots=True)
class Observation:
    """A detection in pixels of the tracking picture.

    Attributes:
        box: Where.
        confidence: How sure, 0 to 1.
        is_second: Whether it is the second opinion's.
        is_proposal: Whether it is the proposer's. What neither of them saw the primary did.
        pixels: Its longer side in pixels of the frame.
        is_close: Whether it came of a close look.
        turns: Clockwise quarter turns beyond upright of the picture it was seen in.
        tilt: Degrees clockwise by which the picture would have to be turned beyond those for it
            to be upright.
        is_doubted: Whether it was seen another way up than most are, and so is less sure.
        is_cut: Whether the edge of what was looked at cuts it: it is there, and goes on beyond.
    """

    box: Box
    confidence: float
    is_second: bool
    is_close: bool = False
    turns: int = 0
    is_proposal: bool = False
    pixels: float = 0.0
    tilt: float = 0.0
    is_doubted: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class SearchedRegion:
    """A region the second opinion looked at, in pixels of the tracking picture.

    Attributes:
        region: Where.
        smallest: Size of a thing it would have seen there.
        is_close: Whether it was a close look at one thing.
        turns: Clockwise quarter turns beyond upright of the picture.
        tilt: Degrees clockwise beyond those.
    """

    region: Box
    smallest: float
    is_close: bool = False
    turns: int = 0
    tilt: float = 0.0
