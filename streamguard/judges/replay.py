"""Decides from an analysis: every frame gets what was decided for it. No picture is looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from streamguard.analysis.decision import DecidedFrames
from streamguard.analysis.records import FrameRecord, FrameState
from streamguard.errors import AnalysisError
from streamguard.frames import Cover, Frame, Verdict


class Edited(Protocol):
    """What a person changed about a decision."""

    def painted(self, record: FrameRecord) -> tuple[Cover, ...]:
        """Return what to cover in one frame."""
        ...


class Replay:
    """Gives every frame the verdict that is written down for it.

    It takes the frames of the very input that was analyzed, in order, from the first to the
    last. A frame that differs from what is written down is an error, never a clear frame.

    Args:
        decision: What was decided.
        edited: What a person changed; None for nothing.
    """

    def __init__(self, decision: DecidedFrames, edited: Edited | None = None) -> None:
        self._edited = edited
        self._count = decision.frame_count
        self._records = decision.frames(0, self._count)
        self._pushed = 0

    def push(self, frame: Frame) -> list[Verdict]:
        """Return the verdict for the next frame.

        Raises:
            AnalysisError: The frame is not the one that was judged, or there is no record of it.
        """
        record = next(self._records, None)
        if record is None:
            raise _mismatch(f"it has more frames than the {self._count} that were judged")
        _check(frame, record)
        self._pushed += 1
        if record.state is FrameState.DAMAGED and not frame.damage:
            # Decoders that work in threads lose the word of damage at times.
            frame = replace(frame, damage=record.reason or "damaged")
        slate = frame.damage or record.reason
        if slate or record.state is not FrameState.JUDGED:
            return [Verdict(frame, slate=slate or "not judged")]
        covers = record.covers if self._edited is None else self._edited.painted(record)
        return [Verdict(frame, covers)]

    def finish(self) -> list[Verdict]:
        """Return nothing, since no frame is held back.

        Raises:
            AnalysisError: Frames that were judged did not come.
        """
        if self._pushed != self._count or next(self._records, None) is not None:
            raise _mismatch(f"it has {self._pushed} frames, {self._count} were judged")
        return []

    def close(self) -> None:
        """Do nothing: the analysis belongs to the caller."""


def _check(frame: Frame, record: FrameRecord) -> None:
    """Compare a frame with what is written down of the one that was judged."""
    if record.index != frame.index:
        raise _mismatch(f"frame {frame.index} comes where frame {record.index} was judged")
    if record.pts != frame.picture.pts:
        raise _mismatch(
            f"frame {frame.index} has time stamp {frame.picture.pts}, {record.pts} was judged"
        )
    if (record.width, record.height) != (frame.width, frame.height):
        raise _mismatch(
            f"frame {frame.index} has {frame.width}x{frame.height} pixels,"
            f" {record.width}x{record.height} were judged"
        )


def _mismatch(what: str) -> AnalysisError:
    return AnalysisError(
        f"the input is not the one that was analyzed: {what}", "Analyze it again, by this version"
    )
