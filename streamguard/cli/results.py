"""What became of each input: for people, for machines, and in a report file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from streamguard.analysis.records import SUFFIX
from streamguard.cli.console import complain, is_quiet, say, words_for
from streamguard.cli.progress import duration
from streamguard.cli.verify import sentences
from streamguard.cli.work import Outcome
from streamguard.errors import SinkError, UsageError
from streamguard.geometry import FACE
from streamguard.jobs.job import Job, Plan
from streamguard.report import Report

_SPANS_SAID = 5
REPORTS_SCHEMA = "streamguard.reports/1"


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """Return what became of one input as plain values, without the tracks."""
    result: dict[str, Any] = {
        "input": str(outcome.job.source),
        "output": str(outcome.job.output) if outcome.error is None else None,
        "status": outcome.status,
        "error": words_for(outcome.error) if outcome.error is not None else None,
    }
    return result | _figures(outcome.report) if outcome.report is not None else result


def _figures(report: Report) -> dict[str, Any]:
    return {
        "frames": report.frames,
        "frames_with_faces": report.frames_with_faces,
        "tracks": len(report.tracks),
        "slate_frames": report.slate_frames,
        "duration": round(report.duration, 3),
        "elapsed": round(report.elapsed, 3),
        "frames_per_second": round(report.frames_per_second, 2),
        "speed": round(report.speed, 3),
        "streams_kept": list(report.streams_kept),
        "streams_dropped": list(report.streams_dropped),
        "damage": report.damage,
        "damage_notes": list(report.damage_notes),
        "damage_spans": [asdict(span) for span in report.damage_spans],
        "notes": list(report.notes),
        "verification": report.verification and report.verification.to_dict(),
    }


def tell(outcome: Outcome, as_json: bool) -> None:
    """Print what became of one input: the result to stdout, remarks and errors to stderr."""
    if outcome.error is not None:
        complain(outcome.error)
    elif outcome.report is None:
        say(f"{outcome.job.source}: done before, skipped; {outcome.job.output} is as it was")
    if as_json:
        click.echo(json.dumps(to_dict(outcome), ensure_ascii=False))
    elif outcome.report is not None and not is_quiet():
        click.echo(_sentence(outcome.job, outcome.report))
        if outcome.report.verification is not None:
            for line in sentences(outcome.report.verification):
                click.echo(f"{outcome.job.output}: {line}")
    if outcome.report is not None:
        for remark in _remarks(outcome.job, outcome.report):
            say(f"{outcome.job.source}: {remark}")


def _sentence(job: Job, report: Report) -> str:
    counts = Counter(track.label for track in report.tracks) or {FACE: 0}
    faces = " and ".join(f"{n} {label if n == 1 else label + 's'}" for label, n in counts.items())
    faces += " to cover" if _is_analysis(job.output) else " covered"
    if report.frames == 1:
        return f"{job.output}: {faces}"
    spent = f"{duration(report.elapsed)}, {report.speed:.1f}× real time"
    return (
        f"{job.output}: {faces} in {report.frames_with_faces} of {report.frames} frames ({spent})"
    )


def _remarks(job: Job, report: Report) -> Iterator[str]:
    suffix = Path(report.input.name).suffix
    if suffix and job.output.suffix.lower() not in (suffix.lower(), SUFFIX):
        yield f"written as {job.output.suffix or 'no suffix'}, not {suffix}"
    if report.slate_frames:
        reasons = ", ".join(f"{count} for {why}" for why, count in report.slate_reasons.items())
        yield f"{report.slate_frames} frames covered as a whole: {reasons}"
    if report.damage:
        yield f"damaged input: {report.damage} × {'; '.join(report.damage_notes)}"
    if report.damage_spans and report.frames > 1:
        yield f"covered as a whole, damaged: {_spans(report)}"
    if report.streams_dropped:
        yield f"dropped, may show or name somebody: {', '.join(report.streams_dropped)}"
    yield from report.notes


def _is_analysis(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX


def _spans(report: Report) -> str:
    spans = [f"{span.start:.2f}-{span.end:.2f} s" for span in report.damage_spans]
    more = len(spans) - _SPANS_SAID
    return ", ".join(spans[:_SPANS_SAID]) + (f" and {more} more" if more > 0 else "")


def summarize(outcomes: Sequence[Outcome], plan: Plan) -> None:
    """Print a table of everything to stderr."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    table.add_column("input", overflow="fold")
    for name in ("result", "frames", "faces", "time"):
        table.add_column(name, no_wrap=True)
    for outcome in outcomes:
        row = [escape(str(outcome.job.source)), outcome.status]
        if (report := outcome.report) is not None:
            row += [str(report.frames), str(len(report.tracks)), duration(report.elapsed)]
        table.add_row(*row)
    Console(stderr=True, highlight=False).print(table)
    counts = dict.fromkeys(("done", "skipped", "failed"), 0)
    for outcome in outcomes:
        counts[outcome.status] += 1
    words = [f"{count} {name}" for name, count in counts.items()]
    ignored = f"; other files ignored: {len(plan.left_out)}" if plan.left_out else ""
    say(f"{', '.join(words)}{ignored}")


class ReportFile:
    """The ``--report`` file: one report, or for many inputs one object that holds them all."""

    def __init__(self, path: Path, batch: bool) -> None:
        self._path = path
        self._batch = batch
        self._separator = "["

    def add(self, outcome: Outcome) -> None:
        """Add what became of one input; a single input that failed has no report.

        Raises:
            SinkError: It cannot be written.
        """
        if outcome.report is None and not self._batch:
            return
        entry = outcome.report.to_dict() if outcome.report is not None else to_dict(outcome)
        if self._batch:
            entry["status"] = outcome.status
            self._append(self._separator + "\n")
            self._separator = ","
        self._append(json.dumps(entry, ensure_ascii=False, separators=(",", ":")))

    def begin(self) -> None:
        """Write what comes before the first entry."""
        if self._batch:
            self._append(f'{{"schema":"{REPORTS_SCHEMA}","results":')

    def end(self) -> None:
        """Write what comes after the last entry."""
        self._append("\n]}\n" if self._batch else "\n")

    def _append(self, text: str) -> None:
        try:
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        except OSError as error:
            raise SinkError(f"the report cannot be written: {error.strerror}") from error


@contextmanager
def report_file(
    path: Path | None, plan: Plan, overwrite: bool, taken: Collection[Path]
) -> Iterator[ReportFile | None]:
    """Write a report beside its final name; it gets that name when the block ends well.

    Args:
        path: Its name, or None for no report.
        plan: What is done.
        overwrite: Whether it may be replaced.
        taken: What it may not replace, as `Path.resolve` gives it.

    Raises:
        UsageError: The report would replace something that is taken.
        OutputExistsError: It exists, and may not be overwritten.
        SinkError: It cannot be written.
    """
    if path is None:
        yield None
        return
    from streamguard.media.target import Target

    if path.resolve() in taken:
        raise UsageError(f"the report {path} is also an input or an output", "Choose another")
    target = Target(path, plan.jobs[0].source, overwrite)
    try:
        report = ReportFile(target.part, plan.batch)
        report.begin()
        yield report
        report.end()
        if target.part.stat().st_size > 1:
            target.commit()
    finally:
        target.discard()
