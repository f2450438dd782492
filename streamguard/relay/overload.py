"""When to look less often: pure, counters in, a detection plan out."""

from __future__ import annotations

from dataclasses import replace

from streamguard.plans import DetectionPlan, Quality
from streamguard.settings import Settings

_ORDER = (Quality.THOROUGH, Quality.BALANCED, Quality.FAST)
_STRETCH = 2.0
"""How much sparser than the fast level the floor is: a look-ahead that is asked for otherwise
keeps every level's second opinion as often as that."""
_PERIOD = 4.0
"""Seconds over which drops are judged: shorter than a viewer's patience, longer than a hiccup."""
_TOO_MANY = 0.1
_QUIET_PERIODS = 15
"""Periods in a row without a drop after which the next better level is tried again."""


class Governor:
    """Steps down a quality level when frames are lost, and up again when none were for long.

    The floor is the fast level with twice the time between looks: below it frames are dropped,
    and then the slate goes out.

    Args:
        wanted: The level asked for, which is never exceeded.
    """

    def __init__(self, wanted: Quality) -> None:
        levels = _ORDER[_ORDER.index(wanted) :]
        self._steps = [(level, 1.0) for level in levels] + [(levels[-1], _STRETCH)]
        self.level = 0
        self._since: float | None = None
        self._captured = self._dropped = self._quiet = 0

    @property
    def quality(self) -> Quality:
        """The level to work at."""
        return self._steps[self.level][0]

    def plan(self, settings: Settings) -> DetectionPlan:
        """Return the plan to work by now; only looks are given up, never the look-ahead.

        Args:
            settings: As asked for.
        """
        quality, stretch = self._steps[self.level]
        plan = settings.with_quality(quality).plan
        return replace(plan.stretched(stretch), lookahead=settings.plan.lookahead)

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
            self.level = min(self.level + 1, len(self._steps) - 1)
        elif self._quiet >= _QUIET_PERIODS:
            self._quiet = 0
            self.level = max(0, self.level - 1)
        return self.level != before

    def _begin(self, now: float, captured: int, dropped: int) -> None:
        self._since, self._captured, self._dropped = now, captured, dropped
