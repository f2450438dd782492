"""One of two people who cross is left clear: that face is bare, and the other never is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from bare_kit import bare_frames
from crossing_kit import CROSSINGS, FRAMES, Shown, draw
from numpy.typing import NDArray

import streamguard
from streamguard.analysis.reader import Analysis, open_analysis
from streamguard.edits.acts import Clear, Confirm
from streamguard.edits.edit import Edit
from streamguard.edits.placing import Placed, Withheld, place
from streamguard.geometry import Box, containment, iou

_LOOK = 4
"""The frame in which somebody points at the face."""
_BARE = 0.95
_SLIVER = 0.05
"""Share of a face beside the one in front of it that only the cover of the latter hid."""
_CLEAR_AT_THE_END = {("apart", 0), ("apart", 1), ("in front", 0), ("behind", 1)}
"""Who is followed all the way through: the one in front."""


def pointed_at(decision: Analysis, frame: int, face: Box) -> int:
    """Return the track whose cover is over a face in a frame."""
    (record,) = decision.frames(frame, frame + 1)
    return max(record.covers, key=lambda c: containment(c.box, face)).track_id


def placed(decision: Analysis, acts: Sequence[Clear | Confirm]) -> Placed:
    log = [Edit(act=act, actor="Ann", reason="x", number=n) for n, act in enumerate(acts, 1)]
    return place(decision, log)


def bareness(
    clip: Path, decision: Analysis, edited: Placed, shown: Sequence[Shown], who: int
) -> tuple[list[float], list[float]]:
    """Return how bare the clear face is in each frame, and how much barer the other is."""
    mine, others = [], []
    frames = bare_frames(clip, decision, [None, edited])
    for (before, after), there in zip(frames, shown, strict=True):
        face, other = there.visible[who], there.visible[1 - who]
        mine.append(float((after & face).sum() / max(1, face.sum())))
        others.append(float((after & ~before & other).sum() / there.faces[1 - who].area))
    return mine, others


def is_the_same(
    decision: Analysis, track: int, there: Sequence[Shown], who: int, held: Withheld
) -> bool:
    """Return what a person sees who watches a stretch, with the track's cover as an outline."""
    first, last = held.confirm
    for record in decision.frames(first, min(last + 2, FRAMES)):
        mine, other = there[record.index].faces[who], there[record.index].faces[1 - who]
        boxes = [cover.box for cover in record.covers if cover.track_id == track]
        if not boxes or any(iou(box, other) > iou(box, mine) for box in boxes):
            return False
    return last + 1 < FRAMES


def looked_at(
    decision: Analysis, track: int, shown: Sequence[Shown], who: int
) -> list[Clear | Confirm]:
    """Return what a person says who points at a face, and confirms what is the same one."""
    said: list[Clear | Confirm] = [Clear(track=track, at=_LOOK)]
    while held := [w for w in placed(decision, said).withheld() if w.confirm[0] > _LOOK]:
        if not is_the_same(decision, track, shown, who, held[0]):
            break
        said.append(Confirm(track=track, first=held[0].confirm[0], last=held[0].confirm[1]))
    return said


@pytest.mark.parametrize("name", CROSSINGS)
def test_who_crosses_somebody_clear_is_never_barer(
    tmp_path: Path, astronaut: NDArray[np.uint8], name: str
) -> None:
    clip = tmp_path / "crossing.mp4"
    shown = draw(clip, astronaut, CROSSINGS[name])
    streamguard.analyze(clip, tmp_path / "crossing.analysis")
    with closing(open_analysis(tmp_path / "crossing.analysis")) as decision:
        for who in (0, 1):
            track = pointed_at(decision, _LOOK, shown[_LOOK].faces[who])
            said = looked_at(decision, track, shown, who)
            mine, others = bareness(clip, decision, placed(decision, said[:1]), shown, who)
            assert max(others) == 0
            assert min(mine[1:15]) > _BARE
            mine, others = bareness(clip, decision, placed(decision, said), shown, who)
            assert max(others) < _SLIVER
            if (name, who) in _CLEAR_AT_THE_END:
                assert min(mine[-10:]) > _BARE
