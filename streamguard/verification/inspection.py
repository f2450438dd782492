"""Looks at finished frames for faces that are still there, and keeps what it saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from streamguard.detection.comparison import Comparison
from streamguard.detection.finder import Finder
from streamguard.detection.looks import Look, Role, widened
from streamguard.detection.registry import make_detector
from streamguard.detection.view import FrameView
from streamguard.faults import letting_go
from streamguard.frames import Frame
from streamguard.geometry import Box, Detection, containment, nms
from streamguard.media.sphere import Sphere
from streamguard.progress import ProgressReporter
from streamguard.sources import LocalSource
from streamguard.spans import SpanFinder

DETECTOR = "centerface"
"""Name of the detector that looks."""

_SIDE = 1920
_DOUBT = 0.4
"""Share of the threshold at which the original's faces are looked for: to find too many is safe."""
_SAME = 0.25
"""Shared area over the smaller box from which two detections may be the same face."""
_GAP_MS = 500.0

Excuse = Callable[[Frame, Sequence[Detection]], list[Detection]]
"""Returns those of the faces seen in a frame that are not there on purpose."""


def nothing_excused(_frame: Frame, found: Sequence[Detection]) -> list[Detection]:
    """Return every face that was seen."""
    return list(found)


class Inspection:
    """Looks at frame after frame of a file, beside those of the original if there is one.

    Args:
        result: The file.
        source: What it was made from.
        threshold: Confidence that counts as a face, 0 to 1.
        every: Seconds between two looks; 0 looks at every frame.
        excuse: Leaves out what is there on purpose.

    Attributes:
        spans: Where a face still seems to be there.
        frames: Frames so far.
        looked: Frames looked at.
        set_aside: Faces that do not count, since the original shows none there, or its face is
            gone.
        excused: Faces that do not count, since they are there on purpose.

    Raises:
        ModelError: The embedded model is missing or damaged.
    """

    def __init__(
        self,
        result: LocalSource,
        source: LocalSource | None,
        *,
        threshold: float,
        every: float,
        excuse: Excuse = nothing_excused,
    ) -> None:
        self._result, self._source, self._excuse = result, source, excuse
        self._flips = source is not None and _mirrored(result, source)
        both = (result,) if source is None else (result, source)
        self._wraps = any(one.info.equirectangular for one in both)
        self.spans = SpanFinder(max(_GAP_MS, 2500 * every))
        self.frames = self.looked = self.set_aside = self.excused = 0
        self._every_ms = every * 1000
        self._next_ms = float("-inf")
        self._last_ms = 0.0
        self._originals = self._unlike = self._compared = 0
        self._worst_ms = 0.0
        with ExitStack() as ending:
            self._finder = _detector(threshold, ending)
            self._doubter = _detector(threshold * _DOUBT, ending)
            self._ending = ending.pop_all()

    def close(self) -> None:
        """Let go of the detectors."""
        self._ending.close()

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

    def tell(self, reporter: ProgressReporter) -> None:
        """Tell how far it is."""
        total = self._result.info.frames
        reporter.tell(self.frames, total, len(self.spans), self._last_ms / 1000)

    def mismatches(self) -> tuple[str, ...]:
        """Return what is wrong, in words."""
        result, source = self._result, self._source
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
            findings = self._finder.find(view, looks, int(frame.time_ms), frame.quarter_turns)
            bare = [detection for finding in findings for detection in finding.detections]
            if comparison is not None:
                bare = self._still_bare(bare, comparison, looks, frame)
            found += bare
        self._keep(frame, nms(found) if len(view.layers) > 1 else found)

    def _keep(self, frame: Frame, found: Sequence[Detection]) -> None:
        """Keep what is not there on purpose."""
        left = self._excuse(frame, found)
        self.excused += len(found) - len(left)
        self.spans.add(frame.index, frame.time_ms, left)

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


def _detector(threshold: float, ending: ExitStack) -> Finder:
    finder = Finder({Role.SECOND: make_detector(DETECTOR, threshold)})
    ending.enter_context(letting_go(finder.close))
    return finder


def _mirrored(result: LocalSource, source: LocalSource) -> bool:
    """Whether one of the two, upright, is the mirror image: some containers cannot say it."""
    return result.traits.orientation.mirrored != source.traits.orientation.mirrored
