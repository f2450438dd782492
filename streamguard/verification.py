"""A second look at a finished file: does a face still seem to be there?"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import repeat, zip_longest
from pathlib import Path

from streamguard.detection.comparison import Comparison
from streamguard.detection.finder import Finder
from streamguard.detection.registry import make_detector
from streamguard.detection.schedule import Look, Role, widened
from streamguard.detection.view import FrameView
from streamguard.errors import UsageError
from streamguard.faults import letting_go
from streamguard.frames import Frame
from streamguard.geometry import Box, Detection, containment, nms
from streamguard.media.sphere import Sphere
from streamguard.progress import Progress, ProgressReporter
from streamguard.settings import InputSettings
from streamguard.sources import LocalSource, open_source
from streamguard.spans import SpanFinder, Verification
from streamguard.stages import Stage, run_alone

THRESHOLD = 0.5
"""Confidence that counts as a face: blurred ones, which stay round and skin-coloured, rarely do."""

LIMITS = InputSettings()
_STALLED = 60.0
"""Seconds without a frame after which the file is given up."""

_DETECTOR = "centerface"
_SIDE = 1920
_DOUBT = 0.4
"""Share of the threshold at which the original's faces are looked for: to find too many is safe."""
_SAME = 0.25
"""Shared area over the smaller box from which two detections may be the same face."""
_GAP_MS = 500.0


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
    if not 0 < threshold < 1:
        raise UsageError(f"threshold {threshold} is not between 0 and 1")
    if not 0 <= every < float("inf"):
        raise UsageError(f"{every} is no number of seconds between two looks")
    reporter = ProgressReporter(progress)
    stop = cancelled or threading.Event()
    with ExitStack() as ending:

        def opened(path: str | os.PathLike[str], limits: InputSettings) -> LocalSource:
            source = open_source(path, limits, stop)
            ending.enter_context(letting_go(source.close))
            return source

        result = opened(output, replace(limits, start=0.0, end=None))
        source = opened(original, limits) if original is not None else None
        finder = Finder({Role.SECOND: make_detector(_DETECTOR, threshold)})
        doubter = Finder({Role.SECOND: make_detector(_DETECTOR, threshold * _DOUBT)})
        ending.enter_context(letting_go(doubter.close))
        check = _Check(
            finder,
            doubter,
            every,
            flips=source is not None and _mirrored(result, source),
            wraps=any(one.info.equirectangular for one in (result, source) if one is not None),
        )
        ending.enter_context(letting_go(check.finder.close))

        def look(stage: Stage) -> None:
            for frame, twin in _pairs(result, source):
                stage.steps += 1
                if stop.is_set():
                    return
                check.add(frame, twin)
                check.tell(reporter, result.info.frames)

        run_alone(Stage("looking at the file", look), _STALLED, stop)
    return Verification(
        file=Path(output).name,
        original=Path(original).name if original is not None else None,
        detector=_DETECTOR,
        threshold=threshold,
        every=every,
        frames=check.frames,
        looked=check.looked,
        spans=check.spans.finish(),
        set_aside=check.set_aside,
        mismatches=check.mismatches(result, source),
        elapsed=reporter.elapsed,
    )


def _pairs(
    result: LocalSource, source: LocalSource | None
) -> Iterator[tuple[Frame | None, Frame | None]]:
    """Yield every frame with that of the original of the same place in the order."""
    frames = _frames(result)
    return zip(frames, repeat(None)) if source is None else zip_longest(frames, _frames(source))


def _frames(source: LocalSource) -> Iterator[Frame]:
    return (item for item in source.read() if isinstance(item, Frame))


def _mirrored(result: LocalSource, source: LocalSource) -> bool:
    """Whether one of the two, upright, is the mirror image: some containers cannot say it."""
    return result.traits.orientation.mirrored != source.traits.orientation.mirrored


class _Check:
    """Looks at frames, and keeps what it saw."""

    def __init__(
        self,
        finder: Finder,
        doubter: Finder,
        every: float,
        *,
        flips: bool = False,
        wraps: bool = False,
    ) -> None:
        self.finder, self._doubter = finder, doubter
        self._flips, self._wraps = flips, wraps
        self.spans = SpanFinder(max(_GAP_MS, 2500 * every))
        self.frames = self.looked = self.set_aside = 0
        self._every_ms = every * 1000
        self._next_ms = float("-inf")
        self._last_ms = 0.0
        self._originals = self._unlike = self._compared = 0
        self._worst_ms = 0.0

    def add(self, frame: Frame | None, twin: Frame | None) -> None:
        """Look at one frame; either may be missing where one file is longer."""
        self._originals += twin is not None
        if frame is None:
            return
        self.frames += 1
        self._last_ms = frame.time_ms
        if twin is not None:
            self._worst_ms = max(self._worst_ms, abs(frame.time_ms - twin.time_ms))
        if frame.time_ms >= self._next_ms:
            self._next_ms = frame.time_ms + self._every_ms - 1
            self._look(frame, twin)

    def tell(self, reporter: ProgressReporter, total: int | None) -> None:
        """Tell how far it is."""
        reporter.tell(self.frames, total, len(self.spans), self._last_ms / 1000)

    def mismatches(self, result: LocalSource, source: LocalSource | None) -> tuple[str, ...]:
        """Return what is wrong, in words."""
        found = []
        if result.damage:
            found.append(f"the file is damaged: {'; '.join(result.damage_notes)}")
        if source is None:
            return tuple(found)
        if self.frames != self._originals:
            found.append(f"{self.frames} frames, the original has {self._originals}")
        tick = 1000 * float(max(result.info.time_base, source.info.time_base))
        if self._worst_ms > tick + 1:
            found.append(f"time stamps differ from the original's by up to {self._worst_ms:.0f} ms")
        if 2 * self._unlike > self._compared:
            found.append("the picture is not that of the original")
        return tuple(found)

    def _look(self, frame: Frame, twin: Frame | None) -> None:
        self.looked += 1
        scale = min(1.0, _SIDE / max(frame.width, frame.height))
        width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
        sphere = Sphere(frame.width, frame.height, frame.quarter_turns) if self._wraps else None
        view = FrameView(frame, sphere)
        comparison = None
        if twin is not None and not twin.damage:
            comparison = self._comparison(view, twin, scale)
        look = Look(Role.SECOND, Box(0, 0, frame.width, frame.height), width, height)
        found: list[Detection] = []
        for layer in view.layers:
            looks = widened([look], [layer], sphere)
            findings = self.finder.find(view, looks, int(frame.time_ms), frame.quarter_turns)
            bare = [detection for finding in findings for detection in finding.detections]
            if comparison is not None:
                bare = self._still_bare(bare, comparison, looks, frame)
            found += bare
        self.spans.add(frame.index, frame.time_ms, nms(found) if len(view.layers) > 1 else found)

    def _comparison(self, view: FrameView, twin: Frame, scale: float) -> Comparison:
        sphere = Sphere(twin.width, twin.height, twin.quarter_turns) if self._wraps else None
        return Comparison(view, FrameView(twin, sphere), scale, flips=self._flips)

    def _still_bare(
        self, detections: list[Detection], comparison: Comparison, looks: list[Look], frame: Frame
    ) -> list[Detection]:
        """Leave out what is covered. Where the two cannot be compared, everything counts."""
        bare = comparison.bare(detections, looks[0].layer)
        self._compared += 1
        if bare is None:
            self._unlike += 1
            return detections
        bare = self._seen_before(bare, comparison, looks, frame)
        self.set_aside += len(detections) - len(bare)
        return bare

    def _seen_before(
        self, bare: list[Detection], comparison: Comparison, looks: list[Look], frame: Frame
    ) -> list[Detection]:
        """Leave out what the original shows no face at: beside a cover things may look like one."""
        before = comparison.before
        if not bare or self._flips or not comparison.is_same_size:
            return bare
        turns = frame.quarter_turns
        findings = self._doubter.find(before, looks, int(frame.time_ms), turns)
        faces = [detection.box for finding in findings for detection in finding.detections]
        return [one for one in bare if any(containment(one.box, face) > _SAME for face in faces)]
