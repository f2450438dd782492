"""What all runs from one file to another share: opening, counting, progress, and the report."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streamguard.analysis.identity import FileWatch
from streamguard.analysis.records import FileRecord
from streamguard.analysis.writer import AnalysisWriter
from streamguard.faults import let_go, letting_go, patience_after
from streamguard.frames import RedactedFrame, Verdict
from streamguard.memory import give_back
from streamguard.pipeline import Observer, Parts, run
from streamguard.progress import Progress, ProgressReporter
from streamguard.protocols import Judge
from streamguard.redaction import MaskRedactor
from streamguard.report import Report, record_file
from streamguard.settings import InputSettings, Settings
from streamguard.sinks import open_sink
from streamguard.sinks.local import LocalSink
from streamguard.sources import LocalSource, open_source
from streamguard.tally import Tally
from streamguard.versions import versions


class Work:
    """One input that is being worked on.

    Args:
        source: The open input.
        reporter: Tells how far it is.
        stop: Set it from anywhere to stop.
        watch: Notices whether the input becomes another one.

    Attributes:
        source: The open input.
        stop: Set it from anywhere to stop.
    """

    def __init__(
        self,
        source: LocalSource,
        reporter: ProgressReporter,
        stop: threading.Event,
        watch: FileWatch,
    ) -> None:
        self.source = source
        self.stop = stop
        self._watch = watch
        self._reporter = reporter
        self._tally = Tally()
        self._checks: tuple[Callable[[], None], ...] = ()

    def count(self, verdict: Verdict) -> None:
        """Count one frame that is done, and tell how far it is."""
        tally = self._tally
        tally.add(verdict)
        total = self.source.info.frames
        self._reporter.tell(tally.frames, total, tally.faces, tally.last_ms / 1000)

    def hold(self, *checks: Callable[[], None]) -> None:
        """Hold the input to what it was when it was opened, since a decision belongs to it.

        Args:
            checks: Called whenever that is checked; they raise if something else changed.

        Raises:
            SourceError: One of its files is gone.
        """
        self._watch.start(self.source.files_read)
        self._checks = checks

    def check_held(self) -> None:
        """Check that the input has not changed since `hold`.

        Raises:
            SourceError: It is gone, was replaced, or was written to.
            StreamguardError: As the checks that came with it raise.
        """
        self._watch.check()
        for check in self._checks:
            check()

    def record(self, path: str | os.PathLike[str]) -> FileRecord:
        """Return a file's name and content, as `record_file` does."""
        return record_file(Path(path), self.stop)

    def report(
        self, source: FileRecord, output: FileRecord, settings: Settings, **more: Any
    ) -> Report:
        """Return what was done.

        Args:
            source: The file that was read.
            output: The file that was written.
            settings: How it was done.
            more: Other fields of the report; its notes are added to the source's own.
        """
        opened, tally = self.source, self._tally
        notes = more.pop("notes", ())
        return Report(
            input=source,
            output=output,
            versions=versions(),
            settings=asdict(settings),
            width=opened.info.width,
            height=opened.info.height,
            frames=tally.frames,
            frames_with_faces=tally.frames_with_faces,
            tracks=tally.tracks(),
            slate_frames=tally.slate_reasons.total(),
            slate_reasons=dict(tally.slate_reasons),
            longest_slate=tally.longest_slate,
            damage=opened.damage,
            damage_notes=opened.damage_notes,
            damage_spans=tuple(tally.damage_spans),
            notes=(*opened.notes, *notes),
            duration=tally.last_ms / 1000,
            elapsed=self._reporter.elapsed,
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            **more,
        )


@contextmanager
def opened(
    source: str | os.PathLike[str],
    options: InputSettings,
    progress: Callable[[Progress], None] | None,
    cancelled: threading.Event | None,
) -> Iterator[Work]:
    """Open an input for the length of the block.

    Args:
        source: The file to read.
        options: What to read of it, and its limits.
        progress: Called a few times a second, from another thread.
        cancelled: Set it from anywhere to stop.

    Raises:
        SourceError: The input cannot be read.
        StalledError: Opening took too long.
        CancelledError: ``cancelled`` was set.
    """
    reporter = ProgressReporter(progress)
    stop = cancelled or threading.Event()
    watch = FileWatch(Path(source))
    try:
        found = open_source(source, options, stop)
        with letting_go(found.close):
            yield Work(found, reporter, stop, watch)
    finally:
        give_back()


@contextmanager
def sink_for(output: Path, source: LocalSource, settings: Settings) -> Iterator[LocalSink]:
    """Open the output for the length of the block; where that fails, nothing is left behind.

    Raises:
        UsageError: The output does not fit the source.
        SinkError: It cannot be written.
    """
    sink = open_sink(output, source, settings)
    try:
        yield sink
    except BaseException as error:
        let_go(sink.abort, patience_after(error))
        raise


def write(
    work: Work,
    judge: Judge,
    sink: LocalSink,
    settings: Settings,
    kept: AnalysisWriter | None = None,
    watch: Observer | None = None,
) -> None:
    """Carry all of an input through a judge into an output.

    Args:
        work: The input.
        judge: Decides what to cover.
        sink: The output; it is closed here.
        settings: How to cover.
        kept: Keeps what is decided, and is finished here before the output; or None.
        watch: Called with every frame that was written, or None.

    Raises:
        StreamguardError: Of the kind that fits; see `pipeline.run`.
    """

    def observe(verdict: Verdict, redacted: RedactedFrame) -> None:
        if kept is not None:
            kept.add(verdict)
        if watch is not None:
            watch(verdict, redacted)
        work.count(verdict)

    def finish() -> None:
        work.check_held()
        if kept is not None:
            kept.finish()

    redactor = MaskRedactor(settings.redaction)
    parts = Parts(work.source, judge, redactor, sink, before_close=finish)
    run(parts, settings=settings, observe=observe, cancelled=work.stop)


def streams_of(source: LocalSource, sink: LocalSink) -> dict[str, tuple[str, ...]]:
    """Return what passed into an output and what did not, as fields of the report."""
    kept = tuple(words for words in source.streams_kept if words not in sink.left_out)
    return {"streams_kept": kept, "streams_dropped": source.streams_dropped}
