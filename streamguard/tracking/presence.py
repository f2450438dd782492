"""Whether a place still shows what was last seen there, or something else by now."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from streamguard.geometry import Box
from streamguard.tracking.appearance import Patch, likeness, patch_of
from streamguard.tracking.flow import Gray

_ALIKE = 0.4
"""Likeness from which a place may still show the same thing. Measured in real clips: what came
where somebody had left reached 0.35, heads that nobody found 0.47 and more."""
_DARK = 40.0
"""Mean brightness, 0 to 255, below which a place may show anything."""
_TEXTURED, _PLAIN = 8.0, 3.0
"""Standard deviation of brightness of a thing that could be told from a plain wall, and of one."""
_STEP = 0.1
"""Seconds between two comparisons: what turns changes less in this time."""
_GAP = 0.25
"""Seconds without a picture after which a thing may look like anything."""
_APART = 0.1
"""Seconds between two looks that say more than one look."""
_ENOUGH = 2
"""Looks in a row that neither saw the thing nor what it looks like."""


class Glimpse(NamedTuple):
    """Where something is taken to be in one picture.

    Attributes:
        time: Of the picture, in seconds.
        luma: The picture, shape ``(height, width)``.
        box: Where, in its pixels.
    """

    time: float
    luma: Gray
    box: Box


class Likeness:
    """What a thing looks like: as it was seen, and as it has changed since, little by little.

    Args:
        seen: Where it was seen.
    """

    def __init__(self, seen: Glimpse) -> None:
        self._seen, self._time = seen, seen.time
        self._known: list[Patch] = []

    @property
    def time(self) -> float:
        """Time of the last comparison, in seconds."""
        return self._time

    def fits(self, view: Glimpse) -> bool:
        """Return whether a place may show the thing; what cannot be told may be it.

        The pictures must follow one another, in either direction of time: after a gap the thing
        may look like anything, so what is there then is taken for it.
        """
        gap = abs(view.time - self._time)
        self._time = view.time
        if not self._known:
            # Most things are seen again before anybody asks.
            self._known = [patch_of(self._seen.luma, self._seen.box)]
        shown = patch_of(view.luma, view.box)
        is_alike = gap > _GAP or any(_may_be(known, shown) for known in self._known)
        if is_alike:
            # It most often looks like of late, so that is compared first.
            self._known = [shown, self._known[-1]]
        return is_alike


class Presence:
    """Whether a thing that looks do not find any more may still be where it was.

    A head that turns away is not found either, but its place changes little by little. Where
    two looks in a row do not find a thing, and the place looks like something else, it has
    left.

    Args:
        seen: Where it was seen.

    Attributes:
        gone_since: Time from which on it is not there any more, in seconds.
    """

    def __init__(self, seen: Glimpse) -> None:
        self.gone_since = self._out = math.inf
        self._likeness = Likeness(seen)
        self._unlike: list[float] = []
        self._absent: list[float] = []

    def follow(self, views: Iterable[Glimpse]) -> None:
        """Take in how its place looked since it was last seen, in the order of time."""
        for view in views:
            if view.time - self._likeness.time >= _STEP:
                self._compare(view)

    def leave(self, time: float) -> None:
        """Take in that it should have left: it has, if its place looks like something else.

        Args:
            time: Now, in seconds.
        """
        self._out = min(self._out, time)
        if len(self._unlike) >= _ENOUGH:
            self.gone_since = min(self.gone_since, max(self._out, self._unlike[0]))

    def miss(self, view: Glimpse, is_hidden: bool) -> None:
        """Take in that a look able to see it did not.

        Args:
            view: Its place in the picture looked at.
            is_hidden: Whether it may be behind something.
        """
        if view.time > self._likeness.time:
            self._compare(view)
        if not self._unlike:
            self._absent = []
        elif not is_hidden and (not self._absent or view.time - self._absent[-1] >= _APART):
            self._absent.append(view.time)
            if len(self._absent) >= _ENOUGH:
                self.gone_since = self._absent[0]

    def _compare(self, view: Glimpse) -> None:
        if self._likeness.fits(view):
            self._unlike, self.gone_since = [], math.inf
        else:
            self._unlike.append(view.time)


class WayBack:
    """Whether a thing may have been where flow leads before it was seen.

    Where the place looks like something else, twice in a row, flow only follows what lies
    behind.

    Args:
        seen: Where it was seen first.

    Attributes:
        doubted: Views of late since the first that did not look like it.
    """

    def __init__(self, seen: Glimpse) -> None:
        self.doubted: list[Glimpse] = []
        self._likeness = Likeness(seen)
        self._unlike = 0

    def go(self, view: Glimpse) -> bool:
        """Go one picture further back, and return whether it may have been there.

        Args:
            view: Where flow leads.
        """
        if view.box != view.box.clip(view.luma.shape[1], view.luma.shape[0]):
            # It comes in over the edge, where flow lags behind it.
            self._unlike, self.doubted = 0, []
            return True
        if abs(view.time - self._likeness.time) >= _STEP:
            self._unlike = 0 if self._likeness.fits(view) else self._unlike + 1
        self.doubted = [*self.doubted, view] if self._unlike else []
        return self._unlike < _ENOUGH


def _may_be(known: Patch, shown: Patch) -> bool:
    """Return whether a place may show a thing: yes, unless it is seen well and looks different."""
    score = likeness(known, shown)
    if score is not None and score >= _ALIKE:
        return True
    inside = shown.pixels[shown.shown]
    if not inside.size or inside.mean() < _DARK:
        return True
    is_plain = float(inside.std()) < _PLAIN and float(known.pixels.std()) >= _TEXTURED
    return score is None and not (is_plain and shown.shown.all())
