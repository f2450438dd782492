"""A second look at a finished file: does a face still seem to be there?"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import repeat, zip_longest
from pathlib import Path

from streamguard.errors import SinkError, UsageError
from streamguard.faults import letting_go
from streamguard.frames import Frame
from streamguard.progress import Progress, ProgressReporter
from streamguard.settings import InputSettings
from streamguard.sources import LocalSource, open_source
from streamguard.spans import Span, Verification
from streamguard.stages import Stage, run_alone
from streamguard.verification.decided import Decided
from streamguard.verification.eyes import DETECTORS
from streamguard.verification.inspection import Inspection, nothing_excused

THRESHOLD = 0.5
"""Confidence that counts as a face: blurred ones, which stay round and skin-coloured, rarely do."""

LIMITS = InputSettings()
_STALLED = 60.0
"""Seconds without a frame after which the file is given up."""


def verify(  # noqa: PLR0913 - all but three by name, each of its own kind
    output: str | os.PathLike[str],
    original: str | os.PathLike[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    *,
    analysis: str | os.PathLike[str] | None = None,
    threshold: float = THRESHOLD,
    every: float = 0.0,
    cancelled: threading.Event | None = None,
    limits: InputSettings = LIMITS,
) -> Verification:
    """Look at a finished video or photo with both detectors at full size, upright and turned.

    Args:
        output: The file to look at.
        original: What it was made from. With it, what is detected counts only where the
            original's detail is still there.
        progress: Called a few times a second.
        analysis: What it was rendered from. With it, a face that is left clear on purpose does
            not count, and what is found becomes a candidate in that file.
        threshold: Confidence that counts as a face, 0 to 1.
        every: Seconds between two looks; 0 looks at every frame.
        cancelled: Set it from anywhere to stop.
        limits: How much the files may ask of this machine; a part of the original, by its
            ``start`` and ``end``, is what the output was made from.

    Raises:
        UsageError: ``threshold`` or ``every`` is out of range, or a file is a folder.
        StreamguardError: A file cannot be read or does not fit, the detector failed, nothing
            moved for a minute, or ``cancelled`` was set.
    """
    how = _VerifyOptions(Path(output), _path(original), _path(analysis), threshold, every)
    reporter = ProgressReporter(progress)
    with ExitStack() as ending:
        look = _SecondLook(how, limits, cancelled or threading.Event(), ending)
        look.run(reporter)
        return look.verification(reporter.elapsed)


@dataclass(frozen=True, slots=True)
class _VerifyOptions:
    """What is asked for, by the names of `verify`."""

    output: Path
    original: Path | None
    analysis: Path | None
    threshold: float
    every: float

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise UsageError(f"threshold {self.threshold} is not between 0 and 1")
        if not 0 <= self.every < float("inf"):
            raise UsageError(f"{self.every} is no number of seconds between two looks")


class _SecondLook:
    """Everything that is open while a file is looked at; ``ending`` closes it."""

    def __init__(
        self, how: _VerifyOptions, limits: InputSettings, stop: threading.Event, ending: ExitStack
    ) -> None:
        self._how, self._stop = how, stop
        self._decided = None
        if how.analysis is not None:
            self._decided = ending.enter_context(Decided.opened(how.analysis))
            limits = self._decided.part(limits)
        self._result = self._open(how.output, replace(limits, start=0.0, end=None), ending)
        self._source = self._open(how.original, limits, ending) if how.original else None
        if self._decided is not None:
            self._decided.prepare(self._result, self._source, stop)
        self._inspection = Inspection(
            self._result,
            self._source,
            threshold=how.threshold,
            every=how.every,
            excuse=self._decided.excuse if self._decided is not None else nothing_excused,
        )
        ending.enter_context(letting_go(self._inspection.close))

    def run(self, reporter: ProgressReporter) -> None:
        """Look at every frame, in a thread that is watched."""

        def look(stage: Stage) -> None:
            for frame, twin in _pairs(self._result, self._source):
                stage.steps += 1
                if self._stop.is_set():
                    return
                self._inspection.add(frame, twin)
                self._inspection.tell(reporter)

        run_alone(Stage("looking at the file", look), _STALLED, self._stop)

    def verification(self, elapsed: float) -> Verification:
        """Return what was found; add it to the analysis."""
        how, seen = self._how, self._inspection
        spans, mismatches, candidates = seen.spans.finish(), seen.mismatches(), 0
        if self._decided is not None:
            mismatches += self._decided.mismatches(seen.frames)
            if spans and not mismatches:
                candidates, mismatches = self._kept(self._decided, spans)
        return Verification(
            file=how.output.name,
            original=how.original.name if how.original else None,
            analysis=how.analysis.name if how.analysis else None,
            detector=", ".join(DETECTORS.values()),
            threshold=how.threshold,
            every=how.every,
            frames=seen.frames,
            looked=seen.looked,
            spans=spans,
            set_aside=seen.set_aside,
            left_clear=seen.excused,
            candidates=candidates,
            mismatches=mismatches,
            elapsed=elapsed,
        )

    def _kept(self, decided: Decided, spans: Sequence[Span]) -> tuple[int, tuple[str, ...]]:
        """Add what was found to the analysis; return how many are new, or why it is not there."""
        try:
            return decided.keep(spans), ()
        except SinkError as error:
            # What was found has to be told in any case.
            return 0, (f"nothing was added to the candidates: {error.what}",)

    def _open(self, path: Path, limits: InputSettings, ending: ExitStack) -> LocalSource:
        source = open_source(path, limits, self._stop)
        ending.enter_context(letting_go(source.close))
        return source


def _path(name: str | os.PathLike[str] | None) -> Path | None:
    return None if name is None else Path(name)


def _pairs(
    result: LocalSource, source: LocalSource | None
) -> Iterator[tuple[Frame | None, Frame | None]]:
    """Yield every frame with that of the original of the same place in the order."""
    frames = _frames(result)
    return zip(frames, repeat(None)) if source is None else zip_longest(frames, _frames(source))


def _frames(source: LocalSource) -> Iterator[Frame]:
    return (item for item in source.read() if isinstance(item, Frame))
