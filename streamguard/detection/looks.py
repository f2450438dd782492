"""A look of a detector at a part of a frame, and who asks for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from streamguard.detection.layers import Layer
from streamguard.geometry import Box
from streamguard.media.sphere import Sphere

_ENOUGH = 10
"""Pixels of a face in the picture a detector is given from which a miss is a denial."""


class Role(StrEnum):
    """Which detector looks."""

    PRIMARY = "primary"
    PROPOSER = "proposer"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Look:
    """One look of one detector at one region.

    Attributes:
        role: Which detector.
        region: Where, in coded pixels of the frame.
        width: Width of the picture it is given, in pixels, before turning upright.
        height: Height of it.
        is_close: Whether it is a close look at one doubted face.
        turns: Clockwise quarter turns of the upright picture before it is shown.
        tilt: Degrees by which it is turned clockwise beyond those, about its middle; only what
            is square.
        layer: What of the picture: its colour, or what alpha shows.
    """

    role: Role
    region: Box
    width: int
    height: int
    is_close: bool = False
    turns: int = 0
    tilt: float = 0.0
    layer: Layer = Layer.COLOR

    @property
    def smallest(self) -> float:
        """Size in coded pixels of a face whose absence means something."""
        return _ENOUGH * max(self.region.width / self.width, self.region.height / self.height)


@dataclass(frozen=True, slots=True)
class CloseLookRequest:
    """A track that wants a close look.

    Attributes:
        track_id: The track.
        box: Where it should be, in coded pixels.
        tries: Close or whole looks in a row that did not see it.
        turns: Clockwise quarter turns of the picture it was last seen in.
        tilt: Degrees clockwise beyond those that bring it upright.
        is_open: Whether nobody has confirmed or denied it yet.
        is_missed: Whether it was never sure, and is not seen any more.
        is_denied: Whether nobody confirmed it, and a look that was able to see it denied it.
        changed: Whether it looks another way since then.
        since: When it was proposed first, in seconds.
        doubt: How doubtful a proposal is, 0 to 1.
    """

    track_id: int
    box: Box
    tries: int
    turns: int = 0
    tilt: float = 0.0
    is_open: bool = False
    is_missed: bool = False
    is_denied: bool = False
    changed: bool = False
    since: float = 0.0
    doubt: float = 0.0


def widened(
    looks: Sequence[Look], layers: Sequence[Layer], sphere: Sphere | None = None
) -> list[Look]:
    """Return looks at everything that a frame may show in their regions.

    Args:
        looks: At the colour of a flat frame; those of the primary stay alone.
        layers: What the frame shows beside its colour.
        sphere: Set where the frame wraps round: looks then also go half a turn further.
    """
    everything: list[Look] = []
    for look in looks:
        if look.role is Role.PRIMARY:
            everything.append(look)
            continue
        regions = [look.region]
        if sphere and not look.is_close:
            regions.append(look.region.shift(*sphere.half))
        everything += [replace(look, region=r, layer=layer) for r in regions for layer in layers]
    return everything
