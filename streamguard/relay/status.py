"""What the processes of a relay tell their supervisor, several times a second."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import TypeVar

from streamguard.relay.states import State

LATENCY_BOUNDS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)
"""Upper bounds of the latency histogram's buckets in seconds."""


@dataclass(slots=True)
class Latencies:
    """A histogram of seconds from capture to the sink.

    Attributes:
        counts: Per bucket of `LATENCY_BOUNDS`, and one more beyond the last.
        total: Sum of all, in seconds.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one frame."""
        self.counts[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self.total += seconds

    def merge(self, other: Latencies) -> None:
        """Count all frames of another."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def quantile(self, share: float) -> float:
        """Return the bound that a share of all frames stays below; 0 while there are none."""
        wanted, seen = share * sum(self.counts), 0
        for bound, count in zip((*LATENCY_BOUNDS, float("inf")), self.counts, strict=True):
            seen += count
            if seen and seen >= wanted:
                return bound
        return 0.0


@dataclass(slots=True)
class CameraStatus:
    """The side that holds raw frames: source, detection, redaction.

    Attributes:
        state: What the source is doing.
        reason: Why, in words without credentials.
        width: Width of the source's frames, 0 before the first.
        height: Height of them.
        frame_rate: What the source promises, in Hz.
        captured: Frames that came in.
        redacted: Frames that were redacted and handed on.
        dropped: Frames thrown away before detection, by reason.
        slates: Frames that left wholly covered, by reason.
        reconnects: How often the source was opened again.
        damage: Packets and pictures that were missing, cut, or could not be decoded.
        errors: Errors of detection and redaction.
        faces: Boxes in the newest frame.
        level: Steps that detection was made sparser because of overload.
        last_frame: Unix time of the newest frame that came in, 0 before the first.
        busy_since: `time.monotonic` when detection took up its frame, 0 while it waits.
    """

    state: State = State.CONNECTING
    reason: str = ""
    width: int = 0
    height: int = 0
    frame_rate: float = 25.0
    captured: int = 0
    redacted: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    slates: Counter[str] = field(default_factory=Counter)
    reconnects: int = 0
    damage: int = 0
    errors: int = 0
    faces: int = 0
    level: int = 0
    last_frame: float = 0.0
    busy_since: float = 0.0


@dataclass(slots=True)
class OutputStatus:
    """The side that only ever sees redacted frames: encoder and sink.

    Attributes:
        state: What the sink is doing.
        reason: Why, in words without credentials.
        frames: Frames written, slates included.
        slates: Slates written, by reason.
        skipped: Redacted frames that a newer one overtook.
        reconnects: How often the sink was opened again.
        latencies: Capture to sink.
        last_frame: Unix time of the newest frame written, 0 before the first.
    """

    state: State = State.CONNECTING
    reason: str = ""
    frames: int = 0
    slates: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    reconnects: int = 0
    latencies: Latencies = field(default_factory=Latencies)
    last_frame: float = 0.0


_Status = TypeVar("_Status", CameraStatus, OutputStatus)
_GAUGES = frozenset(("width", "height", "faces", "level", "frame_rate", "last_frame", "busy_since"))


def total(before: _Status, now: _Status) -> _Status:
    """Return a status whose counters go on where a predecessor's stopped."""
    result = deepcopy(now)
    for item in fields(now):
        old, new = getattr(before, item.name), getattr(result, item.name)
        if item.name in _GAUGES:
            continue
        if isinstance(new, Latencies):
            new.merge(old)
        elif isinstance(new, Counter):
            new.update(old)
        elif isinstance(new, int) and not isinstance(new, bool):
            setattr(result, item.name, old + new)
    return result
