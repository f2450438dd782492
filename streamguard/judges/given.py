"""Judges by boxes that another program decided on."""

from __future__ import annotations

from collections import defaultdict

from streamguard.errors import SourceError
from streamguard.exchange.given import GivenBoxes
from streamguard.frames import Cover, Frame, TrackFacts, Verdict
from streamguard.media.upright import Upright
from streamguard.outlines import to_pixels

_SOURCE = "boxes"
_OTHER = "It belongs to another video. Nothing is written"


class GivenBoxesJudge:
    """Covers the boxes of a file; it looks at nothing.

    Args:
        boxes: The boxes of every frame, upright.
        sha256: SHA-256 of the file that they come from.
        mirrored: Whether the pictures are shown mirrored.

    Attributes:
        name: Name of that file.
        sha256: SHA-256 of it.
    """

    def __init__(self, boxes: GivenBoxes, sha256: str = "", mirrored: bool = False) -> None:
        self.name, self.sha256 = boxes.name, sha256
        self._boxes, self._mirrored = boxes, mirrored
        self._next = 0
        self._ended: dict[int, list[TrackFacts]] = defaultdict(list)
        for track in boxes.tracks():
            facts = TrackFacts(
                track_id=track.track_id,
                label=track.label,
                confidence=track.confidence,
                sources=(_SOURCE,),
                hits=track.hits,
            )
            self._ended[track.last].append(facts)

    @property
    def detectors(self) -> tuple[str, ...]:
        """Names of the detectors in use: the file's."""
        return (self.name,)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told about how it went."""
        return (f"decided by {self.name}, no detector looked",)

    def push(self, frame: Frame) -> list[Verdict]:
        """Return the verdict of a frame at once.

        Raises:
            SourceError: The file does not mention this frame, or its size is another one.
        """
        index, boxes = frame.index, self._boxes
        if index != self._next or index >= len(boxes):
            raise SourceError(f"{boxes.name} does not mention frame {index}", _OTHER)
        self._next += 1
        upright = Upright(frame.quarter_turns, self._mirrored, frame.width, frame.height)
        if boxes.sizes[index] != upright.size:
            told, size = boxes.sizes[index], upright.size
            raise SourceError(
                f"{boxes.name} is about pictures of {told[0]}x{told[1]}, "
                f"frame {index} has {size[0]}x{size[1]}",
                _OTHER,
            )
        return [self._verdict(frame, upright)]

    def finish(self) -> list[Verdict]:
        """Return nothing more.

        Raises:
            SourceError: The file mentions frames that did not come.
        """
        boxes = self._boxes
        if self._next != len(boxes):
            raise SourceError(
                f"{boxes.name} mentions {len(boxes)} frames, the video has {self._next}", _OTHER
            )
        return []

    def close(self) -> None:
        """Do nothing: nothing is held."""

    def _verdict(self, frame: Frame, upright: Upright) -> Verdict:
        ended = tuple(self._ended.pop(frame.index, ()))
        if frame.damage:
            return Verdict(frame, slate=frame.damage, ended=ended)
        if frame.index in self._boxes.slates:
            return Verdict(frame, slate="as given", ended=ended)
        covers = tuple(
            Cover(to_pixels(upright.coded(one.box)), one.track_id, one.label)
            for one in self._boxes.of(frame.index)
        )
        return Verdict(frame, covers, ended=ended)
