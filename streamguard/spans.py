"""What a verification found: spans of time and place in which a face still seems to be there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from streamguard.geometry import Box, Detection, iou

SCHEMA = "streamguard.verification/1"
"""Changes whenever a reader of the JSON form would have to."""

_SAME = 0.3
"""IoU of two observations from which they are taken for the same face."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where and when a face still seems to be there.

    Attributes:
        first_frame: Index of the first frame it was seen in.
        last_frame: Index of the last.
        first_ms: Time of the first frame, milliseconds since the video's start.
        last_ms: Time of the last.
        observations: Number of frames it was seen in.
        box: Where it was seen most clearly: x1, y1, x2, y2 in coded pixels.
        confidence: How clearly, 0 to 1.
        boxes: Where it was in each frame it was seen in, by frame; not part of the JSON form.
    """

    first_frame: int
    last_frame: int
    first_ms: float
    last_ms: float
    observations: int
    box: tuple[int, int, int, int]
    confidence: float
    boxes: Mapping[int, Box] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look at a finished file found.

    Attributes:
        file: Name of the file, without folder.
        original: Name of the file it was compared with, or None.
        analysis: Name of the analysis that says what is left clear on purpose, or None.
        detector: Name of the detector that looked.
        threshold: Confidence that counted as a face.
        every: Seconds between two looks; 0 is every frame.
        frames: Frames in the file.
        looked: Frames the detector looked at.
        spans: Where a face still seems to be there, by time.
        set_aside: Detections that do not count, since what the original shows there is gone.
        left_clear: Detections that do not count, since they are left clear on purpose.
        candidates: How many new candidates the analysis got.
        mismatches: What does not agree with the original, or is wrong with the file.
        elapsed: Seconds the verification took.
    """

    file: str
    original: str | None
    analysis: str | None = None
    detector: str
    threshold: float
    every: float
    frames: int
    looked: int
    spans: tuple[Span, ...]
    set_aside: int
    left_clear: int = 0
    candidates: int = 0
    mismatches: tuple[str, ...]
    elapsed: float

    @property
    def passed(self) -> bool:
        """Whether nothing was found, and nothing is wrong."""
        return not self.spans and not self.mismatches

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values that JSON can hold."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        values = {"schema": SCHEMA, "passed": self.passed, **plain}
        values["elapsed"] = round(self.elapsed, 3)
        values["spans"] = [_rounded(span) for span in self.spans]
        values["mismatches"] = list(self.mismatches)
        return values

    def to_json(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))


@dataclass(slots=True)
class _Open:
    """A span that may go on."""

    first_frame: int
    first_ms: float
    last_frame: int
    last_ms: float
    last_box: Box
    best: Detection
    boxes: dict[int, Box]

    def extend(self, frame: int, time_ms: float, detection: Detection) -> None:
        """Take one more observation."""
        self.last_frame, self.last_ms, self.last_box = frame, time_ms, detection.box
        self.best = max(self.best, detection, key=lambda d: d.confidence)
        self.boxes[frame] = detection.box

    def close(self) -> Span:
        """Return what it came to."""
        box = self.best.box
        corners = (round(box.x1), round(box.y1), round(box.x2), round(box.y2))
        times = (self.first_frame, self.last_frame, self.first_ms, self.last_ms)
        return Span(*times, len(self.boxes), corners, self.best.confidence, self.boxes)


@dataclass(slots=True)
class SpanFinder:
    """Joins observations of the same face to spans.

    Attributes:
        gap_ms: Observations further apart than this many milliseconds belong to two spans.
    """

    gap_ms: float
    _open: list[_Open] = field(default_factory=list)
    _closed: list[Span] = field(default_factory=list)

    def add(self, frame: int, time_ms: float, detections: Iterable[Detection]) -> None:
        """Take what was seen in one frame; frames come in order."""
        self._close(lambda span: time_ms - span.last_ms > self.gap_ms)
        free = list(self._open)
        for detection in sorted(detections, key=lambda d: d.confidence, reverse=True):
            near = max(free, key=lambda span: iou(span.last_box, detection.box), default=None)
            if near is not None and iou(near.last_box, detection.box) >= _SAME:
                free.remove(near)
                near.extend(frame, time_ms, detection)
            else:
                first, boxes = (frame, time_ms), {frame: detection.box}
                self._open.append(_Open(*first, *first, detection.box, detection, boxes))

    def __len__(self) -> int:
        return len(self._open) + len(self._closed)

    def finish(self) -> tuple[Span, ...]:
        """Return all spans by time."""
        self._close(lambda _span: True)
        return tuple(sorted(self._closed, key=lambda span: (span.first_frame, span.box)))

    def _close(self, is_over: Callable[[_Open], bool]) -> None:
        self._closed += [span.close() for span in self._open if is_over(span)]
        self._open = [span for span in self._open if not is_over(span)]


def _rounded(span: Span) -> dict[str, Any]:
    values = {item.name: getattr(span, item.name) for item in fields(span)}
    del values["boxes"]
    for key in ("first_ms", "last_ms", "confidence"):
        values[key] = round(values[key], 3)
    values["box"] = list(span.box)
    return values
