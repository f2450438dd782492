"""What a run did, in numbers and names; nothing in a report shows a pixel."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from array import array
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

from streamguard.errors import (
    CancelledError,
    SourceError,
    SourceNotFoundError,
    SourcePermissionError,
)
from streamguard.frames import RedactedFrame, Verdict
from streamguard.spans import Verification

SCHEMA = "streamguard.report/1"
"""Changes whenever a reader of the JSON form would have to."""

_HASH_CHUNK = 2**20
_OWN_DETECTORS = ("centerface", "mediapipe")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file by name and content; its folder is left out, since that may name a person.

    Attributes:
        name: Name without folder.
        size: Bytes.
        sha256: SHA-256 of the content, 64 hex digits.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """Where one tracked face was covered.

    Attributes:
        track_id: Number of the track, unique within the run.
        first_frame: Index of the first frame it was covered in.
        last_frame: Index of the last frame it was covered in.
        first_ms: Time of the first frame, milliseconds since the video's start.
        last_ms: Time of the last frame, likewise.
        boxes: Five numbers per covered frame, one after the other: frame, x1, y1, x2, y2, in
            coded pixels, before padding and before any rotation metadata. Kept flat, since
            a long video with many faces has millions; in JSON each frame has its own list.
    """

    track_id: int
    first_frame: int
    last_frame: int
    first_ms: float
    last_ms: float
    boxes: array[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done to one input.

    Attributes:
        input: The file that was read.
        output: The file that was written.
        versions: Version of streamguard, Python and the libraries that did the work.
        settings: Every setting, as plain values.
        detectors: Names of the detectors that looked.
        models: SHA-256 of each embedded model, by file name.
        width: Coded width in pixels.
        height: Coded height in pixels.
        frames: Frames written.
        frames_with_faces: Frames in which something was covered.
        tracks: Every face that was followed.
        slate_frames: Frames that were covered as a whole.
        slate_reasons: How many of them for which reason.
        longest_slate: Most covered frames in a row.
        streams_kept: What passed into the output beside the picture.
        streams_dropped: What did not, and why.
        damage: How many pieces of the input could not be read or decoded.
        damage_notes: What was wrong with them, each kind once.
        notes: What else the user should know.
        duration: Seconds of video, from the first frame to the last.
        elapsed: Seconds the run took.
        verification: What a look at the finished output found, if there was one.
    """

    input: FileRecord
    output: FileRecord
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    detectors: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    width: int
    height: int
    frames: int
    frames_with_faces: int
    tracks: tuple[TrackRecord, ...] = ()
    slate_frames: int = 0
    slate_reasons: Mapping[str, int] = field(default_factory=dict)
    longest_slate: int = 0
    streams_kept: tuple[str, ...] = ()
    streams_dropped: tuple[str, ...] = ()
    damage: int = 0
    damage_notes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    duration: float
    elapsed: float
    verification: Verification | None = None

    @property
    def frames_per_second(self) -> float:
        """Frames written per second of the run."""
        return self.frames / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def speed(self) -> float:
        """Seconds of video per second of the run; above 1 is faster than real time."""
        return self.duration / self.elapsed if self.elapsed > 0 else 0.0

    @property
    def passed(self) -> bool:
        """Whether the output was not verified, or nothing was found."""
        return self.verification is None or self.verification.passed

    @property
    def local_execution(self) -> bool:
        """Whether every frame was worked on by this machine alone: all detectors are our own."""
        return self.settings.get("detector", "centerface") in _OWN_DETECTORS

    @property
    def data_uploaded(self) -> bool | None:
        """Whether anything was sent anywhere; None if somebody else's detector may have."""
        return False if self.local_execution else None

    @property
    def input_saved(self) -> bool:
        """Whether the input was kept in any form: the output must not be a copy of it."""
        return self.output.sha256 == self.input.sha256

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values that JSON can hold."""
        return {
            "schema": SCHEMA,
            **{item.name: _plain(getattr(self, item.name)) for item in fields(self)},
            "frames_per_second": round(self.frames_per_second, 2),
            "speed": round(self.speed, 3),
            "local_execution": self.local_execution,
            "data_uploaded": self.data_uploaded,
            "input_saved": self.input_saved,
        }

    def to_json(self) -> str:
        """Return the report as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))


class Tally:
    """Counts while a run goes on; its memory grows by 20 bytes per face and frame."""

    def __init__(self) -> None:
        self.frames = 0
        self.frames_with_faces = 0
        self.slate_reasons: Counter[str] = Counter()
        self.longest_slate = 0
        self.last_ms = 0.0
        self._slates_in_a_row = 0
        self._boxes: dict[int, array[int]] = {}
        self._spans: dict[int, tuple[float, float]] = {}

    @property
    def faces(self) -> int:
        """How many faces were followed so far."""
        return len(self._boxes)

    def add(self, verdict: Verdict, redacted: RedactedFrame) -> None:
        """Count one frame that was written."""
        self.frames += 1
        self.last_ms = verdict.frame.time_ms
        if redacted.slate:
            self.slate_reasons[redacted.slate] += 1
            self._slates_in_a_row += 1
            self.longest_slate = max(self.longest_slate, self._slates_in_a_row)
        else:
            self._slates_in_a_row = 0
        self.frames_with_faces += bool(verdict.boxes)
        for track_id, box in zip(verdict.track_ids, verdict.boxes, strict=True):
            corners = (round(box.x1), round(box.y1), round(box.x2), round(box.y2))
            self._boxes.setdefault(track_id, array("i")).extend((verdict.frame.index, *corners))
            first, _ = self._spans.get(track_id, (self.last_ms, 0.0))
            self._spans[track_id] = (first, self.last_ms)

    def tracks(self) -> tuple[TrackRecord, ...]:
        """Return every track so far, by its number."""
        return tuple(self._track(track_id) for track_id in sorted(self._boxes))

    def _track(self, track_id: int) -> TrackRecord:
        boxes = self._boxes[track_id]
        return TrackRecord(track_id, boxes[0], boxes[-5], *self._spans[track_id], boxes)


def record_file(path: Path, cancelled: threading.Event) -> FileRecord:
    """Hash a file; anything but a regular file has no content to hash.

    Args:
        path: The file.
        cancelled: When set, the hash is given up.

    Raises:
        SourceNotFoundError: There is no such file.
        SourcePermissionError: The file may not be read.
        SourceError: The file cannot be read for another reason.
        CancelledError: ``cancelled`` was set.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return FileRecord(path.name, 0, "")
        with path.open("rb") as file:
            return FileRecord(path.name, os.fstat(file.fileno()).st_size, _sha256(file, cancelled))
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"{path} does not exist", "check the name") from error
    except PermissionError as error:
        raise SourcePermissionError(f"{path} may not be read", "check its permissions") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def _sha256(file: BinaryIO, cancelled: threading.Event) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_HASH_CHUNK):
        if cancelled.is_set():
            raise CancelledError("the run was cancelled")
        digest.update(chunk)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Verification):
        return value.to_dict()
    if isinstance(value, FileRecord | TrackRecord):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, array):
        return [list(value[start : start + 5]) for start in range(0, len(value), 5)]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value
