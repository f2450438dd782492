"""What a run did, in numbers and names; nothing in a report shows a pixel."""

from __future__ import annotations

import json
import os
import stat
import threading
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from streamguard.analysis.identity import sha256_of
from streamguard.analysis.records import FileRecord
from streamguard.edits.account import Account
from streamguard.errors import unreadable
from streamguard.spans import Verification
from streamguard.tally import DamageSpan, TrackRecord

SCHEMA = "streamguard.report/1"
"""Changes whenever a reader of the JSON form would have to."""

_OWN_DETECTORS = ("centerface", "mediapipe", "yunet")


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame as it was rendered.

    Attributes:
        frame: Its index.
        caption: What it shows, in words.
        jpeg: The picture, small and upright.
    """

    frame: int
    caption: str
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was done to one input.

    Attributes:
        input: The file that was read.
        output: The file that was written.
        analysis: The file of the decision, if one was kept or rendered.
        decision: Whose decision was rendered, and what it leaves clear.
        finished: When the run ended, ISO 8601 in UTC.
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
        damage_spans: Where the picture was covered as a whole for that, by time.
        notes: What else the user should know.
        duration: Seconds of video, from the first frame to the last.
        elapsed: Seconds the run took.
        verification: What a look at the finished output found, if there was one.
        pictures: A few frames as they were rendered, if asked for; not part of the JSON form.
    """

    input: FileRecord
    output: FileRecord
    analysis: FileRecord | None = None
    decision: Account | None = None
    finished: str = ""
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
    damage_spans: tuple[DamageSpan, ...] = ()
    notes: tuple[str, ...] = ()
    duration: float
    elapsed: float
    verification: Verification | None = None
    pictures: tuple[Picture, ...] = field(default=(), repr=False)

    @property
    def frames_by_state(self) -> dict[str, int]:
        """How many frames were judged, were damaged, or are slates for another reason."""
        damaged = sum(span.last_frame - span.first_frame + 1 for span in self.damage_spans)
        return {
            "judged": self.frames - self.slate_frames,
            "damaged": damaged,
            "slate": self.slate_frames - damaged,
        }

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
    def is_damaged(self) -> bool:
        """Whether something of the input could not be read, or was covered for that."""
        return bool(self.damage or self.damage_spans)

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
            **{x.name: _plain(getattr(self, x.name)) for x in fields(self) if x.name != "pictures"},
            "frames_by_state": self.frames_by_state,
            "frames_per_second": round(self.frames_per_second, 2),
            "speed": round(self.speed, 3),
            "local_execution": self.local_execution,
            "data_uploaded": self.data_uploaded,
            "input_saved": self.input_saved,
        }

    def to_json(self) -> str:
        """Return the report as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))


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
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            return FileRecord(path.name, size, sha256_of(file, cancelled))
    except OSError as error:
        raise unreadable(path, error) from error


def _plain(value: Any) -> Any:
    if isinstance(value, Verification):
        return value.to_dict()
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, array):
        return [list(value[start : start + 5]) for start in range(0, len(value), 5)]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return round(value, 3) if isinstance(value, float) else value
