"""``streamguard anonymize``: files and folders in, the same without faces out."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamguard.cli.console import (
    DONE,
    FACES_LEFT,
    FAILED,
    WRONG_USAGE,
    complain,
    is_quiet,
    say,
    verbosity_options,
)
from streamguard.cli.options import settings_of, settings_options
from streamguard.cli.progress import shown
from streamguard.errors import CancelledError, SystemNotReadyError, UsageError
from streamguard.settings import Settings

if TYPE_CHECKING:
    from streamguard.cli.results import Outcome
    from streamguard.jobs import Job

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
    from streamguard.cli.results import Outcome, report_file, summarize, tell
    from streamguard.cli.signals import stop_on_signal
    from streamguard.jobs import plan

    todo = plan(options["inputs"], options["output"])
    outcomes: list[Outcome] = []
    with stop_on_signal() as stop, report_file(options["report"], todo, settings.overwrite) as file:
        for number, job in enumerate(todo.jobs, 1):
            if stop.is_set():
                raise CancelledError("stopped on request")
            place = f"[{number}/{len(todo.jobs)}] " if len(todo.jobs) > 1 else ""
            if job.is_done and not settings.overwrite:
                say(f"{place}{job.source}: done before, skipped")
                outcomes.append(Outcome(job))
            else:
                outcomes.append(
                    _one(job, place + job.source.name, settings, stop, options["verify"])
                )
            tell(outcomes[-1], options["as_json"])
            if file is not None:
                file.add(outcomes[-1])
    if todo.batch and not is_quiet():
        summarize(outcomes, todo)
    return _exit_code(outcomes)


def _one(job: Job, name: str, settings: Settings, stop: threading.Event, verify: bool) -> Outcome:
    """Do one job; only what would stop every other job as well is raised."""
    import streamguard
    from streamguard.cli.results import Outcome

    try:
        job.make_room()
        with shown(name) as show:
            report = streamguard.anonymize(job.source, job.output, settings, show, cancelled=stop)
        if verify:
            with shown(f"{name} (verifying)") as show:
                found = streamguard.verify(job.output, job.source, show, cancelled=stop)
            report = replace(report, verification=found)
    except (CancelledError, SystemNotReadyError):
        raise
    except Exception as error:  # noqa: BLE001 - told to the user; the other inputs go on
        complain(error)
        return Outcome(job, error=error)
    return Outcome(job, report)


def _exit_code(outcomes: list[Outcome]) -> int:
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        left = any(outcome.report and not outcome.report.passed for outcome in outcomes)
        return FACES_LEFT if left else DONE
    return WRONG_USAGE if len(outcomes) == 1 and isinstance(errors[0], UsageError) else FAILED
