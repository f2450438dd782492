"""Frames, covers and candidates as columns: whatever they are, they come back as they were."""

from __future__ import annotations

import math
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from analysis_kit import HEADER, verdict, write_analysis
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from streamguard.analysis.candidate_groups import CandidateGroups
from streamguard.analysis.candidates import pack_candidates, unpack_candidates
from streamguard.analysis.columns import inflate, pack_columns, unpack_columns
from streamguard.analysis.outline_text import outlines_from
from streamguard.analysis.packing import MAX_COVERS, pack, unpack, weight_of
from streamguard.analysis.reader import open_analysis
from streamguard.analysis.records import FrameRecord, FrameState, StoredCandidate
from streamguard.analysis.writer import record_of
from streamguard.errors import AnalysisError
from streamguard.frames import Candidate, Cover, Uncovered
from streamguard.geometry import Box
from streamguard.outlines import BitMask, Outline, Polygon, to_pixels
from streamguard.settings import Effect

few = hypothesis_settings(max_examples=60, deadline=None)
sides = st.floats(-100_000, 100_000)
boxes = st.builds(Box, sides, sides, sides, sides)
points = st.tuples(sides, sides)
polygons = st.builds(Polygon, st.lists(points, min_size=3, max_size=9).map(tuple))


@st.composite
def masks(draw: st.DrawFn) -> BitMask:
    columns, rows = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    size = (columns * rows + 7) // 8
    return BitMask(draw(boxes), columns, rows, draw(st.binary(min_size=size, max_size=size)))


covers = st.builds(
    Cover,
    st.one_of(boxes, boxes, polygons, masks()),
    st.integers(0, 2**31 - 1),
    st.text(st.characters(exclude_categories=("C", "Z")), max_size=9),
    st.none() | st.sampled_from(Effect),
)
stamps = st.none() | st.integers(-(2**63), 2**63 - 1)


@st.composite
def records(draw: st.DrawFn) -> list[FrameRecord]:
    first = draw(st.integers(0, 2**40))
    return [
        FrameRecord(
            first + n,
            draw(stamps),
            tuple(draw(st.lists(covers, max_size=4))),
            draw(st.sampled_from(FrameState)),
            draw(st.sampled_from(["", "torn", "außer Takt"])),
            draw(st.integers(1, 20_000)),
            draw(st.integers(1, 20_000)),
        )
        for n in range(draw(st.integers(1, 12)))
    ]


def in_pixels(record: FrameRecord) -> FrameRecord:
    whole = tuple(replace(cover, outline=to_pixels(cover.outline)) for cover in record.covers)
    return replace(record, covers=whole)


@few
@given(records())
def test_frames_come_back(frames: list[FrameRecord]) -> None:
    packed = pack(frames)
    chunk = unpack(packed)
    assert (packed.first, packed.frames) == (frames[0].index, len(frames))
    assert packed.covers == sum(len(frame.covers) for frame in frames)
    assert [chunk.record(n) for n in range(len(chunk))] == [in_pixels(f) for f in frames]


@few
@given(records())
def test_the_arrays_say_the_same(frames: list[FrameRecord]) -> None:
    chunk = unpack(pack(frames))
    flat = [(n, cover) for n, frame in enumerate(frames) for cover in frame.covers]
    assert chunk.tracks.tolist() == [cover.track_id for _, cover in flat]
    assert np.diff(chunk.starts).tolist() == [len(frame.covers) for frame in frames]
    assert chunk.timed.tolist() == [frame.pts is not None for frame in frames]
    assert chunk.states.tolist() == [frame.state for frame in frames]
    assert chunk.sizes.tolist() == [[frame.width, frame.height] for frame in frames]
    whole = [to_pixels(cover.outline) for _, cover in flat]
    expected = [o if isinstance(o, Box) else o.box for o in whole]
    for row, box in zip(chunk.boxes.tolist(), expected, strict=True):
        x1, y1, x2, y2 = row
        # A polygon's corners go to the nearest pixel, its bounds outward.
        assert x1 <= box.x1 <= x1 + 1
        assert y2 - 1 <= box.y2 <= y2
        assert y1 <= box.y1
        assert x2 >= box.x2


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.lists(records(), min_size=1, max_size=3))
def test_an_analysis_gives_back_what_it_was_given(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[FrameRecord]]
) -> None:
    frames = [record for part in parts for record in part]
    verdicts = [
        verdict(
            n,
            record.covers,
            pts=record.pts,
            damage="torn" if record.state is FrameState.DAMAGED else "",
            slate="stopped" if record.state is FrameState.SLATE else "",
        )
        for n, record in enumerate(frames)
    ]
    path = write_analysis(tmp_path_factory.mktemp("a") / "a.analysis", verdicts)
    analysis = open_analysis(path)
    try:
        assert list(analysis.frames()) == [in_pixels(record_of(v)) for v in verdicts]
        middle = len(frames) // 2
        assert [r.index for r in analysis.frames(middle)] == list(range(middle, len(frames)))
        assert [r.index for r in analysis.frames(0, middle)] == list(range(middle))
    finally:
        analysis.close()


places = st.tuples(*[st.integers(-(2**20), 2**20)] * 4)


@st.composite
def candidates(draw: st.DrawFn, number: int) -> StoredCandidate:
    seen = draw(st.dictionaries(st.integers(0, 2**30), places, min_size=1, max_size=5))
    best = Candidate(
        Box(*map(float, draw(places))),
        draw(st.integers(0, 1000)) / 1000,
        draw(st.sampled_from(Uncovered)),
        draw(st.integers(0, 2**31 - 1)),
        draw(st.sampled_from(["face", "code", "weak"])),
    )
    return StoredCandidate(number, min(seen), max(seen), best, seen)


@few
@given(st.integers(1, 2**40), st.data())
def test_candidates_come_back(first: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 6))
    stored = [data.draw(candidates(first + n)) for n in range(count)]
    assert list(unpack_candidates(pack_candidates(stored))) == stored


@given(st.lists(st.tuples(*[st.integers(-(2**31), 2**31 - 1)] * 3), max_size=30))
def test_columns_come_back(rows: list[tuple[int, ...]]) -> None:
    data = pack_columns(rows, 3, np.int32)
    assert unpack_columns(data, 3, len(rows), np.int32).T.tolist() == [list(row) for row in rows]
    for length in {len(rows) + 1, max(0, len(rows) - 1)} - {len(rows)}:
        with pytest.raises(AnalysisError):
            unpack_columns(data, 3, length, np.int32)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_what_unpacks_to_more_than_it_may_is_refused(raw: bytes, limit: int) -> None:
    data = zlib.compress(raw)
    if len(raw) <= limit:
        assert inflate(data, limit) == raw
    else:
        with pytest.raises(AnalysisError):
            inflate(data, limit)
    for wrong in (data[:-1], data + b"x", b""):
        with pytest.raises(AnalysisError):
            inflate(wrong, 200)


@pytest.mark.parametrize(
    "outline",
    [
        Box(math.nan, 0, 1, 1),
        Box(0, 0, math.inf, 1),
        Box(0, 0, 1e12, 1),
        Polygon(((0.0, 0.0), (1.0, 1.0), (math.inf, 0.0))),
        Polygon(((0.0, 0.0), (1.0, math.nan), (1.0, 0.0))),
        BitMask(Box(0, 0, 1e300, 1), 1, 1, b"\0"),
    ],
)
def test_a_cover_without_a_place_is_an_error(outline: Outline) -> None:
    with pytest.raises(AnalysisError):
        pack([FrameRecord(0, 0, (Cover(outline, 1),))])


def test_more_covers_than_can_be_read_are_not_written() -> None:
    many = (Cover(Box(0, 0, 1, 1), 1),) * (MAX_COVERS + 1)
    with pytest.raises(AnalysisError, match="covers"):
        pack([FrameRecord(0, 0, many)])
    mask = BitMask(Box(0, 0, 9, 9), 8000, 8000, bytes(8_000_000))
    with pytest.raises(AnalysisError, match="do not fit"):
        pack([FrameRecord(0, 0, (Cover(mask, 1),))])


def test_large_outlines_fill_a_chunk_sooner(tmp_path: Path) -> None:
    mask = BitMask(Box(0, 0, 9, 9), 1000, 1000, bytes(125_000))
    assert weight_of(FrameRecord(0, 0, (Cover(mask, 1), Cover(mask, 2)))) > 7000
    verdicts = [verdict(n, [Cover(mask, track) for track in range(10)]) for n in range(6)]
    path = write_analysis(tmp_path / "a.analysis", verdicts)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT frames FROM chunks").fetchall() == [(2,), (2,), (2,)]
    connection.close()
    analysis = open_analysis(path)
    assert [len(record.covers) for record in analysis.frames()] == [10] * 6
    analysis.close()


def seen(confidence: float, x: float = 0.0, **more: object) -> Candidate:
    return Candidate(Box(x, 0, x + 10, 10), confidence, Uncovered.WEAK, **more)  # type: ignore[arg-type]


def grouped(looks: Sequence[tuple[int, list[Candidate]]]) -> list[StoredCandidate]:
    groups = CandidateGroups()
    done = [stored for index, each in looks for stored in groups.add(index, each)]
    return done + groups.finish()


def test_candidates_at_one_place_are_one() -> None:
    (one,) = grouped([(0, [seen(0.1)]), (9, [seen(0.3, 2.0)]), (18, [seen(0.2, 4.0)])])
    assert (one.number, one.first, one.last) == (1, 0, 18)
    assert one.candidate == seen(0.3, 2.0)
    assert one.boxes == {0: (0, 0, 10, 10), 9: (2, 0, 12, 10), 18: (4, 0, 14, 10)}


def test_candidates_elsewhere_later_or_of_another_kind_are_others() -> None:
    looks = [(0, [seen(0.1), seen(0.1, 50.0), seen(0.1, label="code")]), (40, [seen(0.1)])]
    assert [(s.first, s.last) for s in grouped(looks)] == [(0, 0)] * 3 + [(40, 40)]
    # What belongs to one track is one, however it moved.
    track = [(n, [seen(0.1, 100.0 * n, track_id=5)]) for n in range(4)]
    assert [(s.first, s.last) for s in grouped(track)] == [(0, 3)]


def test_a_candidate_without_end_does_not_fill_memory() -> None:
    found = grouped([(n, [seen(0.1)]) for n in range(2500)])
    assert max(len(stored.boxes) for stored in found) < 1000
    assert sum(len(stored.boxes) for stored in found) == 2500


def test_when_it_was_committed_changes_nothing(tmp_path: Path) -> None:
    from streamguard.analysis.writer import AnalysisWriter

    digests = []
    for often in (False, True):
        (tmp_path / "clip.mp4").touch()
        path = tmp_path / f"{often}.analysis"
        writer = AnalysisWriter(path, HEADER, source=tmp_path / "clip.mp4")
        for n in range(150):
            if often:
                writer._committed = 0.0
            writer.add(verdict(n, [Cover(Box(n, 0, n + 9, 9), 1)], candidates=[seen(0.2)]))
        writer.finish()
        analysis = open_analysis(path)
        digests.append(analysis.decision_digest)
        analysis.close()
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "[7]",
        '[{"polygon": [[1, 1], [2, 2]]}]',
        '[{"polygon": [[1, 1], [2, 2], [3, 1e9]]}]',
        '[{"polygon": [[1, 1], [2, 2], [3, 99999999999]]}]',
        '[{"box": [0, 0, 9, 9], "columns": 8, "rows": 2, "bits": "AA=="}]',
        '[{"box": [0, 0, 9, 9], "columns": 8, "rows": 1, "bits": "A"}]',
        '[{"box": [0, 0, 9, 9], "columns": -8, "rows": -1, "bits": "AA=="}]',
        '[{"box": [0, 0, 9], "columns": 8, "rows": 1, "bits": "AA=="}]',
        "[" * 100_000,
    ],
)
def test_an_outline_that_makes_no_sense_is_refused(text: str) -> None:
    good = '[{"box": [0, 0, 9, 9], "columns": 8, "rows": 1, "bits": "AA=="}]'
    assert outlines_from(zlib.compress(good.encode()))
    with pytest.raises(AnalysisError):
        outlines_from(zlib.compress(text.encode()))
