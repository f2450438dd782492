"""``anonymize --dry-run``: what a run would do, and what it would not, and why."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import click

from streamguard.cli.console import words_for
from streamguard.cli.work import Recipe
from streamguard.errors import CancelledError, OutputExistsError, StreamguardError
from streamguard.jobs.history import History, JobState
from streamguard.jobs.job import Job, Plan
from streamguard.settings import Settings
from streamguard.sources.opening import check_path


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """What would become of one file.

    Attributes:
        input: Its path.
        output: Path of the output, or None if there would be none.
        status: ``to do``, ``skipped``, ``failed`` or ``left out``.
        reason: Why, in words; may be empty.
    """

    input: str
    output: str | None
    status: str
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Whether the run would fail at this file."""
        return self.status == "failed"


def planned_files(plan: Plan, recipe: Recipe, cancelled: threading.Event) -> list[PlannedFile]:
    """Return what a run would do; inputs are read to compare them, nothing is written.

    Args:
        plan: What the run would work on.
        recipe: How it would make outputs.
        cancelled: When set, it is given up.

    Raises:
        CancelledError: ``cancelled`` was set.
    """
    history = recipe.history()
    planned = [_of_job(job, history, recipe.settings, cancelled) for job in plan.jobs]
    left_out = (
        PlannedFile(click.format_filename(item.path), None, "left out", item.reason)
        for item in plan.left_out
    )
    return [*planned, *left_out]


def print_planned(planned: Sequence[PlannedFile], as_json: bool) -> None:
    """Print a table to stdout, or one line of JSON for each file."""
    if as_json:
        for file in planned:
            click.echo(json.dumps(asdict(file), ensure_ascii=False))
        return
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    table.add_column("status", no_wrap=True)
    for name in ("input", "output", "reason"):
        table.add_column(name, overflow="fold")
    for file in planned:
        words = (file.status, file.input, file.output or "", file.reason)
        table.add_row(*map(escape, words))
    # Without a terminal nothing is gained by breaking lines.
    width = None if sys.stdout.isatty() else 1000
    Console(highlight=False, width=width).print(table)
    click.echo(", ".join(_counts(planned)) + ". Nothing was written.")


def _of_job(
    job: Job, history: History, settings: Settings, cancelled: threading.Event
) -> PlannedFile:
    source, output = click.format_filename(job.source), click.format_filename(job.output)
    try:
        check_path(job.source)
        state = history.state_of(job, cancelled)
        if state is JobState.NEW and os.path.lexists(job.output) and not settings.overwrite:
            raise OutputExistsError(f"{output} exists", "Replace it with --overwrite")
    except CancelledError:
        raise
    except StreamguardError as error:
        return PlannedFile(source, None, "failed", words_for(error))
    if state is JobState.DONE:
        return PlannedFile(source, output, "skipped", state.value)
    return PlannedFile(source, output, "to do", "" if state is JobState.NEW else state.value)


def _counts(planned: Sequence[PlannedFile]) -> Iterator[str]:
    for status in ("to do", "skipped", "failed", "left out"):
        yield f"{sum(file.status == status for file in planned)} {status}"
