"""When to look at the picture turned, for who lies, or a camera held another way up. Pure."""

from __future__ import annotations

from collections.abc import Collection

from streamguard.detection.looks import Role

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
        self._last: dict[tuple[Role, int], float] = {}

    def note(self, time: float, ways: Collection[int]) -> None:
        """Take in which quarter turns somebody is seen in now; upright is left out."""
        self._until |= dict.fromkeys((way for way in ways if way), time + _STAYS)

    def closely(self, role: Role, time: float, every: float, renewed: bool) -> tuple[int, ...]:
        """Return the quarter turns in which to look for all that people there show.

        Args:
            role: Who looks.
            time: Now, in seconds.
            every: Seconds between two looks of theirs at the same turn.
            renewed: Whether the picture shows much that it did not at the last look.
        """
        due = []
        for way in WAYS:
            last = self._last.get((role, way), float("-inf"))
            is_due = time >= last + every - _EARLY or (renewed and last < time)
            if is_due and self._is_peopled(way, time):
                self._last[role, way] = time
                due.append(way)
        return tuple(due)

    def searching(self, time: float, start: bool, every: float) -> tuple[int, ...]:
        """Return the quarter turns in which to look whether anybody is there.

        Args:
            time: Now, in seconds.
            start: Whether a scene starts: it is searched each way at once.
            every: Seconds between two looks.
        """
        if not start and time < self._next_search:
            return ()
        self._next_search = time + every - _EARLY
        empty = [way for way in WAYS if not self._is_peopled(way, time)]
        if start or not empty:
            return tuple(empty)
        self._way += 1
        return (empty[self._way % len(empty)],)

    def _is_peopled(self, way: int, time: float) -> bool:
        return time < self._until.get(way, time)
