"""A decision that is written down, given to the very frames it was made for, and to no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import av
import pytest

from streamguard.analysis.records import FrameRecord, FrameState
from streamguard.errors import AnalysisError
from streamguard.frames import Cover, Frame
from streamguard.geometry import Box
from streamguard.judges.replay import Replay

COVERS = (Cover(Box(4, 4, 20, 20), 1), Cover(Box(30, 8, 40, 20), 2))


class Records:
    """A decision that was made for these frames."""

    def __init__(self, records: Sequence[FrameRecord]) -> None:
        self._records = records
        self.frame_count = len(records)

    def frames(self, first: int, last: int) -> Iterator[FrameRecord]:
        yield from self._records[first:last]


def frame_of(index: int, pts: int | None = None, width: int = 64, damage: str = "") -> Frame:
    picture = av.VideoFrame(width, 48, "yuv420p")
    picture.pts, picture.time_base = index if pts is None else pts, Fraction(1, 25)
    return Frame(picture, index, 40.0 * index, damage=damage)


def record_of(index: int) -> FrameRecord:
    return FrameRecord(index, index, COVERS, width=64, height=48)


def records(count: int = 5) -> Records:
    return Records([record_of(index) for index in range(count)])


def test_every_frame_gets_what_was_decided_for_it_at_once() -> None:
    replay = Replay(records())
    for index in range(5):
        frame = frame_of(index)
        (verdict,) = replay.push(frame)
        assert verdict.frame is frame
        assert (verdict.covers, verdict.slate) == (COVERS, "")
    assert replay.finish() == []


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (frame_of(2), "frame 2 comes where frame 1 was judged"),
        (frame_of(1, pts=7), "time stamp 7, 1 was judged"),
        (frame_of(1, width=128), "128x48 pixels, 64x48 were judged"),
    ],
)
def test_a_frame_that_was_not_judged_is_an_error(frame: Frame, words: str) -> None:
    replay = Replay(records())
    replay.push(frame_of(0))
    with pytest.raises(AnalysisError, match=words):
        replay.push(frame)


def test_frames_too_many_or_too_few_are_an_error() -> None:
    replay = Replay(records(2))
    replay.push(frame_of(0))
    with pytest.raises(AnalysisError, match="it has 1 frames, 2 were judged"):
        replay.finish()
    replay.push(frame_of(1))
    with pytest.raises(AnalysisError, match="more frames than the 2"):
        replay.push(frame_of(2))


def test_a_record_that_is_missing_in_the_middle_is_an_error() -> None:
    replay = Replay(Records([record_of(0), record_of(2)]))
    replay.push(frame_of(0))
    with pytest.raises(AnalysisError, match="frame 1 comes where frame 2"):
        replay.push(frame_of(1))


@pytest.mark.parametrize(
    ("damage", "state", "reason", "slate"),
    [
        ("damaged now", FrameState.JUDGED, "", "damaged now"),
        ("damaged now", FrameState.DAMAGED, "damaged then", "damaged now"),
        ("", FrameState.DAMAGED, "damaged then", "damaged then"),
        ("", FrameState.DAMAGED, "", "damaged"),
        ("", FrameState.SLATE, "too slow", "too slow"),
        ("", FrameState.SLATE, "", "not judged"),
        ("", FrameState.JUDGED, "why not", "why not"),
    ],
)
def test_damage_now_or_then_is_a_slate(
    damage: str, state: FrameState, reason: str, slate: str
) -> None:
    replay = Replay(Records([replace(record_of(0), state=state, reason=reason)]))
    (verdict,) = replay.push(frame_of(0, damage=damage))
    assert (verdict.slate, verdict.covers) == (slate, ())
    if state is FrameState.DAMAGED:
        assert verdict.frame.damage == slate


def test_edits_have_the_last_word_on_whole_frames_only() -> None:
    class FirstOnly:
        def painted(self, record: FrameRecord) -> tuple[Cover, ...]:
            return record.covers[:1]

    broken = replace(record_of(1), state=FrameState.DAMAGED, reason="damaged", covers=())
    replay = Replay(Records([record_of(0), broken]), FirstOnly())
    assert replay.push(frame_of(0))[0].covers == COVERS[:1]
    assert replay.push(frame_of(1))[0].slate == "damaged"
