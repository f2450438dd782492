"""What is counted while a run goes on."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, replace

from streamguard.frames import Frame, Verdict
from streamguard.geometry import ZONE


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Where one tracked face was covered.

    Attributes:
        track_id: Number of the track, unique within the run.
        label: What it follows, such as ``face``.
        first_frame: Index of the first frame it was covered in.
        last_frame: Index of the last frame it was covered in.
        first_ms: Time of the first frame, milliseconds since the video's start.
        last_ms: Time of the last frame, likewise.
        boxes: Five numbers per covered frame, one after the other: frame, x1, y1, x2, y2, in
            coded pixels, before padding and before any rotation metadata. Kept flat, since
            a long video with many faces has millions; in JSON each frame has its own list.
    """

    track_id: int
    label: str
    first_frame: int
    last_frame: int
    first_ms: float
    last_ms: float
    boxes: array[int]


@dataclass(frozen=True, slots=True)
class DamageSpan:
    """A stretch of the input that is damaged, covered as a whole.

    Attributes:
        start: Seconds from the video's start to the first of its frames.
        end: Seconds to the first whole frame after it, or to its own last frame at the end.
        first_frame: Index of the first frame.
        last_frame: Index of the last.
        reason: What is wrong, in a few words.
    """

    start: float
    end: float
    first_frame: int
    last_frame: int
    reason: str


class Tally:
    """Counts while a run goes on; its memory grows by 20 bytes per face and frame."""

    def __init__(self) -> None:
        self.frames = 0
        self.frames_with_faces = 0
        self.slate_reasons: Counter[str] = Counter()
        self.longest_slate = 0
        self.last_ms = 0.0
        self.damage_spans: list[DamageSpan] = []
        self._was_damaged = False
        self._slates_in_a_row = 0
        self._boxes: dict[int, array[int]] = {}
        self._spans: dict[int, tuple[float, float]] = {}
        self._labels: dict[int, str] = {}

    @property
    def faces(self) -> int:
        """How many faces were followed so far."""
        return len(self._boxes)

    def add(self, verdict: Verdict) -> None:
        """Count one frame that was decided, or written."""
        self.frames += 1
        self.last_ms = verdict.frame.time_ms
        self._add_damage(verdict.frame)
        if verdict.slate:
            self.slate_reasons[verdict.slate] += 1
            self._slates_in_a_row += 1
            self.longest_slate = max(self.longest_slate, self._slates_in_a_row)
        else:
            self._slates_in_a_row = 0
        self.frames_with_faces += bool(verdict.track_ids)
        for cover in verdict.covers:
            if cover.label == ZONE:
                continue
            track_id, box = cover.track_id, cover.box
            corners = (round(box.x1), round(box.y1), round(box.x2), round(box.y2))
            self._boxes.setdefault(track_id, array("i")).extend((verdict.frame.index, *corners))
            self._labels[track_id] = cover.label
            first, _ = self._spans.get(track_id, (self.last_ms, 0.0))
            self._spans[track_id] = (first, self.last_ms)

    def _add_damage(self, frame: Frame) -> None:
        now, reason = frame.time_ms / 1000, frame.damage
        last = self.damage_spans[-1] if self._was_damaged else None
        if last is not None:
            end = frame.index if reason == last.reason else last.last_frame
            self.damage_spans[-1] = replace(last, end=now, last_frame=end)
        if reason and (last is None or reason != last.reason):
            self.damage_spans.append(DamageSpan(now, now, frame.index, frame.index, reason))
        self._was_damaged = bool(reason)

    def tracks(self) -> tuple[TrackRecord, ...]:
        """Return every track so far, by its number."""
        return tuple(self._track(track_id) for track_id in sorted(self._boxes))

    def _track(self, track_id: int) -> TrackRecord:
        boxes = self._boxes[track_id]
        label, span = self._labels[track_id], self._spans[track_id]
        return TrackRecord(track_id, label, boxes[0], boxes[-5], *span, boxes)
