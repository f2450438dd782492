"""Tracks that lie on one head: a face and a crown, which would slowly part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from streamguard.geometry import Box, intersection
from streamguard.tracking.observations import SearchedRegion
from streamguard.tracking.tracks import Track

_COVER = 0.2
"""How far a cover goes beyond a box, in shares of it."""
_WITHIN = 0.8
"""Share of a box in the other's cover from which nothing is bared by dropping it."""
_APART = 0.1
"""Seconds between the two sightings."""
_STEADY = 0.15
"""How far one may move over the other in between, in sizes: people who cross move farther."""
_WHOLE = 0.9
"""Share of a box that must lie in a region for a look at it to say anything."""


@dataclass(frozen=True, slots=True)
class _Nearness:
    """Where a track that nobody saw lay from one that was seen, in sizes of the latter."""

    time: float
    dx: float
    dy: float


class Twins:
    """Remembers which tracks were seen beside each other, and which lay on one another."""

    def __init__(self) -> None:
        self._two: set[frozenset[int]] = set()
        self._near: dict[tuple[int, int], _Nearness] = {}

    def extra(
        self,
        seen: Sequence[Track],
        unseen: Sequence[Track],
        searched: Sequence[SearchedRegion],
        now: float,
    ) -> list[Track]:
        """Take in one look of the second opinion, and return tracks that lie on another's head.

        Two looks must have shown the one and not the other, which lay in the same place of its
        cover both times. Tracks that one look has shown beside each other are two people.

        Args:
            seen: Tracks that it saw.
            unseen: Tracks that it did not see.
            searched: Where it looked.
            now: When, in seconds.
        """
        ids = sorted(track.track_id for track in seen)
        self._two |= {frozenset((a, b)) for n, a in enumerate(ids) for b in ids[n + 1 :]}
        looked_at = [t for t in unseen if any(_holds(look, t.box) for look in searched)]
        return [track for track in looked_at if self._lies_on_one(track, seen, now)]

    def forget(self, track: Track) -> None:
        """Forget a track that has ended."""
        self._two = {pair for pair in self._two if track.track_id not in pair}
        self._near = {pair: near for pair, near in self._near.items() if track.track_id not in pair}

    def _lies_on_one(self, track: Track, seen: Sequence[Track], now: float) -> bool:
        others = [other for other in seen if other.is_believed()]
        return True in [self._is_extra(track, other, now) for other in others]

    def _is_extra(self, track: Track, other: Track, now: float) -> bool:
        pair = track.track_id, other.track_id
        is_within = intersection(track.box, other.box.pad(_COVER)) >= _WITHIN * track.box.area
        if not is_within or frozenset(pair) in self._two:
            self._near.pop(pair, None)
            return False
        (ax, ay), (bx, by) = track.box.center, other.box.center
        size = max(other.box.width, other.box.height)
        near = _Nearness(now, (ax - bx) / size, (ay - by) / size)
        first = self._near.setdefault(pair, near)
        if math.hypot(near.dx - first.dx, near.dy - first.dy) > _STEADY:
            self._near[pair] = near
            return False
        return now - first.time >= _APART


def _holds(look: SearchedRegion, box: Box) -> bool:
    return intersection(look.region, box) >= _WHOLE * box.area
