"""What an analysis holds, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from fractions import Fraction
from typing import Any

from streamguard.frames import Candidate, Cover
from streamguard.media.upright import Upright

SUFFIX = ".analysis"
"""What is added to the whole name of an input."""

SCHEMA = 1
"""Changes whenever a reader of the file would have to."""

_USUAL_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file by name and content. Its folder is left out: that may name a person.

    Attributes:
        name: Name without folder.
        size: Bytes.
        sha256: SHA-256 of the content, 64 hex digits.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What an analysis belongs to, and what made it.

    Attributes:
        files: Every file that was read, the input first.
        width: Coded width in pixels of the first frame.
        height: Coded height of it.
        pix_fmt: FFmpeg's name of the decoder's pixel format.
        time_base: Unit of every ``pts``, in seconds.
        frame_rate: Average frame rate in Hz, or None when unknown.
        quarter_turns: Clockwise quarter turns that bring the picture upright.
        mirrored: Whether it is shown mirrored left to right after that.
        still: Whether it is one photo.
        equirectangular: Whether the picture wraps round.
        color: FFmpeg's numbers of the colour range, space, primaries and transfer, by name.
        settings: Every setting, as plain values.
        versions: Version of streamguard, Python and the libraries that did the work.
        models: SHA-256 of what decided, by file name: each embedded model, or a file of boxes.
        created: When it was begun, ISO 8601 in UTC.
    """

    files: tuple[FileRecord, ...]
    width: int
    height: int
    pix_fmt: str
    time_base: Fraction
    frame_rate: Fraction | None = None
    quarter_turns: int = 0
    mirrored: bool = False
    still: bool = False
    equirectangular: bool = False
    color: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    models: Mapping[str, str]
    created: str

    @property
    def usual_rate(self) -> Fraction:
        """The frame rate in Hz, or a usual one when it is unknown."""
        return self.frame_rate or _USUAL_RATE

    def upright(self, record: FrameRecord) -> Upright:
        """Return how a frame is shown."""
        width, height = record.width or self.width, record.height or self.height
        return Upright(self.quarter_turns, self.mirrored, width, height)


class FrameState(IntEnum):
    """What became of a frame."""

    JUDGED = 0
    DAMAGED = 1
    SLATE = 2


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """What was decided for one frame.

    Attributes:
        index: Position in presentation order, from 0.
        pts: Presentation time stamp in the header's time base, or None if the frame had none.
        covers: Everything to hide, in whole coded pixels.
        state: What became of it.
        reason: Why the whole frame is covered; empty if it is not.
        width: Coded width of this frame in pixels.
        height: Coded height of it.
    """

    index: int
    pts: int | None
    covers: tuple[Cover, ...]
    state: FrameState = FrameState.JUDGED
    reason: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrack:
    """One thing that was followed and covered.

    Attributes:
        track_id: Number, unique in the file.
        label: What it is, such as ``face``.
        first: Index of the first frame it is covered in.
        last: Index of the last.
        best: Index of the frame that shows it best: where it is largest.
        confidence: Highest confidence of any detector, 0 to 1.
        sources: Names of the detectors that saw it.
        hits: How often it was seen.
        misses: How often a detector looked there and did not see it.
        blind: Share of its frames in which its motion could not be followed, 0 to 1.
        luma: Mean brightness where it was seen, 0 to 255.
        lost: Stretches of frames, first and last index, in which flow could not follow it or no
            detector had seen it for long.
    """

    track_id: int
    label: str
    first: int
    last: int
    best: int
    confidence: float
    sources: tuple[str, ...]
    hits: int
    misses: int
    blind: float
    luma: float
    lost: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredCandidate:
    """Something that was seen and not covered.

    Attributes:
        number: Unique in the file.
        first: Index of the first frame it was seen in.
        last: Index of the last.
        candidate: Where and how clearly, in the frame it was seen best in.
        boxes: Where it was in each of its frames, by frame index, ``x1, y1, x2, y2``.
    """

    number: int
    first: int
    last: int
    candidate: Candidate
    boxes: Mapping[int, tuple[int, int, int, int]]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A stretch of a track, or a candidate, that a person should look at.

    Attributes:
        first: Index of its first frame.
        last: Index of its last frame.
        score: How doubtful, 0 to 1.
        reasons: Why: ``weak``, ``one detector``, ``fast``, ``dark``, ``damaged``, ``small``,
            ``not a face``, ``probably not a person``.
        track_id: The track, or 0.
        candidate: Number of the candidate, or 0.
    """

    first: int
    last: int
    score: float
    reasons: tuple[str, ...]
    track_id: int = 0
    candidate: int = 0
