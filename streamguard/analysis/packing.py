"""Frames and covers as compressed columns, and back. docs/analysis.md describes the layout."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from streamguard.analysis.columns import damaged, pack_columns, parsed, printed, unpack_columns
from streamguard.analysis.outline_text import outlines_from, text_of
from streamguard.analysis.records import FrameRecord, FrameState
from streamguard.errors import AnalysisError
from streamguard.frames import Cover
from streamguard.geometry import Box
from streamguard.outlines import BitMask, Outline, Polygon, bounds, to_pixels
from streamguard.settings import Effect

CHUNK_FRAMES = 64
"""Frames in one chunk; fewer in the last one, and where a crowd fills it sooner."""
CHUNK_WEIGHT = 2**16
"""Covers that fill a chunk; polygons and masks count for as many more as they are large."""
MAX_FRAMES = 1024
MAX_COVERS = 2**18
"""A chunk that claims more frames or covers is refused: a stranger's file must not eat memory."""

CoverKind = tuple[str, Effect | None]
"""Label and effect of a cover."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PackedChunk:
    """Some consecutive frames as they stand in the file.

    Attributes:
        first: Index of the first frame.
        frames: Number of frames.
        covers: Number of covers of all of them.
        frame_data: Columns of the frames.
        cover_data: Columns of the covers.
        outline_data: Polygons and bit masks; empty if there is none.
        words: Labels, effects and reasons, as JSON.
    """

    first: int
    frames: int
    covers: int
    frame_data: bytes
    cover_data: bytes
    outline_data: bytes
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some consecutive frames as arrays; ``n`` frames with ``m`` covers, in frame order.

    Attributes:
        first: Index of the first frame.
        pts: Time stamps, ``int64``, shape ``(n,)``.
        timed: Whether each frame has a time stamp, ``bool``, shape ``(n,)``.
        states: A `FrameState` each, ``int64``, shape ``(n,)``.
        reasons: Index into ``texts``, ``int64``, shape ``(n,)``.
        sizes: Width and height in pixels, ``int64``, shape ``(n, 2)``.
        starts: Where the covers of each frame begin, ``int64``, shape ``(n + 1,)``.
        tracks: Track of each cover, ``int32``, shape ``(m,)``.
        boxes: Bounds ``x1, y1, x2, y2`` of each cover in pixels, ``int32``, shape ``(m, 4)``.
        kinds: Index into ``names``, ``int32``, shape ``(m,)``.
        forms: 0 for a box, else 1 + index into ``outlines``, ``int32``, shape ``(m,)``.
        names: Labels and effects.
        texts: Reasons for slates.
        outlines: Polygons and bit masks.
    """

    first: int
    pts: NDArray[np.int64]
    timed: NDArray[np.bool_]
    states: NDArray[np.int64]
    reasons: NDArray[np.int64]
    sizes: NDArray[np.int64]
    starts: NDArray[np.int64]
    tracks: NDArray[np.int32]
    boxes: NDArray[np.int32]
    kinds: NDArray[np.int32]
    forms: NDArray[np.int32]
    names: tuple[CoverKind, ...]
    texts: tuple[str, ...]
    outlines: tuple[Outline, ...]

    def __len__(self) -> int:
        return len(self.pts)

    def record(self, number: int) -> FrameRecord:
        """Return one frame of the chunk; ``number`` counts from its first."""
        start, end = int(self.starts[number]), int(self.starts[number + 1])
        width, height = self.sizes[number].tolist()
        return FrameRecord(
            self.first + number,
            int(self.pts[number]) if self.timed[number] else None,
            tuple(self._covers(start, end)),
            FrameState(int(self.states[number])),
            self.texts[int(self.reasons[number])],
            width,
            height,
        )

    def _covers(self, start: int, end: int) -> Iterator[Cover]:
        part = slice(start, end)
        boxes = self.boxes[part].astype(np.float64).tolist()
        columns = zip(
            boxes,
            self.tracks[part].tolist(),
            self.kinds[part].tolist(),
            self.forms[part].tolist(),
            strict=True,
        )
        for corners, track_id, kind, form in columns:
            outline = self.outlines[form - 1] if form else Box(*corners)
            yield Cover(outline, track_id, *self.names[kind])


def pack(records: Sequence[FrameRecord]) -> PackedChunk:
    """Return consecutive frames as they stand in the file.

    Raises:
        AnalysisError: A number does not fit, or there are too many covers.
    """
    names: dict[CoverKind, int] = {}
    texts: dict[str, int] = {}
    outlines: list[Outline] = []
    frames, covers = [], []
    previous = 0
    for number, record in enumerate(records):
        previous = previous if record.pts is None else record.pts
        timed, reason = record.pts is not None, _number(texts, record.reason)
        frames.append((previous, timed, record.state, reason, record.width, record.height))
        for place, cover in enumerate(record.covers):
            sides = corners(cover.outline)
            outline = to_pixels(cover.outline)
            form = 0
            if not isinstance(outline, Box):
                outlines.append(outline)
                form = len(outlines)
            kind = _number(names, (cover.label, cover.effect))
            covers.append((cover.track_id, number, place, kind, form, *sides))
    if len(covers) > MAX_COVERS:
        raise AnalysisError(f"frame {records[0].index} has {len(covers)} covers")
    # Side by side, the covers of one track differ least from one another.
    covers.sort()
    return PackedChunk(
        records[0].index,
        len(frames),
        len(covers),
        pack_columns(frames, 6, np.int64),
        pack_columns(covers, 9, np.int32),
        text_of(outlines),
        json.dumps({"kinds": list(names), "reasons": list(texts)}, ensure_ascii=False),
    )


def unpack(packed: PackedChunk) -> Chunk:
    """Return the frames of a chunk as arrays.

    Raises:
        AnalysisError: It is damaged, or made to look so.
    """
    if not 0 < packed.frames <= MAX_FRAMES or not 0 <= packed.covers <= MAX_COVERS:
        raise damaged(f"frames from {packed.first} on")
    frames = unpack_columns(packed.frame_data, 6, packed.frames, np.int64)
    covers = unpack_columns(packed.cover_data, 9, packed.covers, np.int32)
    names, texts = _words(packed.words)
    outlines = outlines_from(packed.outline_data)
    _check(frames[2], len(FrameState))
    _check(frames[3], len(texts))
    _check(covers[1], packed.frames)
    _check(covers[3], len(names))
    _check(covers[4], len(outlines) + 1)
    counts = np.bincount(covers[1], minlength=packed.frames)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    _check(covers[2], counts[covers[1]])
    order = np.full(packed.covers, -1, np.int64)
    order[starts[covers[1]] + covers[2]] = np.arange(packed.covers)
    _check(order, packed.covers)
    covers = covers[:, order]
    return Chunk(
        packed.first,
        frames[0],
        frames[1] != 0,
        frames[2],
        frames[3],
        np.ascontiguousarray(frames[4:6].T),
        starts,
        covers[0],
        np.ascontiguousarray(covers[5:9].T),
        covers[3],
        covers[4],
        names,
        texts,
        outlines,
    )


def corners(outline: Outline) -> tuple[int, int, int, int]:
    """Return the bounds ``x1, y1, x2, y2`` of an outline in whole pixels, rounded outward.

    Raises:
        AnalysisError: It has none: a side is infinite or not a number.
    """
    box = bounds(outline)
    points = outline.points if isinstance(outline, Polygon) else ()
    if not box.is_finite or not all(math.isfinite(side) for point in points for side in point):
        raise AnalysisError(f"a cover at {box} cannot be kept")
    return math.floor(box.x1), math.floor(box.y1), math.ceil(box.x2), math.ceil(box.y2)


def weight_of(record: FrameRecord) -> int:
    """Return how much of a chunk a frame fills."""
    weight = len(record.covers)
    for cover in record.covers:
        match cover.outline:
            case Polygon(points):
                weight += len(points) // 4
            case BitMask(bits=bits):
                weight += len(bits) // 32
    return weight


def _number(known: dict[_T, int], value: _T) -> int:
    return known.setdefault(value, len(known))


def _check(numbers: NDArray[Any], limit: int | NDArray[Any]) -> None:
    if ((numbers < 0) | (numbers >= limit)).any():
        raise damaged("a chunk of frames")


def _legible(reason: object) -> str:
    """Return a reason as a picture and a terminal can show it; it may be a decoder's words."""
    return "".join(c if c.isprintable() else "?" for c in str(reason))


def _words(text: str) -> tuple[tuple[CoverKind, ...], tuple[str, ...]]:
    try:
        words = parsed(text)
        kinds = tuple(
            (printed(label), None if effect is None else Effect(effect))
            for label, effect in words["kinds"]
        )
        return kinds, tuple(map(_legible, words["reasons"]))
    except (ValueError, TypeError, KeyError) as error:
        raise damaged("the words of a chunk") from error
