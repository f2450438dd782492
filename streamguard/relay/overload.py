"""When to look less often: pure, counters in, a quality level out."""

from __future__ import annotations

from streamguard.settings import Quality

_ORDER = (Quality.THOROUGH, Quality.BALANCED, Quality.FAST)
_PERIOD = 4.0
"""Seconds over which drops are judged: shorter than a viewer's patience, longer than a hiccup."""
_TOO_MANY = 0.1
_QUIET_PERIODS = 15
"""Periods in a row without a drop after which the next better level is tried again."""


class Governor:
    """Steps down a quality level when frames are lost, and up again when none were for long.

    The floor is the fast level: below it frames are dropped, and then the slate goes out.

    Args:
        wanted: The level asked for, which is never exceeded.
    """

    def __init__(self, wanted: Quality) -> None:
        self._levels = _ORDER[_ORDER.index(wanted) :]
        self.level = 0
        self._since: float | None = None
        self._captured = self._dropped = self._quiet = 0

    @property
    def quality(self) -> Quality:
        """The level to work at."""
        return self._levels[self.level]

    def changes(self, now: float, captured: int, dropped: int) -> bool:
        """Take the counters; return whether the level is another one now.

        Args:
            now: Seconds on any clock that does not run backwards.
            captured: Frames that came in so far.
            dropped: Frames dropped so far.
        """
        if self._since is None:
            self._begin(now, captured, dropped)
            return False
        if now - self._since < _PERIOD:
            return False
        came, lost = captured - self._captured, dropped - self._dropped
        self._begin(now, captured, dropped)
        self._quiet = 0 if lost else self._quiet + 1
        before = self.level
        if came and lost / came > _TOO_MANY:
            self.level = min(self.level + 1, len(self._levels) - 1)
        elif self._quiet >= _QUIET_PERIODS:
            self._quiet = 0
            self.level = max(0, self.level - 1)
        return self.level != before

    def _begin(self, now: float, captured: int, dropped: int) -> None:
        self._since, self._captured, self._dropped = now, captured, dropped
