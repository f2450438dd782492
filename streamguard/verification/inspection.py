"""Looks at finished frames for faces that are still there, and keeps what it saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from streamguard.detection.comparison import Comparison
from streamguard.detection.layers import Layer
from streamguard.detection.likeness import detail_left
from streamguard.detection.view import FrameView
from streamguard.faults import letting_go
from streamguard.frames import Frame
from streamguard.geometry import Box, Detection, common, containment, nms
from streamguard.media.sphere import Sphere
from streamguard.progress import ProgressReporter
from streamguard.sources import LocalSource
from streamguard.spans import SpanFinder
from streamguard.verification.eyes import ALL_TURNS, SIDE, UPRIGHT, Eyes, Scene

_SAME = 0.25
"""Shared area over the smaller box from which two detections may be the same face."""
_LEFT = 0.105
"""Detail left from which a face counts as bare; `detail_left` tells what was measured."""
_TURNED_MS = 200.0
"""Time between two looks at the picture turned: three quarters of what all looks cost."""
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
        set_aside: Faces that do not count, since the original shows none there, or no detail is
            left.
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
        self._next_ms = self._next_turned_ms = float("-inf")
        self._last_ms = 0.0
        self._originals = self._unlike = self._compared = 0
        self._worst_ms = 0.0
        with ExitStack() as ending:
            self._eyes = Eyes(threshold)
            ending.enter_context(letting_go(self._eyes.close))
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
        scene = self._scene(frame)
        before = None if twin is None or twin.damage else self._scene(twin)
        whole = Box(0, 0, frame.width, frame.height)
        turns, found = self._turns(frame), list[Detection]()
        for layer in scene.view.layers:
            faces = self._eyes.faces(scene, whole, layer, turns)
            bare = self._bare(faces, scene, before, layer) if faces or before else []
            self.set_aside += len(faces) - len(bare)
            found += bare
        self._keep(frame, nms(found))

    def _turns(self, frame: Frame) -> range:
        if frame.time_ms < self._next_turned_ms:
            return UPRIGHT
        self._next_turned_ms = frame.time_ms + _TURNED_MS - 1
        return ALL_TURNS

    def _scene(self, frame: Frame) -> Scene:
        sphere = Sphere(frame.width, frame.height, frame.quarter_turns) if self._wraps else None
        return Scene(FrameView(frame, sphere), int(frame.time_ms), sphere)

    def _keep(self, frame: Frame, found: Sequence[Detection]) -> None:
        """Keep what is not there on purpose."""
        left = self._excuse(frame, found)
        self.excused += len(found) - len(left)
        self.spans.add(frame.index, frame.time_ms, left)

    def _bare(
        self, faces: Sequence[Detection], scene: Scene, before: Scene | None, layer: Layer
    ) -> list[Detection]:
        """Leave out what is covered. Where the two cannot be compared, everything counts."""
        scale = min(1.0, SIDE / max(scene.view.extent))
        if before is None:
            return _with_detail(faces, scene.view, layer, scale)
        beside = Comparison(scene.view, before.view, scale, layer, flips=self._flips)
        self._compared += 1
        if not beside.shows_the_same:
            self._unlike += 1
            return list(faces)
        bare = [one for one in faces if beside.is_bare(one.box)]
        if not beside.shares_places:
            return bare
        return [one for one in bare if self._was_face(one.box, before, beside, layer)]

    def _was_face(self, box: Box, before: Scene, beside: Comparison, layer: Layer) -> bool:
        """Whether the original shows a face there that is bare now.

        Beside a cover a collar may look like a face: it is bare, the face above it is not.
        """
        seen = self._eyes.seen_close(before, box, layer)
        return any(
            beside.is_bare(common(box, face)) for face in seen if containment(box, face) > _SAME
        )


def _with_detail(
    faces: Sequence[Detection], view: FrameView, layer: Layer, scale: float
) -> list[Detection]:
    """Leave out what shows no more detail than a cover leaves."""
    if not faces:
        return []
    width, height = (max(1, round(side * scale)) for side in view.extent)
    picture = view.gray(width, height, layer)
    return [one for one in faces if detail_left(picture, one.box.scale(scale, scale)) >= _LEFT]


def _mirrored(result: LocalSource, source: LocalSource) -> bool:
    """Whether one of the two, upright, is the mirror image: some containers cannot say it."""
    return result.traits.orientation.mirrored != source.traits.orientation.mirrored
