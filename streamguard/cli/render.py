"""``streamguard render``: a decision in, the covered video or photo out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streamguard.cli.batch import PATH, choice_options, refuse_streams, result_options, run_batch
from streamguard.cli.options import rendering_options, settings_of
from streamguard.errors import StreamguardError, UsageError


@click.command(name="render")
@click.argument("inputs", nargs=-1, required=True, type=PATH, metavar="FILE.analysis...")
@click.option(
    "-o",
    "--output",
    type=PATH,
    help="File or folder to write.  [default: NAME.anonymized.EXT beside the analysis]",
)
@click.option(
    "--input",
    "original",
    type=PATH,
    metavar="FILE|FOLDER",
    help="What was analyzed, or the folder that holds it.  [default: beside the analysis]",
)
@choice_options
@rendering_options
@click.option(
    "--verify",
    is_flag=True,
    help="Check afterwards if a face is visible that is not left clear on purpose.",
)
@click.option(
    "--account",
    type=PATH,
    metavar="FILE.html",
    help="Write a page for people: what is left clear, by whom and why. With several analyses,"
    " name a folder.",
)
@click.option("--pictures", is_flag=True, help="Show a few covered frames in the account.")
@result_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Write the covered videos and photos from analyses. Nothing is looked for.

    FILE.analysis is what streamguard analyze wrote, or a folder with such files. The input must
    be exactly the file that was analyzed. Its content is checked.
    An analysis of a folder that an earlier run has rendered is skipped.
    """
    from streamguard.doctor import require_system

    settings = settings_of(options)
    refuse_streams(options, "rendering reads and writes files with a name, and - has none")
    original = options["original"]
    several = len(options["inputs"]) > 1 or options["inputs"][0].is_dir()
    if original is not None and several and not original.is_dir():
        raise UsageError(
            f"{original} cannot be the input of several analyses", "Name the folder of the inputs"
        )
    if options["pictures"] and options["account"] is None:
        raise click.UsageError("--pictures goes with --account only", context)
    require_system()
    from streamguard.cli.work import Recipe, Task
    from streamguard.jobs.selection import RENDERED, Rules

    recipe = Recipe(
        settings,
        options["verify"],
        task=Task.RENDER,
        original=original,
        pictures=options["pictures"],
    )
    rules = Rules(options["name"], options["exclude"], _suffix_by(original), RENDERED)
    context.exit(run_batch(context, options, recipe, rules))


def _suffix_by(original: Path | None) -> Any:
    """Return what gives the suffix of what is rendered from an analysis."""
    from streamguard.runs.analysis_input import input_of
    from streamguard.sinks.suffixes import fitting_suffix

    def suffix(path: Path) -> str:
        try:
            return fitting_suffix(input_of(path, original))
        except StreamguardError:
            # Rendering it will tell what is wrong.
            return Path(path.stem).suffix or ".mp4"

    return suffix
