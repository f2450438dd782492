"""``streamguard anonymize``: files and folders in, the same without faces out."""

from __future__ import annotations

from contextlib import ExitStack
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
from streamguard.errors import UsageError
from streamguard.settings import Settings

if TYPE_CHECKING:
    from streamguard.cli.work import Outcome
    from streamguard.jobs.job import Plan

# Whether it can be read is told file by file, so that one bad file does not stop the rest.
_PATH = click.Path(path_type=Path, readable=False)


def _suffix(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Turn ``mp4`` into ``.mp4``."""
    if value is None:
        return None
    name = value.removeprefix(".").lower()
    if not (name.isascii() and name.isalnum()):
        raise click.BadParameter(f"{value!r} is no suffix such as mp4")
    return f".{name}"


@click.command(name="anonymize")
@click.argument("inputs", nargs=-1, required=True, type=_PATH, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=_PATH,
    help="File or folder to write; - is standard output."
    "  [default: NAME.anonymized.EXT beside the input]",
)
@click.option(
    "--format",
    metavar="EXT",
    callback=_suffix,
    help="Format of standard output, such as mp4.  [default: mkv, a photo's own for photos]",
)
@click.option(
    "--name",
    metavar="TEMPLATE",
    help="Name of each output, made of {stem} and {suffix} of the input.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Files and folders to leave out, such as '*.anonymized.*'. May be repeated.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of files to work on at the same time.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done. Write nothing.")
@settings_options
@click.option("--report", type=_PATH, metavar="FILE", help="Write what was done, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each input.")
@click.option("--verify", is_flag=True, help="Check afterwards if a face is still visible.")
@verbosity_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Cover every face in videos and photos.

    INPUT is a video, a photo, or a folder of them. A folder is done with all its subfolders.
    As INPUT, - is standard input.
    A file of a folder that an earlier run has done is skipped.
    """
    from streamguard.doctor import require_system

    settings = settings_of(options)
    require_system()
    if options["dry_run"]:
        if Path("-") in (*options["inputs"], options["output"]):
            raise click.UsageError("--dry-run reads and writes no standard stream", context)
        if options["report"] is not None:
            raise click.UsageError("--dry-run writes no report. Use --json", context)
        context.exit(_try(options, settings))
    context.exit(_run(options, settings))


def _plan(options: dict[str, Any]) -> Plan:
    from streamguard.jobs.job import plan
    from streamguard.jobs.selection import Rules

    rules = Rules(name=options["name"], exclude=options["exclude"])
    return plan(options["inputs"], options["output"], rules)


def _try(options: dict[str, Any], settings: Settings) -> int:
    from streamguard.cli.dry import foresee, print_forecasts
    from streamguard.cli.signals import stop_on_signal

    todo = _plan(options)
    with stop_on_signal() as stop:
        forecasts = foresee(todo, settings, stop)
    print_forecasts(forecasts, options["as_json"])
    return FAILED if any(forecast.fails for forecast in forecasts) else DONE


def _run(options: dict[str, Any], settings: Settings) -> int:
    from streamguard.cli.pool import outcomes_of
    from streamguard.cli.results import report_file, summarize, tell
    from streamguard.cli.signals import stop_on_signal
    from streamguard.cli.standard import standard_streams
    from streamguard.cli.work import Recipe
    from streamguard.faults import watched

    outcomes: list[Outcome] = []
    recipe = Recipe(settings, options["verify"])
    with ExitStack() as ending:
        stop = ending.enter_context(stop_on_signal())
        streams = ending.enter_context(standard_streams(options, stop))
        todo = watched(lambda: _plan(options), "looking for files", timeout=None, cancelled=stop)
        file = ending.enter_context(report_file(options["report"], todo, settings.overwrite))
        for made in outcomes_of(todo.jobs, recipe, options["jobs"], stop):
            outcome = streams.named(made)
            outcomes.append(outcome)
            tell(outcome, options["as_json"])
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
