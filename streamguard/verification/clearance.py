"""What is left clear on purpose, for a look at the finished file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from streamguard.analysis.records import FrameRecord, Header
from streamguard.analysis.stored_settings import padding_of
from streamguard.frames import Cover, Frame
from streamguard.geometry import Box, Detection, intersection, iou
from streamguard.media.upright import Upright

_LEAST = 0.15
"""Least share of a cleared cover that a face fills: covers grow where a face is not seen, but
one that is much smaller is another one."""
_INSIDE = 0.95
"""Share of a face that lies inside the cover that would have been there."""


class Clearance:
    """Knows frame by frame which faces may be seen.

    Args:
        header: What the analysis belongs to.
        records: Its frames, in order.
        cleared: What is left uncovered on purpose in a frame.
        mirrored: Whether the finished pictures are shown mirrored.
    """

    def __init__(
        self,
        header: Header,
        records: Iterator[FrameRecord],
        cleared: Callable[[FrameRecord], tuple[Cover, ...]],
        mirrored: bool = False,
    ) -> None:
        self._header, self._records, self._cleared = header, records, cleared
        self._mirrored = mirrored
        self._padding = padding_of(header)
        self._record: FrameRecord | None = None

    def excuse(self, frame: Frame, found: Sequence[Detection]) -> list[Detection]:
        """Return the faces that are not there on purpose.

        A cover that is left out excuses one face: the one most like it, if that lies inside it.

        Args:
            frame: A frame of the finished file; frames come in order.
            found: Faces seen in it, in its coded pixels.
        """
        left = list(found)
        record = self._record_of(frame.index) if left else None
        finished = Upright(frame.quarter_turns, self._mirrored, frame.width, frame.height)
        if record is None or not self.fits(finished, record):
            return left
        for cover in self._cleared(record):
            box = finished.coded(self._header.upright(record).shown(cover.box))
            best = max(left, key=lambda one: iou(one.box, box), default=None)
            if best is not None and _is_excused(best.box, box, box.pad(self._padding)):
                left.remove(best)
        return left

    def fits(self, finished: Upright, record: FrameRecord) -> bool:
        """Whether a finished picture has the size of the one that was decided on."""
        return finished.size == self._header.upright(record).size

    def as_decided(self, box: Box, finished: Upright, record: FrameRecord) -> Box:
        """Return a box of a finished picture in pixels of the one that was decided on."""
        return self._header.upright(record).coded(finished.shown(box))

    def _record_of(self, index: int) -> FrameRecord | None:
        while self._record is None or self._record.index < index:
            record = next(self._records, None)
            if record is None:
                return None
            self._record = record
        return self._record if self._record.index == index else None


def _is_excused(face: Box, cleared: Box, reach: Box) -> bool:
    inside = face.area > 0 and intersection(face, reach) >= _INSIDE * face.area
    return inside and face.area >= _LEAST * cleared.area
