"""Follows a drawn box through the frames of an input, on and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from streamguard.detection.finder import Finder
from streamguard.detection.schedule import close_look
from streamguard.detection.view import FrameView
from streamguard.following.footage import Footage
from streamguard.frames import Frame
from streamguard.geometry import Box, Detection
from streamguard.media.scaling import TrackingScale
from streamguard.tracking.flow import Gray
from streamguard.tracking.following import Follower
from streamguard.tracking.paths import FollowedPath
from streamguard.tracking.scenes import CutFinder
from streamguard.tracking.trail import Step

_CHUNK = 8.0
"""Seconds of small pictures that following back holds at once."""
_HELD_EVERY = 0.075
"""Seconds between two whole frames that are held for looks, while there is memory for that."""
_RUN_UP = 3
"""Frames before a chunk from which on cuts are looked for."""
DAMAGED = "damaged frame"
"""Why nothing is followed from a picture that the decoder cannot vouch for."""


class SmallPicture:
    """Turns coded pixels into those of the small upright picture, and back.

    Args:
        width: Coded width in pixels.
        height: Coded height in pixels.
        turns: Clockwise quarter turns that bring the picture upright.

    Attributes:
        extent: The whole coded picture.
    """

    def __init__(self, width: int, height: int, turns: int) -> None:
        self._scale = TrackingScale.of(width, height)
        self._turns = turns % 4
        self.extent = Box(0, 0, width, height)

    def of(self, frame: Frame) -> Gray | None:
        """Return the small upright picture of a frame; None if nothing can be told from it."""
        is_alike = (frame.width, frame.height) == (self.extent.width, self.extent.height)
        if frame.damage or not is_alike:
            return None
        luma = FrameView(frame).luma(self._scale.width, self._scale.height)
        return np.ascontiguousarray(np.rot90(luma, -self._turns))

    def small(self, box: Box) -> Box:
        """Return where a box in coded pixels is in it."""
        scale = self._scale
        return scale.to_small(box).rotate(self._turns, scale.width, scale.height)

    def coded(self, box: Box) -> Box:
        """Return where a box in it is in coded pixels."""
        width, height = self._scale.width, self._scale.height
        if self._turns % 2:
            width, height = height, width
        return self._scale.to_coded(box.rotate(-self._turns, width, height))


@dataclass(frozen=True, slots=True)
class _Shot:
    """One frame on the path.

    Attributes:
        index: Index of the frame.
        time: Its time in seconds.
        luma: Its small picture; None if nothing can be told from it.
        is_cut: Whether another scene lies between it and the one before on the path.
        frame: The frame itself, for a look; None if it was not held.
    """

    index: int
    time: float
    luma: Gray | None
    is_cut: bool
    frame: Frame | None


class Pursuit:
    """Follows boxes through one input.

    Args:
        footage: The input's frames.
        picture: How coded pixels relate to the small picture.
        finder: Looks round the thing.
        rate: Frames a second, roughly.
        memory: Bytes of whole frames that may be held.
    """

    def __init__(
        self, footage: Footage, picture: SmallPicture, finder: Finder, rate: float, memory: int
    ) -> None:
        self._footage, self._picture, self._finder = footage, picture, finder
        self._chunk_size = max(2, round(_CHUNK * rate))
        self._memory = memory

    def both_ways(
        self, index: int, box: Box, first: int, last: int
    ) -> tuple[FollowedPath, FollowedPath]:
        """Follow a box back to one frame and on to another, or as far as that goes.

        Args:
            index: Index of the frame it was drawn in.
            box: Where it was drawn, in coded pixels.
            first: Index of the first frame of interest.
            last: Index of the last one.

        Returns:
            The path back and the path on; each holds the frame it was drawn in.
        """
        cuts = CutFinder()
        chunk = self._chunk(max(first, index + 1 - self._chunk_size), index + 1, cuts)
        later = (self._shot(frame, cuts) for frame in self._footage.read(index + 1, last + 1))
        # On comes first: the footage stands at the next frame.
        start = chunk[-1]
        on = self._follow(start, later, box)
        return self._follow(start, self._before(chunk, first), box), on

    def _follow(self, start: _Shot, shots: Iterable[_Shot], box: Box) -> FollowedPath:
        if start.luma is None:
            return FollowedPath({start.index: Step(box, box)}, DAMAGED, start.index)
        follower = Follower(start.luma, start.time, self._picture.small(box))
        self._look(follower, start)
        indices = [start.index]
        for shot in shots:
            if shot.luma is None:
                continue  # it leaves as a slate, and says nothing of those before and after
            follower.advance(shot.luma, shot.time, shot.is_cut)
            indices.append(shot.index)
            self._look(follower, shot)
            if follower.ending is not None:
                break
        indices = indices[: len(follower.steps)]
        coded = (self._coded(step) for step in follower.steps)
        steps = dict(zip(indices, coded, strict=True))
        steps[start.index] = Step(box, box)
        return FollowedPath(steps, follower.ending or "", indices[-1])

    def _coded(self, step: Step) -> Step:
        coded = self._picture.coded
        return Step(coded(step.box), coded(step.place), step.is_sure)

    def _look(self, follower: Follower, shot: _Shot) -> None:
        frame = shot.frame
        if frame is None or not follower.wants_look:
            return
        box = self._picture.coded(follower.steps[-1].box)
        look = close_look(box, self._picture.extent, context=1 + min(1.0, follower.unseen))
        findings = self._finder.find(
            FrameView(frame), [look], int(frame.time_ms), frame.quarter_turns
        )
        follower.observe(
            [
                Detection(self._picture.small(seen.box), seen.confidence, seen.label)
                for finding in findings
                for seen in finding.detections
            ]
        )

    def _shot(self, frame: Frame, cuts: CutFinder) -> _Shot:
        luma = self._picture.of(frame)
        is_cut = luma is not None and cuts.is_cut(luma)
        return _Shot(frame.index, frame.time_ms / 1000, luma, is_cut, frame)

    def _before(self, chunk: list[_Shot], first: int) -> Iterator[_Shot]:
        """Take the last shot off a chunk, and yield those before it, the latest first."""
        is_cut = chunk.pop().is_cut
        low = chunk[0].index if chunk else first
        while True:
            # Each is let go once it is done with: a chunk is as large as memory allows.
            while chunk:
                shot = chunk.pop()
                yield replace(shot, is_cut=is_cut)
                is_cut = shot.is_cut or (is_cut and shot.luma is None)
            if low <= first:
                return
            high, low = low, max(first, low - self._chunk_size)
            chunk += self._chunk(low, high, CutFinder())

    def _chunk(self, low: int, high: int, cuts: CutFinder) -> list[_Shot]:
        """Return a stretch of shots; of the frames themselves no more than memory allows."""
        shots: list[_Shot] = []
        every, held, last_held = _HELD_EVERY, 0, float("-inf")
        for frame in self._footage.read(max(0, low - _RUN_UP), high):
            shot = self._shot(frame, cuts)
            if frame.index < low:
                continue
            is_last = frame.index == high - 1
            if shot.time - last_held >= every or is_last:
                last_held = shot.time
                held += frame.nbytes
            else:
                shot = replace(shot, frame=None)
            shots.append(shot)
            if held > self._memory:
                shots, held = _thinned(shots)
                every *= 2
        return shots


def _thinned(shots: list[_Shot]) -> tuple[list[_Shot], int]:
    """Return shots with every second of the frames that are held, and the bytes of the rest."""
    held = [shot.index for shot in shots if shot.frame is not None]
    dropped = set(held[1:-1:2])
    kept = [replace(shot, frame=None) if shot.index in dropped else shot for shot in shots]
    return kept, sum(shot.frame.nbytes for shot in kept if shot.frame is not None)
