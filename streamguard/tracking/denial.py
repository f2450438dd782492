"""That something proposed was denied, and whether it looks as it did then."""

from __future__ import annotations

from streamguard.geometry import Box, iou
from streamguard.tracking.appearance import likeness, patch_of
from streamguard.tracking.flow import Gray

_SURROUNDINGS = 1.5
"""Sizes of a denied thing by whose picture a change is noticed: small ones have no detail."""
_UNCHANGED = 0.6
"""Least correlation of what still looks as it did."""
_STAYED = 0.4
"""Least IoU of what is proposed again with what was denied."""


class Denial:
    """The answer of a look that was well able to see a thing and did not.

    Args:
        luma: The tracking picture.
        box: Where the thing should have been, in its pixels.

    Attributes:
        is_changed: Whether what was proposed there since then looked another way.
    """

    def __init__(self, luma: Gray, box: Box) -> None:
        self._picture = patch_of(luma, box.resize(_SURROUNDINGS))
        self.is_changed = False

    def compare(self, luma: Gray, box: Box, expected: Box, seen: Box) -> None:
        """Notice whether what is proposed again is something else.

        Args:
            luma: The tracking picture.
            box: Where it is taken to be.
            expected: Where it was thought to be before.
            seen: What was proposed.
        """
        alike = likeness(patch_of(luma, box.resize(_SURROUNDINGS)), self._picture)
        is_other = alike is not None and alike < _UNCHANGED
        self.is_changed |= is_other or iou(expected, seen) < _STAYED
