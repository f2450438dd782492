"""How far a run is, told a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

INTERVAL = 0.1
"""Least seconds from one report to the next."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        frames: Frames written so far.
        total: Frames there will be, or None when unknown; an estimate.
        faces: Faces followed so far.
        position: Seconds of video written so far.
        elapsed: Seconds since the run began.
    """

    frames: int
    total: int | None
    faces: int
    position: float
    elapsed: float

    @property
    def frames_per_second(self) -> float:
        """Frames written per second of the run."""
        return self.frames / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def speed(self) -> float:
        """Seconds of video per second of the run."""
        return self.position / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Seconds still to go, or None when unknown; an estimate."""
        if self.total is None or self.frames_per_second <= 0:
            return None
        return max(0, self.total - self.frames) / self.frames_per_second


class ProgressReporter:
    """Tells somebody how far a run is, though no more often than anybody can read.

    Args:
        told: Called with the progress; None to tell nobody.
    """

    def __init__(self, told: Callable[[Progress], None] | None) -> None:
        self._told = told
        self._started = time.monotonic()
        self._due = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    def tell(self, frames: int, total: int | None, faces: int, position: float) -> None:
        """Tell it if it is time to; what the numbers mean, `Progress` says."""
        elapsed = self.elapsed
        if self._told is not None and elapsed >= self._due:
            self._due = elapsed + INTERVAL
            self._told(Progress(frames, total, faces, position, elapsed))
