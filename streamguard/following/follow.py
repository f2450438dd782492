"""The Python API to a box that a person draws in one frame, and that is followed both ways."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from streamguard.analysis.identity import check_identity
from streamguard.analysis.reader import Analysis, open_analysis
from streamguard.detection.finder import Finder
from streamguard.detection.looks import Role
from streamguard.detection.registry import make_detector
from streamguard.edits.acts import BoxAt, Follow, Pixels
from streamguard.errors import EditError
from streamguard.faults import letting_go
from streamguard.following.footage import Footage
from streamguard.following.pursuit import Pursuit, SmallPicture
from streamguard.geometry import Box
from streamguard.memory import give_back
from streamguard.outlines import to_pixels
from streamguard.runs.analysis_input import as_decided, input_of
from streamguard.settings import DEFAULTS, Settings
from streamguard.sources import open_source
from streamguard.stages import Stage, run_alone
from streamguard.tracking.paths import joined, unsure_spans
from streamguard.tracking.trail import Step

_DETECTOR = "centerface"
_THRESHOLD = 0.12
"""Confidence from which a look counts; what is near to where flow leads needs no more."""
_FIRST, _LAST = "first frame", "last frame"


@dataclass(frozen=True, slots=True)
class End:
    """Where following ended.

    Attributes:
        frame: Index of the last frame that is covered, in the direction it went.
        reason: ``cut``, ``left the picture``, ``lost``, ``damaged frame``, ``first frame`` or
            ``last frame``.
        is_back: Whether it went back in time.
    """

    frame: int
    reason: str
    is_back: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of following a box.

    Attributes:
        act: An edit that covers it: hand it to `Editor.add`.
        ends: Where following ended, in the order of frames. With one drawn box there are two;
            with more of them also those between.
        unsure: First and last frame of each stretch in which nothing vouches for its place; the
            box is larger there.
    """

    act: Follow
    ends: tuple[End, ...]
    unsure: tuple[tuple[int, int], ...]


def follow(
    analysis: str | os.PathLike[str],
    boxes: Mapping[int, Pixels],
    settings: Settings = DEFAULTS,
    *,
    label: str = "face",
    source: str | os.PathLike[str] | None = None,
    cancelled: threading.Event | None = None,
) -> Followed:
    """Follow what a person drew a box round, both ways, until it leaves or a cut comes.

    Nothing is written; hand the act that is returned to an editor::

        found = streamguard.follow("street.mp4.analysis", {120: (400, 180, 460, 260)})
        with streamguard.edit("street.mp4.analysis", actor="Ann") as editor:
            editor.add(found.act, reason="missed")

    Args:
        analysis: The file that `analyze` or `anonymize` wrote.
        boxes: Where it was drawn, by the index of the frame, ``x1, y1, x2, y2`` in coded pixels.
            With more than one the path passes exactly through each of them.
        settings: Limits on the input and on memory.
        label: What kind of thing it is.
        source: The input, or the folder that holds it; the analysis' own folder when None.
        cancelled: Set it from anywhere to stop.

    Raises:
        EditError: A box is empty or lies outside the picture, or a frame is not there.
        AnalysisError: The analysis is damaged or unfinished, or the input is another one.
        SourceError: The input cannot be read.
        ModelError: The embedded model is missing or damaged.
        DetectionError: The detector failed.
        StalledError: Nothing moved for ``settings.stall_timeout`` seconds.
        CancelledError: ``cancelled`` was set.
    """
    stop = cancelled or threading.Event()
    decision = open_analysis(Path(analysis))
    results: list[Followed] = []
    with letting_go(decision.close):
        anchors = _checked(boxes, decision)
        path = input_of(Path(analysis), source, decision)
        options = as_decided(settings, decision).input
        with letting_go((opened := open_source(path, options, stop)).close):
            check_identity(decision.header, opened.files_read, stop)

        def work(stage: Stage) -> None:
            with ExitStack() as ending:
                footage = Footage(path, decision, options, stop, partial(_step, stage))
                ending.enter_context(letting_go(footage.close))
                finder = Finder({Role.SECOND: make_detector(_DETECTOR, _THRESHOLD)})
                ending.enter_context(letting_go(finder.close))
                pursuit = _pursuit(footage, decision, finder, settings.memory_limit)
                results.append(_followed(pursuit, anchors, decision.frame_count, label))

        try:
            run_alone(Stage("following a box", work), settings.stall_timeout, stop)
        finally:
            give_back()
    return results[0]


def _step(stage: Stage) -> None:
    stage.steps += 1


def _checked(boxes: Mapping[int, Pixels], decision: Analysis) -> list[tuple[int, Box]]:
    """Return the drawn boxes in the order of frames."""
    if not boxes:
        raise EditError("no box was drawn", "Name a frame and a box in it")
    width, height = decision.header.width, decision.header.height
    for frame, (x1, y1, x2, y2) in boxes.items():
        if not 0 <= frame < decision.frame_count:
            raise EditError(
                f"there is no frame {frame}", f"The last one is {decision.frame_count - 1}"
            )
        if x2 <= x1 or y2 <= y1 or x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            raise EditError(
                f"the box {x1},{y1},{x2},{y2} is empty or lies outside the picture",
                f"The picture has {width} by {height} pixels before it is turned upright",
            )
    return [(frame, Box(*map(float, box))) for frame, box in sorted(boxes.items())]


def _pursuit(footage: Footage, decision: Analysis, finder: Finder, memory: int) -> Pursuit:
    header = decision.header
    picture = SmallPicture(header.width, header.height, header.quarter_turns)
    return Pursuit(footage, picture, finder, float(header.usual_rate), memory)


def _followed(
    pursuit: Pursuit, anchors: Sequence[tuple[int, Box]], count: int, label: str
) -> Followed:
    """Follow from every drawn box to the ones beside it, and put the paths together."""
    indices = [index for index, _ in anchors]
    firsts, lasts = [0, *indices], [*indices[1:], count - 1]
    paths = [
        pursuit.both_ways(index, box, firsts[n], lasts[n]) for n, (index, box) in enumerate(anchors)
    ]
    steps = {**paths[0][0].steps, **paths[-1][1].steps}
    for n in range(1, len(anchors)):
        steps |= joined(anchors[n - 1], anchors[n], paths[n - 1][1], paths[n][0])
    ends = [End(path.end, path.ending, path is back) for back, on in paths for path in (back, on)]
    ends[0] = replace(ends[0], reason=ends[0].reason or _FIRST)
    ends[-1] = replace(ends[-1], reason=ends[-1].reason or _LAST)
    return Followed(
        Follow(
            frame=indices[0],
            box=_pixels(anchors[0][1]),
            corrections=tuple((index, *_pixels(box)) for index, box in anchors[1:]),
            boxes=_rows(steps),
            label=label,
        ),
        tuple(end for end in ends if end.reason),
        tuple(unsure_spans(steps)),
    )


def _rows(steps: Mapping[int, Step]) -> tuple[BoxAt, ...]:
    return tuple((index, *_pixels(step.box)) for index, step in sorted(steps.items()))


def _pixels(box: Box) -> Pixels:
    whole = to_pixels(box)
    assert isinstance(whole, Box)
    return round(whole.x1), round(whole.y1), round(whole.x2), round(whole.y2)
