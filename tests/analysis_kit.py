"""Analyses for tests: of frames that nobody decoded, with covers that nobody detected."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from streamguard.analysis.records import FileRecord, Header
from streamguard.analysis.writer import AnalysisWriter
from streamguard.frames import Candidate, Cover, Frame, TrackFacts, Verdict
from streamguard.geometry import Box

HEADER = Header(
    files=(FileRecord("clip.mp4", 1234, "ab" * 32),),
    width=64,
    height=48,
    pix_fmt="yuv420p",
    time_base=Fraction(1, 90_000),
    frame_rate=Fraction(30_000, 1001),
    quarter_turns=1,
    color={"range": 1, "space": 2},
    settings={"quality": "balanced", "redaction": {"padding": 0.25}},
    versions={"streamguard": "0.1.0"},
    models={"net.onnx": "cd" * 32},
    created="2026-01-02T03:04:05+00:00",
)


def verdict(
    index: int,
    covers: Sequence[Cover] = (),
    *,
    pts: int | None = -1,
    damage: str = "",
    slate: str = "",
    candidates: Sequence[Candidate] = (),
    ended: Sequence[TrackFacts] = (),
) -> Verdict:
    """Return a verdict of a frame of 64 by 48 pixels; ``pts`` follows the index when -1."""
    picture = av.VideoFrame(64, 48, "yuv420p")
    picture.pts = 3003 * index if pts == -1 else pts
    frame = Frame(picture, index, 33.4 * index, damage=damage)
    return Verdict(frame, tuple(covers), slate or damage, tuple(candidates), tuple(ended))


def moving(track_id: int, index: int) -> Cover:
    """Return the cover of a track that moves on by one pixel each frame."""
    x, y = float(index % 40), float(3 * track_id)
    return Cover(Box(x, y, x + 10, y + 12), track_id)


def write_analysis(
    path: Path, verdicts: Sequence[Verdict], *, header: Header = HEADER, overwrite: bool = False
) -> Path:
    """Write an analysis and return its path; the input beside it is made if it is missing."""
    source = path.parent / "clip.mp4"
    source.touch()
    writer = AnalysisWriter(path, header, source=source, overwrite=overwrite)
    for each in verdicts:
        writer.add(each)
    writer.finish()
    return path
