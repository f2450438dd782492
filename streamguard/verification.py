"""A second look at a finished file: does a face still seem to be there?"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import repeat, zip_longest
from pathlib import Path

from streamguard.errors import UsageError
from streamguard.faults import letting_go
from streamguard.frames import Frame
from streamguard.inspection import DETECTOR, Inspection
from streamguard.progress import Progress, ProgressReporter
from streamguard.settings import InputSettings
from streamguard.sources import LocalSource, open_source
from streamguard.spans import Verification
from streamguard.stages import Stage, run_alone

THRESHOLD = 0.5
"""Confidence that counts as a face: blurred ones, which stay round and skin-coloured, rarely do."""

LIMITS = InputSettings()
_STALLED = 60.0
"""Seconds without a frame after which the file is given up."""


def verify(  # noqa: PLR0913 - all but three by name, each of its own kind
    output: str | os.PathLike[str],
    original: str | os.PathLike[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    threshold: float = THRESHOLD,
    every: float = 0.0,
    cancelled: threading.Event | None = None,
    limits: InputSettings = LIMITS,
) -> Verification:
    """Look at a finished video or photo with the strong detector at full size.

    With the original at hand, what is detected counts only where the original's detail is
    still there: a blurred face that still looks like one to the detector is none to anybody.

    Args:
        output: The file to look at.
        original: What it was made from.
        progress: Called a few times a second.
        threshold: Confidence that counts as a face, 0 to 1.
        every: Seconds between two looks; 0 looks at every frame.
        cancelled: Set it from anywhere to stop.
        limits: How much the two may ask of this machine; a part of the original, by its
            ``start`` and ``end``, is what the output was made from.

    Raises:
        UsageError: ``threshold`` or ``every`` is out of range, or one of the two is a folder.
        ModelError: The embedded model is missing or damaged.
        SourceError: One of the two cannot be read.
        DetectionError: The detector failed.
        StalledError: Opening took too long, or nothing moved for a minute.
        CancelledError: ``cancelled`` was set.
    """
    _check(threshold, every)
    reporter = ProgressReporter(progress)
    stop = cancelled or threading.Event()
    with ExitStack() as ending:

        def opened(path: str | os.PathLike[str], limits: InputSettings) -> LocalSource:
            source = open_source(path, limits, stop)
            ending.enter_context(letting_go(source.close))
            return source

        result = opened(output, replace(limits, start=0.0, end=None))
        source = opened(original, limits) if original is not None else None
        inspection = Inspection(result, source, threshold=threshold, every=every)
        ending.enter_context(letting_go(inspection.close))

        def look(stage: Stage) -> None:
            for frame, twin in _pairs(result, source):
                stage.steps += 1
                if stop.is_set():
                    return
                inspection.add(frame, twin)
                inspection.tell(reporter)

        run_alone(Stage("looking at the file", look), _STALLED, stop)
    return Verification(
        file=Path(output).name,
        original=Path(original).name if original is not None else None,
        detector=DETECTOR,
        threshold=threshold,
        every=every,
        frames=inspection.frames,
        looked=inspection.looked,
        spans=inspection.spans.finish(),
        set_aside=inspection.set_aside,
        mismatches=inspection.mismatches(),
        elapsed=reporter.elapsed,
    )


def _check(threshold: float, every: float) -> None:
    if not 0 < threshold < 1:
        raise UsageError(f"threshold {threshold} is not between 0 and 1")
    if not 0 <= every < float("inf"):
        raise UsageError(f"{every} is no number of seconds between two looks")


def _pairs(
    result: LocalSource, source: LocalSource | None
) -> Iterator[tuple[Frame | None, Frame | None]]:
    """Yield every frame with that of the original of the same place in the order."""
    frames = _frames(result)
    return zip(frames, repeat(None)) if source is None else zip_longest(frames, _frames(source))


def _frames(source: LocalSource) -> Iterator[Frame]:
    return (item for item in source.read() if isinstance(item, Frame))
