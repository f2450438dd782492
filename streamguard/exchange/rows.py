"""What is hidden in every frame, upright, as other programs read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from streamguard.analysis.decision import DecisionWithDigest
from streamguard.analysis.reader import Analysis
from streamguard.analysis.records import FrameRecord, FrameState
from streamguard.edits.journal import edits_of
from streamguard.edits.placing import place
from streamguard.frames import Cover
from streamguard.geometry import Box
from streamguard.media.upright import Upright
from streamguard.outlines import BitMask, Outline, Polygon

SLATE = "slate"
"""Label of the box of a whole picture that is covered as a whole."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is hidden in one frame.

    Attributes:
        track_id: What it is, followed from frame to frame; 0 for a whole picture.
        person: Number of the person it belongs to, or 0.
        label: What kind of thing it is, such as ``face``, or `SLATE`.
        box: Where, in pixels of the upright picture; it may reach beyond the edges.
        outline: The same as it is covered, in pixels of the coded picture.
        source: Who says so: detectors, a person's edit, or why the whole picture is covered.
    """

    track_id: int
    person: int
    label: str
    box: Box
    outline: Outline
    source: str


@dataclass(frozen=True, slots=True)
class RowFrame:
    """One frame and what is hidden in it.

    Attributes:
        index: Position in presentation order, from 0.
        time: Seconds, as players count them.
        width: Width in pixels of the upright picture.
        height: Height of it.
        rows: What is hidden; none if nothing is.
        upright: How the coded picture is shown.
    """

    index: int
    time: Fraction
    width: int
    height: int
    rows: tuple[Row, ...]
    upright: Upright

    def areas(self, row: Row) -> Iterator[Polygon]:
        """Yield a row's outline as polygons of what is shown; a bit mask gives several."""
        for area in areas_of(row.outline):
            yield self.upright.shown_polygon(area)


@dataclass(frozen=True, slots=True)
class Boxes:
    """The boxes of an analysis, with its edits; they can be walked through several times.

    Attributes:
        decision: The analysis.
        covers: What is hidden in a frame, edits applied.
        sources: Who found each track, by its number.
        persons: The person that a track belongs to, by the track's number.
        edits: SHA-256 of the edits; empty if there are none.
    """

    decision: DecisionWithDigest
    covers: Callable[[FrameRecord], tuple[Cover, ...]]
    sources: Mapping[int, str]
    persons: Mapping[int, int]
    edits: str = ""

    def __iter__(self) -> Iterator[RowFrame]:
        """Yield every frame in order."""
        return self.walk()

    def walk(self, with_rows: bool = True) -> Iterator[RowFrame]:
        """Yield every frame in order.

        Args:
            with_rows: Whether to say what is hidden in it.
        """
        header = self.decision.header
        for record in self.decision.frames(0, self.decision.frame_count):
            upright = header.upright(record)
            time = (record.pts or 0) * header.time_base
            rows = self._rows(record, upright) if with_rows else ()
            yield RowFrame(record.index, time, *upright.size, rows, upright)

    def _rows(self, record: FrameRecord, upright: Upright) -> tuple[Row, ...]:
        if record.state is not FrameState.JUDGED:
            whole = Box(0, 0, *upright.size)
            coded = Box(0, 0, upright.width, upright.height)
            reason = record.reason or record.state.name.lower()
            return (Row(0, 0, SLATE, whole, coded, reason),)
        return tuple(self._row(cover, upright) for cover in self.covers(record))

    def _row(self, cover: Cover, upright: Upright) -> Row:
        number = cover.track_id
        return Row(
            number,
            self.persons.get(number, 0),
            cover.label,
            upright.shown(cover.box),
            cover.outline,
            self.sources.get(number, "edit"),
        )


def boxes_of(analysis: Analysis) -> Boxes:
    """Return the boxes of an open analysis, its edits applied.

    Raises:
        EditError: An edit cannot be placed, or the log of edits was changed.
    """
    log, digest = edits_of(analysis)
    placed = place(analysis, log)
    found = {track.track_id: "+".join(track.sources) for track in analysis.tracks()}
    parts = placed.edited.parts
    sources = {n: found[part.origin] for n, part in parts.items() if part.origin in found}
    persons = {number: part.person for number, part in parts.items() if part.person}
    return Boxes(analysis, placed.apply, sources, persons, digest if log else "")


def rectangle(box: Box) -> Polygon:
    """Return a box as a polygon of four corners."""
    return Polygon(((box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), (box.x1, box.y2)))


def areas_of(outline: Outline) -> tuple[Polygon, ...]:
    """Return an outline as polygons; a bit mask gives one for each run of cells in a row."""
    match outline:
        case Box():
            return (rectangle(outline),)
        case Polygon():
            return (outline,)
        case BitMask():
            return tuple(rectangle(box) for box in _runs(outline))


def _runs(mask: BitMask) -> Iterator[Box]:
    cells = np.unpackbits(np.frombuffer(mask.bits, np.uint8), count=mask.columns * mask.rows)
    wide, tall = mask.box.width / mask.columns, mask.box.height / mask.rows
    for row, line in enumerate(cells.reshape(mask.rows, mask.columns)):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], line, [0])).astype(np.int8)))
        for start, end in edges.reshape(-1, 2).tolist():
            x, y = mask.box.x1, mask.box.y1 + row * tall
            yield Box(x + start * wide, y, x + end * wide, y + tall)
