"""Reads the frames of an analyzed input from any frame on, and checks each by the analysis."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from streamguard.analysis.decision import Decision
from streamguard.analysis.records import FrameRecord, FrameState
from streamguard.errors import AnalysisError, CancelledError, UsageError
from streamguard.faults import letting_go
from streamguard.frames import Frame
from streamguard.settings import InputSettings
from streamguard.sources import open_source

_NEAR = Fraction(1, 1000)
"""Seconds by which the first frame after a jump may be off."""


class Footage:
    """Reads stretches of an input. It goes on where it is, or jumps to where a stretch begins.

    Args:
        path: The input.
        decision: What was decided for it.
        options: What of it was read, and limits.
        stop: Set it from anywhere to stop.
        on_frame: Called with each frame that is decoded, as a sign of life.
    """

    def __init__(
        self,
        path: Path,
        decision: Decision,
        options: InputSettings,
        stop: threading.Event,
        on_frame: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_frame = on_frame
        self._path, self._decision, self._stop = path, decision, stop
        self._options = replace(options, sound=False)
        self._ending = ExitStack()
        self._frames: Iterator[Frame] = iter(())
        self._records: Iterator[FrameRecord] = iter(())
        self._next: int | None = None

    def read(self, first: int, last: int) -> Iterator[Frame]:
        """Yield frames in order, each with the index that it has in the analysis.

        Args:
            first: Index of the first one.
            last: Index after the last one.

        Raises:
            AnalysisError: A frame is not the one that was analyzed.
            SourceError: The input cannot be read.
        """
        if self._next is None or first < self._next or first > self._next + self._skippable:
            self._jump(first)
        while self._next is not None and self._next < last:
            if self._stop.is_set():
                raise CancelledError("stopped on request", "Nothing was written")
            frame = next(self._frames, None)
            self._on_frame()
            if frame is None:
                raise _mismatch(self._path, f"it ends before frame {self._next}")
            self._next += 1
            if frame.index >= first:
                yield frame

    @property
    def _skippable(self) -> int:
        """Number of frames that are sooner decoded than a file is opened again."""
        return round(self._decision.header.usual_rate)

    def close(self) -> None:
        """Let go of the input; may be called twice."""
        self._ending.close()
        self._next = None

    def _jump(self, first: int) -> None:
        """Open the input anew, so that the next frame is a given one, or one before it."""
        self.close()
        record = next(self._decision.frames(first, first + 1), None)
        if first and record is not None and record.pts is not None and self._open_at(record):
            return
        self.close()
        self._frames = self._checked(self._opened(self._options), 0, 0)
        self._next = 0

    def _open_at(self, record: FrameRecord) -> bool:
        """Open the input from a frame's time on; return whether that frame comes first."""
        assert record.pts is not None
        unit = self._decision.header.time_base
        start = _exact(self._options.start) + record.pts * unit
        try:
            frames = self._opened(replace(self._options, start=float(start), end=None))
        except UsageError:
            return False  # photos and animations have no parts
        frame = next(frames, None)
        if frame is None or frame.picture.pts is None:
            return False
        shift = record.pts - frame.picture.pts
        if abs(shift * unit - (start - _exact(self._options.start))) > _NEAR:
            return False
        self._frames = self._checked(_chained(frame, frames), record.index, shift)
        self._next = record.index
        return True

    def _opened(self, options: InputSettings) -> Iterator[Frame]:
        source = open_source(self._path, options, self._stop)
        self._ending.enter_context(letting_go(source.close))
        return (item for item in source.read() if isinstance(item, Frame))

    def _checked(self, frames: Iterator[Frame], first: int, shift: int) -> Iterator[Frame]:
        """Yield frames numbered as they were analyzed, as long as they are the same ones."""
        records = self._decision.frames(first, self._decision.frame_count)
        for frame, record in zip(frames, records, strict=False):
            pts = frame.picture.pts
            if record.pts != (None if pts is None else pts + shift):
                raise _mismatch(self._path, f"frame {record.index} has another time stamp")
            if (record.width, record.height) != (frame.width, frame.height):
                raise _mismatch(self._path, f"frame {record.index} has another size")
            is_whole = record.state is FrameState.JUDGED
            damage = frame.damage or ("" if is_whole else record.reason or "damaged")
            yield replace(frame, index=record.index, damage=damage)


def _exact(seconds: float) -> Fraction:
    return Fraction(seconds).limit_denominator(1_000_000)


def _chained(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest


def _mismatch(path: Path, what: str) -> AnalysisError:
    return AnalysisError(
        f"{path} is not the input that was analyzed: {what}", "Name the right one with --input"
    )
