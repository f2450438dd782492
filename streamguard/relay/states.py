"""The states of a relay, and what is due when. Pure: times in, decisions out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What a camera or an output is doing; docs/relay.md explains each to the operator."""

    CONNECTING = "connecting"
    LIVE = "live"
    SLATE = "slate"
    RECONNECTING = "reconnecting"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a slate goes out; these words are also written on it."""

    STARTING = "starting"
    NO_SIGNAL = "no signal"
    WAITING = "waiting for a verdict"
    DETECTOR = "detector error"
    OVERLOAD = "overload"
    DAMAGED = "damaged"
    RESTARTING = "restarting"


class DropReason(StrEnum):
    """Why a frame was dropped before detection."""

    NEWER = "newer frame"
    DETECTOR = "detector error"


@dataclass(slots=True)
class Backoff:
    """Waits between tries: doubled each time up to a limit, with jitter, reset by success.

    Attributes:
        first: Seconds before the second try.
        longest: Seconds it grows to.
        slow: Seconds before a try that is likely to be refused again: wrong credentials, which
            cameras answer by locking out whoever hammers.
        jitter: Share of a wait that is left to chance, so that many do not call at once.
        chance: Source of that chance, 0 to 1.
    """

    first: float = 0.25
    longest: float = 5.0
    slow: float = 30.0
    jitter: float = 0.2
    chance: Callable[[], float] = random.random
    _next: float = field(default=0.0, init=False)

    def after_failure(self, *, hopeless: bool = False) -> float:
        """Return the seconds to wait before the next try.

        Args:
            hopeless: Whether trying again soon makes matters worse.
        """
        wait = self.slow if hopeless else (self._next or self.first)
        if not hopeless:
            self._next = min(wait * 2, self.longest)
        # Never longer than promised: what chance takes, it takes away.
        return wait * (1 - self.jitter * self.chance()) if not hopeless else wait

    def after_success(self) -> None:
        """Start from the shortest wait again."""
        self._next = 0.0


@dataclass(slots=True)
class Freshness:
    """Decides, on the output's own clock, whether a frame or a slate is due.

    Attributes:
        patience: Seconds without a new frame after which the slate goes out.
        interval: Seconds between two slates.
    """

    patience: float
    interval: float
    _newest: int = field(default=0, init=False)
    _since: float = field(default=float("-inf"), init=False)
    _slate_at: float = field(default=float("-inf"), init=False)

    def choose(self, newest: int, now: float) -> str:
        """Return ``frame``, ``slate`` or an empty string for nothing yet.

        Args:
            newest: Number of the newest frame there is, 0 for none.
            now: The output's clock in seconds.
        """
        if newest != self._newest:
            self._newest, self._since = newest, now
            self._slate_at = float("-inf")
            return "frame"
        if now - self._since < self.patience or now - self._slate_at < self.interval:
            return ""
        # Kept on its own beat, so that slates come neither in bursts nor late.
        late = now - self._slate_at > 2 * self.interval
        self._slate_at = now if late else self._slate_at + self.interval
        return "slate"

    def wait(self, now: float) -> float:
        """Return the seconds until something can be due without a new frame."""
        due = max(self._since + self.patience, self._slate_at + self.interval)
        return min(max(0.0, due - now), self.patience)
