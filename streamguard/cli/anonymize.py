"""``streamguard anonymize``: files and folders in, the same without faces out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamguard.cli.console import (
    DAMAGED_INPUT,
    DONE,
    FACES_LEFT,
    FAILED,
    WRONG_USAGE,
    is_quiet,
    verbosity_options,
)
from streamguard.cli.options import settings_of, settings_options
from streamguard.cli.progress import shown
from streamguard.errors import CancelledError, UsageError
from streamguard.settings import Settings

if TYPE_CHECKING:
    from streamguard.cli.work import Outcome

# Whether it can be read is told file by file, so that one bad file does not stop the rest.
_PATH = click.Path(path_type=Path, readable=False)


@click.command(name="anonymize")
@click.argument("inputs", nargs=-1, required=True, type=_PATH, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=_PATH,
    help="File or folder to write.  [default: NAME.anonymized.EXT beside the input]",
)
@settings_options
@click.option("--report", type=_PATH, metavar="FILE", help="Write what was done, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each input.")
@click.option("--verify", is_flag=True, help="Look afterwards whether a face is left.")
@verbosity_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Cover every face in videos and photos.

    INPUT is a video, a photo, or a folder of them, whose tree is kept in the output folder.
    What an earlier run finished in a folder is not done again.
    """
    from streamguard.doctor import require_system

    settings = settings_of(options)
    require_system()
    context.exit(_run(options, settings))


def _run(options: dict[str, Any], settings: Settings) -> int:
    from streamguard.cli.results import report_file, summarize, tell
    from streamguard.cli.signals import stop_on_signal
    from streamguard.cli.work import Worker
    from streamguard.jobs import plan

    todo = plan(options["inputs"], options["output"])
    outcomes: list[Outcome] = []
    with stop_on_signal() as stop, report_file(options["report"], todo, settings.overwrite) as file:
        worker = Worker(settings, options["verify"], stop)
        for number, job in enumerate(todo.jobs, 1):
            if stop.is_set():
                raise CancelledError("stopped on request")
            place = f"[{number}/{len(todo.jobs)}] " if len(todo.jobs) > 1 else ""
            outcome = worker.do(job, place + job.source.name, shown)
            outcomes.append(outcome)
            tell(outcome, options["as_json"], place)
            if file is not None:
                file.add(outcome)
    if todo.batch and not is_quiet():
        summarize(outcomes, todo)
    return _exit_code(outcomes)


def _exit_code(outcomes: list[Outcome]) -> int:
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        reports = [outcome.report for outcome in outcomes if outcome.report is not None]
        if not all(report.passed for report in reports):
            return FACES_LEFT
        return DAMAGED_INPUT if any(report.is_damaged for report in reports) else DONE
    return WRONG_USAGE if len(outcomes) == 1 and isinstance(errors[0], UsageError) else FAILED
