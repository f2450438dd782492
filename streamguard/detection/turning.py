"""When to look at the picture turned, for who lies, or a camera held another way up. Pure."""

from __future__ import annotations

from collections.abc import Collection

WAYS = (1, 3, 2)
"""Clockwise quarter turns beyond upright: on either side, and upside down."""
_STAYS = 3.0
"""Seconds for which people are expected the way up that somebody was last seen in."""
_EARLY = 1e-3
"""Seconds by which a look may come early, so that a frame on the beat is not missed."""


class Turning:
    """Which turned looks are due: each way seldom, but often where somebody was found."""

    def __init__(self) -> None:
        self._next_search = float("-inf")
        self._way = 0
        self._until: dict[int, float] = {}
        self._next_look: dict[int, float] = {}

    def closely(
        self, time: float, seen: Collection[int], every: float, renewed: bool
    ) -> tuple[int, ...]:
        """Return the quarter turns in which to look for all that people there show.

        Args:
            time: Now, in seconds.
            seen: Quarter turns in which somebody is seen; upright is left out.
            every: Seconds between two looks of the same turn.
            renewed: Whether the picture shows much that it did not at the last look.
        """
        self._until |= dict.fromkeys((way for way in seen if way), time + _STAYS)
        due = [
            way
            for way in WAYS
            if self._is_peopled(way, time) and (renewed or time >= self._next_look.get(way, time))
        ]
        self._next_look |= dict.fromkeys(due, time + every - _EARLY)
        return tuple(due)

    def searching(self, time: float, start: bool, every: float) -> tuple[int, ...]:
        """Return the quarter turns in which to look whether anybody is there.

        Args:
            time: Now, in seconds.
            start: Whether a scene starts: it is searched each way at once.
            every: Seconds between two looks; 0 is never.
        """
        if not every or not (start or time >= self._next_search):
            return ()
        self._next_search = time + every - _EARLY
        empty = [way for way in WAYS if not self._is_peopled(way, time)]
        if start or not empty:
            return tuple(empty)
        self._way += 1
        return (empty[self._way % len(empty)],)

    def _is_peopled(self, way: int, time: float) -> bool:
        return time < self._until.get(way, time)
