"""The Python API: settings in, the right objects put together, a report out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from streamguard.errors import UsageError
from streamguard.faults import letting_go
from streamguard.frames import Verdict, VideoInfo
from streamguard.judges.anonymizer import FrameAnonymizer
from streamguard.judges.zones import with_zones
from streamguard.progress import Progress
from streamguard.protocols import Image
from streamguard.redaction import MaskRedactor
from streamguard.report import Report
from streamguard.runs.keeping import keeping
from streamguard.runs.run import Work, opened, sink_for, streams_of, write
from streamguard.settings import DEFAULTS, Settings
from streamguard.sinks.arrays import array_of
from streamguard.sources.arrays import frame_of
from streamguard.versions import models


def anonymize(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    settings: Settings = DEFAULTS,
    progress: Callable[[Progress], None] | None = None,
    *,
    cancelled: threading.Event | None = None,
    keep_analysis: str | os.PathLike[str] | None = None,
) -> Report:
    """Write a video or photo again with every face covered.

    The output appears under its name only when it is whole; the source is never touched.

    Args:
        source: The file to read.
        output: The file to write; its suffix decides the container.
        settings: What to look for, how to cover it, how to encode.
        progress: Called a few times a second, from another thread.
        cancelled: Set it from anywhere to stop the run.
        keep_analysis: A file to keep the decision in, from which `render` makes the same again.

    Returns:
        What was done.

    Raises:
        ModelError: An embedded model is missing or damaged.
        SourceError: The source cannot be read.
        SinkError: The output cannot be written.
        DetectionError: A detector failed.
        StalledError: Nothing moved for ``settings.stall_timeout`` seconds.
        CancelledError: ``cancelled`` was set. Where that came after the output was finished, it
            stands.
    """
    with opened(source, settings.input, progress, cancelled) as work:
        return _anonymize(work, Path(output), settings, keep_analysis)


def _anonymize(
    work: Work, output: Path, settings: Settings, keep_analysis: str | os.PathLike[str] | None
) -> Report:
    source = work.source
    with ExitStack() as ending:
        sink = ending.enter_context(sink_for(output, source, settings))
        record = work.record(source.path)
        judge = FrameAnonymizer(source.info, settings)
        ending.enter_context(letting_go(judge.close))
        kept = None
        if keep_analysis is not None:
            work.hold()
            kept = ending.enter_context(
                keeping(keep_analysis, source, settings, work.stop, models())
            )
            kept.ask_at_end(judge.untold)
        whole = with_zones(judge, settings.zones, source.traits.orientation.mirrored)
        write(work, whole, sink, settings, kept)
        return work.report(
            record,
            work.record(output),
            settings,
            analysis=None if kept is None else work.record(kept.path),
            detectors=judge.detectors,
            models=models(),
            notes=(*judge.notes, *sink.notes),
            **streams_of(source, sink),
        )


class Anonymizer:
    """Anonymizes pictures you have already: arrays in, redacted arrays out.

    Pictures come back later than they went in, in the same order and each exactly once,
    since a face found now is also covered in the pictures before it. Use it in a ``with``
    block and let nothing out but what it returns::

        with Anonymizer(1280, 720, frame_rate=30) as anonymizer:
            for index, picture in enumerate(pictures):
                show(anonymizer.push(picture, index / 30))
            show(anonymizer.finish())

    Args:
        width: Width of every picture in pixels.
        height: Height of every picture in pixels.
        settings: What to look for and how to cover it; what concerns files is ignored.
        frame_rate: Pictures per second, roughly; it decides how often detectors look.
        still: Whether the one picture is a photo, which detectors look at hardest.

    Raises:
        UsageError: The size or the rate makes no sense.
        ModelError: An embedded model is missing or damaged.
    """

    def __init__(
        self,
        width: int,
        height: int,
        settings: Settings = DEFAULTS,
        *,
        frame_rate: float = 30.0,
        still: bool = False,
    ) -> None:
        if width < 1 or height < 1 or frame_rate <= 0:
            raise UsageError(f"{width}x{height} at {frame_rate} Hz is not a video")
        info = VideoInfo(
            width=width,
            height=height,
            pix_fmt="rgb24",
            time_base=Fraction(1, 1_000_000),
            frame_rate=Fraction(frame_rate).limit_denominator(1001),
            still=still,
        )
        self._shape = (height, width, 3)
        self._index = 0
        self._time = 0.0
        self._judge = with_zones(FrameAnonymizer(info, settings), settings.zones)
        self._redactor = MaskRedactor(settings.redaction)

    def push(self, picture: Image, seconds: float) -> list[Image]:
        """Take one picture, give back those that are ready, often none.

        Args:
            picture: RGB, shape ``(height, width, 3)``, dtype ``uint8``; it is copied.
            seconds: Presentation time since the first picture; it never decreases.

        Returns:
            Redacted pictures, same shape and dtype, oldest first.

        Raises:
            UsageError: The picture has another shape or dtype, or time runs backwards.
            DetectionError: A detector failed; what is still held must not be shown.
        """
        if picture.shape != self._shape or picture.dtype != "uint8":
            raise UsageError(
                f"a picture of shape {picture.shape} and dtype {picture.dtype} was pushed",
                f"Push pictures of shape {self._shape} and dtype uint8",
            )
        if not seconds >= self._time:
            raise UsageError(f"time runs backwards: {seconds} s after {self._time} s")
        self._time = seconds
        frame = frame_of(picture, self._index, seconds)
        self._index += 1
        return self._redact(self._judge.push(frame))

    def finish(self) -> list[Image]:
        """Give back every picture still held, oldest first; nothing can be pushed after."""
        return self._redact(self._judge.finish())

    def close(self) -> None:
        """Let go of the detectors; may be called twice."""
        self._judge.close()

    def __enter__(self) -> Anonymizer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _redact(self, verdicts: Sequence[Verdict]) -> list[Image]:
        return [array_of(self._redactor.redact(verdict)) for verdict in verdicts]
