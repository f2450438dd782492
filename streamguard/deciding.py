"""The Python API to a decision as a file: make one from an input, make an output from one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from streamguard.account.pictures import Pictures
from streamguard.analysis.identity import check_identity
from streamguard.analysis.reader import Analysis, open_analysis
from streamguard.edits.account import account_of
from streamguard.edits.journal import edits_of
from streamguard.edits.placing import Placed, place
from streamguard.exchange import read_boxes
from streamguard.faults import letting_go, watched
from streamguard.frames import Verdict
from streamguard.judges.anonymizer import FrameAnonymizer
from streamguard.judges.given import GivenBoxesJudge
from streamguard.judges.replay import Replay
from streamguard.judges.zones import with_zones
from streamguard.pipeline import Observer, decide
from streamguard.progress import Progress
from streamguard.report import Report
from streamguard.runs.analysis_input import as_decided, as_edited, input_of, output_beside
from streamguard.runs.keeping import analysis_beside, keeping
from streamguard.runs.run import Work, opened, sink_for, streams_of, write
from streamguard.settings import DEFAULTS, Settings
from streamguard.versions import models


def analyze(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    settings: Settings = DEFAULTS,
    progress: Callable[[Progress], None] | None = None,
    *,
    cancelled: threading.Event | None = None,
    boxes: str | os.PathLike[str] | None = None,
) -> Report:
    """Decide what `anonymize` would cover in a video or photo, and keep that as a file.

    Args:
        source: The file to read.
        output: The analysis to write; ``NAME.EXT.analysis`` beside the source when None.
        settings: What to look for and how it is to be covered; encoding does not matter yet.
        progress: Called a few times a second, from another thread.
        cancelled: Set it from anywhere to stop.
        boxes: Boxes that another program decided on, as COCO (``.json``) or CSV. They are
            covered, and nothing is looked for.

    Returns:
        What was found; its ``output`` is the analysis.

    Raises:
        StreamguardError: As in `anonymize`; nothing is left under the analysis' name.
    """
    path = analysis_beside(source) if output is None else Path(output)
    with opened(source, settings.input, progress, cancelled) as work:
        given = None if boxes is None else _given(Path(boxes), work)
        return _analyze(work, path, settings, given)


def _analyze(work: Work, path: Path, settings: Settings, given: GivenBoxesJudge | None) -> Report:
    source = work.source
    with ExitStack() as ending:
        work.hold()
        made_by = models() if given is None else {given.name: given.sha256}
        kept = ending.enter_context(keeping(path, source, settings, work.stop, made_by))
        judge = FrameAnonymizer(source.info, settings) if given is None else given
        if isinstance(judge, FrameAnonymizer):
            kept.ask_at_end(judge.untold)
        ending.enter_context(letting_go(judge.close))

        def on_verdict(verdict: Verdict) -> None:
            kept.add(verdict)
            work.count(verdict)

        whole = with_zones(judge, settings.zones, source.traits.orientation.mirrored)
        decide(source, whole, on_verdict, settings=settings, cancelled=work.stop)
        work.check_held()
        watched(kept.finish, f"finishing {path}", timeout=None, cancelled=work.stop)
        return work.report(
            work.record(source.path),
            work.record(path),
            settings,
            detectors=judge.detectors,
            models=made_by,
            notes=judge.notes,
        )


def _given(path: Path, work: Work) -> GivenBoxesJudge:
    """Return a judge by the boxes of a file.

    Raises:
        SourceError: The file cannot be read, or makes no sense.
    """
    record = work.record(path)
    boxes = watched(lambda: read_boxes(path), f"reading {path}", timeout=None, cancelled=work.stop)
    return GivenBoxesJudge(boxes, record.sha256, work.source.traits.orientation.mirrored)


def render(  # noqa: PLR0913 - all but four by name
    analysis: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    settings: Settings = DEFAULTS,
    progress: Callable[[Progress], None] | None = None,
    *,
    cancelled: threading.Event | None = None,
    source: str | os.PathLike[str] | None = None,
    pictures: bool = False,
) -> Report:
    """Write a video or photo again with everything covered that an analysis and its edits say.

    Nothing is looked for. The input has to be the one that was analyzed, to the byte.

    Args:
        analysis: The file that `analyze` or `anonymize` wrote.
        output: The file to write; ``NAME.anonymized.EXT`` beside the analysis when None.
        settings: How to encode, what to keep, limits; what covers look like and which part of
            the input is read comes from the analysis.
        progress: Called a few times a second, from another thread.
        cancelled: Set it from anywhere to stop.
        source: The input, or the folder that holds it; the analysis' own folder when None.
        pictures: Let the report hold a few small pictures of frames as they were rendered.

    Returns:
        What was done. Its ``decision`` tells what is left clear, by whom and why.

    Raises:
        AnalysisError: The analysis is damaged or unfinished, or the input is another one.
        EditError: An edit cannot be placed, or the log of edits was changed.
        StreamguardError: As in `anonymize`; nothing is left under the output's name.
    """
    path = Path(analysis)
    decision = open_analysis(path)
    with letting_go(decision.close):
        found = input_of(path, source, decision)
        result = output_beside(path, found) if output is None else Path(output)
        log, digest = edits_of(decision)
        placed = place(decision, log)
        settings = as_edited(as_decided(settings, decision), placed)
        account = account_of(decision, log, digest, placed)
        taking = Pictures(account if pictures else None)
        with opened(found, settings.input, progress, cancelled) as work:
            orientation = work.source.traits.orientation
            report = _render(
                work,
                decision,
                placed,
                result,
                settings,
                lambda _verdict, redacted: taking.add(redacted, orientation),
            )
            return replace(report, decision=account, pictures=taking.taken)


def _render(
    work: Work,
    decision: Analysis,
    placed: Placed,
    output: Path,
    settings: Settings,
    watch: Observer,
) -> Report:
    source = work.source
    with ExitStack() as ending:
        sink = ending.enter_context(sink_for(output, source, settings))
        work.hold(decision.check_unchanged)
        check_identity(decision.header, source.files_read, work.stop)
        write(work, Replay(decision, placed), sink, settings, watch=watch)
        return work.report(
            work.record(source.path),
            work.record(output),
            settings,
            analysis=work.record(decision.path),
            notes=sink.notes,
            **streams_of(source, sink),
        )
