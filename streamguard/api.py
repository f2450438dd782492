"""The Python API: settings in, the right objects put together, a report out."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

from streamguard import __version__
from streamguard.detection.weights import MODELS
from streamguard.errors import UsageError
from streamguard.faults import let_go, letting_go, patience_after
from streamguard.frames import RedactedFrame, Verdict, VideoInfo
from streamguard.judges.anonymizer import Anonymizer as FrameAnonymizer
from streamguard.judges.zones import with_zones
from streamguard.memory import give_back
from streamguard.pipeline import Parts, run
from streamguard.progress import Progress, ProgressReporter
from streamguard.protocols import Image
from streamguard.redaction import MaskRedactor
from streamguard.report import Report, record_file
from streamguard.settings import Settings
from streamguard.sinks import open_sink
from streamguard.sinks.arrays import array_of
from streamguard.sources import open_source
from streamguard.sources.arrays import frame_of
from streamguard.tally import Tally

DEFAULTS = Settings()
_LIBRARIES = {
    "mediapipe": "mediapipe",
    "onnxruntime": "onnxruntime",
    "av": "av",
    "opencv": "opencv-python",
    "numpy": "numpy",
}


def anonymize(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    settings: Settings = DEFAULTS,
    progress: Callable[[Progress], None] | None = None,
    *,
    cancelled: threading.Event | None = None,
) -> Report:
    """Write a video or photo again with every face covered.

    The output appears under its name only when it is whole; the source is never touched.

    Args:
        source: The file to read.
        output: The file to write; its suffix decides the container.
        settings: What to look for, how to cover it, how to encode.
        progress: Called a few times a second, from another thread.
        cancelled: Set it from anywhere to stop the run.

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
    reporter = ProgressReporter(progress)
    stop = cancelled or threading.Event()
    tally = Tally()
    with ExitStack() as ending:
        ending.callback(give_back)
        opened = open_source(source, settings.input, stop)
        ending.enter_context(letting_go(opened.close))
        sink = open_sink(output, opened, settings)
        try:
            record = record_file(Path(source), stop)
            anonymizer = FrameAnonymizer(opened.info, settings)
            ending.enter_context(letting_go(anonymizer.close))
            observe = _observer(tally, reporter, opened.info.frames)
            judge = with_zones(anonymizer, settings.zones)
            parts = Parts(opened, judge, MaskRedactor(settings.redaction), sink)
            run(parts, settings=settings, observe=observe, cancelled=stop)
        except BaseException as error:
            let_go(sink.abort, patience_after(error))
            raise
    return Report(
        input=record,
        output=record_file(Path(output), stop),
        versions=versions(),
        settings=asdict(settings),
        detectors=anonymizer.detectors,
        models={name: model.sha256 for name, model in MODELS.items()},
        width=opened.info.width,
        height=opened.info.height,
        frames=tally.frames,
        frames_with_faces=tally.frames_with_faces,
        tracks=tally.tracks(),
        slate_frames=tally.slate_reasons.total(),
        slate_reasons=dict(tally.slate_reasons),
        longest_slate=tally.longest_slate,
        streams_kept=tuple(x for x in opened.streams_kept if x not in sink.left_out),
        streams_dropped=opened.streams_dropped,
        damage=opened.damage,
        damage_notes=opened.damage_notes,
        damage_spans=tuple(tally.damage_spans),
        notes=(*opened.notes, *anonymizer.notes, *sink.notes),
        duration=tally.last_ms / 1000,
        elapsed=reporter.elapsed,
    )


def _observer(
    tally: Tally, reporter: ProgressReporter, total: int | None
) -> Callable[[Verdict, RedactedFrame], None]:
    def observe(verdict: Verdict, redacted: RedactedFrame) -> None:
        tally.add(verdict, redacted)
        reporter.tell(tally.frames, total, tally.faces, tally.last_ms / 1000)

    return observe


def versions() -> dict[str, str]:
    """Return the version of streamguard, of Python, and of the libraries that do the work."""
    libraries = {name: version(package) for name, package in _LIBRARIES.items()}
    return {"streamguard": __version__, "python": platform.python_version(), **libraries}


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
