"""What the commands that do many files have in common: their options, and running them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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
from streamguard.errors import UsageError

if TYPE_CHECKING:
    import threading

    from streamguard.cli.standard import Streams
    from streamguard.cli.work import Outcome, Recipe
    from streamguard.jobs.job import Plan
    from streamguard.jobs.selection import Rules

    Opening = Callable[[dict[str, Any], threading.Event], AbstractContextManager[Streams | None]]

F = TypeVar("F", bound=Callable[..., Any])

# Whether it can be read is told file by file, so that one bad file does not stop the rest.
PATH = click.Path(path_type=Path, readable=False)
DASH = Path("-")

_CHOICE = [
    click.option(
        "--name",
        metavar="TEMPLATE",
        help="Name of each output, made of {stem} and {suffix} of the input.",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="Files and folders to leave out, such as '*.anonymized.*'. May be repeated.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        metavar="N",
        help="Number of files to work on at the same time.",
    ),
    click.option("--dry-run", is_flag=True, help="Show what would be done. Write nothing."),
]
_RESULTS = [
    click.option("--report", type=PATH, metavar="FILE", help="Write what was done, as JSON."),
    click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each input."),
]


def choice_options(function: F) -> F:
    """Add the options that say which files are done, how many at a time, and what they become."""
    for option in reversed(_CHOICE):
        function = option(function)
    return function


def result_options(function: F) -> F:
    """Add the options that say what is told of it."""
    function = verbosity_options(function)
    for option in reversed(_RESULTS):
        function = option(function)
    return function


def refuse_streams(options: dict[str, Any], words: str) -> None:
    """Refuse ``-`` as an input or output.

    Raises:
        UsageError: It is one.
    """
    if DASH in (*options["inputs"], options["output"]):
        raise UsageError(words, "Name a file")


def run_batch(
    context: click.Context,
    options: dict[str, Any],
    recipe: Recipe,
    rules: Rules,
    streams: Opening = lambda _options, _stop: nullcontext(),
) -> int:
    """Do all that a command names, and return the exit code.

    Args:
        context: Of the command, for its errors.
        options: Those of `choice_options` and `result_options`, ``inputs`` and ``output``.
        recipe: How every file is done.
        rules: Which files are done, and what outputs are called.
        streams: Puts files in the place of ``-`` in the options, where that is allowed.
    """
    if options["dry_run"]:
        if DASH in (*options["inputs"], options["output"]):
            raise click.UsageError("--dry-run reads and writes no standard stream", context)
        if options["report"] is not None:
            raise click.UsageError("--dry-run writes no report. Use --json", context)
        return _try(options, recipe, rules)
    return _run(options, recipe, rules, streams)


def _plan(options: dict[str, Any], rules: Rules) -> Plan:
    from streamguard.jobs.job import plan

    return plan(options["inputs"], options["output"], rules)


def _try(options: dict[str, Any], recipe: Recipe, rules: Rules) -> int:
    from streamguard.cli.dry import planned_files, print_planned
    from streamguard.cli.signals import stop_on_signal

    todo = _plan(options, rules)
    with stop_on_signal() as stop:
        planned = planned_files(todo, recipe, stop)
    print_planned(planned, options["as_json"])
    return FAILED if any(file.fails for file in planned) else DONE


def _run(options: dict[str, Any], recipe: Recipe, rules: Rules, streams: Opening) -> int:
    from streamguard.cli.accounts import account_writer
    from streamguard.cli.pool import outcomes_of
    from streamguard.cli.results import report_file, summarize, tell
    from streamguard.cli.signals import stop_on_signal
    from streamguard.faults import watched

    outcomes: list[Outcome] = []
    overwrite = recipe.settings.overwrite
    account: Callable[[Outcome], None] | None = None
    with ExitStack() as ending:
        stop = ending.enter_context(stop_on_signal())
        used = ending.enter_context(streams(options, stop))
        todo = watched(
            lambda: _plan(options, rules), "looking for files", timeout=None, cancelled=stop
        )
        wanted = [path for path in (options["report"], options.get("account")) if path is not None]
        taken = {path.resolve() for job in todo.jobs for path in recipe.files_of(job) if wanted}
        file = ending.enter_context(report_file(options["report"], todo, overwrite, taken))
        if options.get("account") is not None:
            taken |= {path.resolve() for path in wanted[:-1]}
            account = account_writer(options["account"], todo, overwrite, taken)
        for made in outcomes_of(todo.jobs, recipe, options["jobs"], stop):
            outcome = made if used is None else used.named(made)
            outcomes.append(outcome)
            tell(outcome, options["as_json"])
            if file is not None:
                file.add(outcome)
            if account is not None:
                account(outcome)
    if todo.batch and not is_quiet():
        summarize(outcomes, todo)
    return exit_code(outcomes)


def exit_code(outcomes: list[Outcome]) -> int:
    """Return the exit code that says what became of everything."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        reports = [outcome.report for outcome in outcomes if outcome.report is not None]
        if not all(report.passed for report in reports):
            return FACES_LEFT
        return DAMAGED_INPUT if any(report.is_damaged for report in reports) else DONE
    return WRONG_USAGE if len(outcomes) == 1 and isinstance(errors[0], UsageError) else FAILED
