"""What is left clear on purpose, for a look at the finished file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from streamguard.analysis.records import FrameRecord, Header
from streamguard.frames import Cover, Frame
from streamguard.geometry import Box, Detection, intersection, iou

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
        quarter_turns: Clockwise quarter turns that bring the finished pictures upright.
    """

    def __init__(
        self,
        header: Header,
        records: Iterator[FrameRecord],
        cleared: Callable[[FrameRecord], tuple[Cover, ...]],
        quarter_turns: int,
    ) -> None:
        self._header, self._records, self._cleared = header, records, cleared
        self._turns = quarter_turns
        redaction = header.settings.get("redaction") or {}
        self._padding = float(redaction.get("padding", 0.0))
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
        if record is None or not self.fits(frame.width, frame.height, record):
            return left
        for cover in self._cleared(record):
            box = self._as_finished(cover.box, record)
            best = max(left, key=lambda one: iou(one.box, box), default=None)
            if best is not None and _is_excused(best.box, box, box.pad(self._padding)):
                left.remove(best)
        return left

    def fits(self, width: int, height: int, record: FrameRecord) -> bool:
        """Whether a finished picture has the size of the one that was decided on."""
        size = self._size(record)
        upright = size[::-1] if self._header.quarter_turns % 2 else size
        return upright == ((height, width) if self._turns % 2 else (width, height))

    def as_decided(self, box: Box, record: FrameRecord) -> Box:
        """Return a box of a finished picture in pixels of the one that was decided on."""
        width, height = self._size(record)
        if (self._header.quarter_turns - self._turns) % 2:
            width, height = height, width
        return box.rotate(self._turns - self._header.quarter_turns, width, height)

    def _as_finished(self, box: Box, record: FrameRecord) -> Box:
        return box.rotate(self._header.quarter_turns - self._turns, *self._size(record))

    def _size(self, record: FrameRecord) -> tuple[int, int]:
        return record.width or self._header.width, record.height or self._header.height

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
