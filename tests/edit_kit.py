"""Analyses to edit: a few tracks of boxes that move as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
from analysis_kit import HEADER, write_analysis

from streamguard.analysis.records import (
    FrameRecord,
    FrameState,
    Header,
    StoredCandidate,
    StoredTrack,
)
from streamguard.edits.acts import Act
from streamguard.edits.edit import Edit
from streamguard.frames import Candidate, Cover, Frame, TrackFacts, Uncovered, Verdict
from streamguard.geometry import Box

FRAMES = 100
WIDTH, HEIGHT = 640, 480
PTS = 3003

Way = Callable[[int], Box]


def standing(x: float, y: float = 100, size: float = 40) -> Way:
    """Return the way of a face that stays at a place."""
    return lambda _: Box(x, y, x + size, y + size)


def walking(start: float, end: float, y: float = 100, size: float = 40) -> Way:
    """Return the way of a face that walks through the picture in all frames."""
    step = (end - start) / (FRAMES - 1)
    return lambda n: Box(start + step * n, y, start + step * n + size, y + size)


_HEADER = replace(HEADER, width=WIDTH, height=HEIGHT)


@dataclass
class Made:
    """A decision in memory, as an open analysis reads."""

    ways: Mapping[int, tuple[int, int, Way]]
    blind: Mapping[int, float] = field(default_factory=dict)
    lost: tuple[tuple[int, int], ...] = ()
    hits: int = 9
    slates: frozenset[int] = frozenset()
    read: int = 0
    header: Header = _HEADER
    frame_count: int = FRAMES

    def frames(self, first: int, last: int) -> Iterator[FrameRecord]:
        for index in range(first, min(last, FRAMES)):
            self.read += 1
            yield self.record(index)

    def record(self, index: int) -> FrameRecord:
        if index in self.slates:
            return FrameRecord(index, index * PTS, (), FrameState.DAMAGED, "damaged", WIDTH, HEIGHT)
        covers = tuple(
            Cover(way(index), track)
            for track, (first, last, way) in self.ways.items()
            if first <= index <= last
        )
        return FrameRecord(index, index * PTS, covers, width=WIDTH, height=HEIGHT)

    def tracks(self) -> Sequence[StoredTrack]:
        return [
            StoredTrack(
                track_id=track,
                label="face",
                first=first,
                last=last,
                best=first + 2,
                confidence=0.9,
                sources=("centerface",),
                hits=self.hits,
                misses=0,
                blind=self.blind.get(track, 0.0),
                luma=120.0,
                lost=self.lost,
            )
            for track, (first, last, _) in self.ways.items()
        ]

    def facts(self) -> Iterator[TrackFacts]:
        for track in self.tracks():
            yield TrackFacts(
                track_id=track.track_id,
                confidence=track.confidence,
                sources=track.sources,
                hits=track.hits,
                blind=track.blind,
                lost=track.lost,
            )

    def candidates(self) -> Sequence[StoredCandidate]:
        seen = Candidate(Box(500, 300, 540, 340), 0.15, Uncovered.WEAK)
        boxes = {40: (500, 300, 540, 340), 50: (520, 300, 560, 340)}
        return [StoredCandidate(1, 40, 50, seen, boxes)]


def apart() -> Made:
    """Three faces far from one another: two throughout, one from frame 20 to 79."""
    return Made(
        {
            1: (0, 99, standing(50)),
            2: (0, 99, standing(300)),
            3: (20, 79, standing(500)),
        }
    )


def crossing() -> Made:
    """Two faces that walk through one another, in the middle of the video."""
    return Made({1: (0, 99, walking(50, 550)), 2: (0, 99, walking(550, 50))})


def numbered(*acts: Act) -> list[Edit]:
    """Return acts as a log of edits."""
    return [
        Edit(act=act, actor="Ann", reason="a reason", number=n, time="2026-01-02T03:04:05+00:00")
        for n, act in enumerate(acts, 1)
    ]


def write(path: Path, made: Made) -> Path:
    """Write a decision as an analysis."""
    verdicts = []
    weak = {40: Box(500, 300, 540, 340), 50: Box(520, 300, 560, 340)}
    for index in range(FRAMES):
        picture = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        picture.pts = index * PTS
        record = made.record(index)
        seen = (Candidate(weak[index], 0.15, Uncovered.WEAK),) if index in weak else ()
        frame = Frame(picture, index, 33.4 * index, damage=record.reason)
        ended = tuple(made.facts()) if index == FRAMES - 1 else ()
        verdicts.append(Verdict(frame, record.covers, record.reason, seen, ended))
    return write_analysis(path, verdicts, header=made.header)
