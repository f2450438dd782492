"""``streamguard analyze``: files and folders in, what to cover in them out."""

from __future__ import annotations

from typing import Any

import click

from streamguard.cli.batch import PATH, choice_options, refuse_streams, result_options, run_batch
from streamguard.cli.options import decision_options, settings_of
from streamguard.errors import UsageError


@click.command(name="analyze")
@click.argument("inputs", nargs=-1, required=True, type=PATH, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=PATH,
    metavar="FILE.analysis|FOLDER",
    help="Analysis, or folder of analyses, to write."
    "  [default: NAME.EXT.analysis beside the input]",
)
@click.option(
    "--boxes",
    type=PATH,
    metavar="FILE",
    help="Cover the boxes of this file, COCO (.json) or CSV, and look for nothing.",
)
@choice_options
@decision_options
@result_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Decide what to cover in videos and photos, and write only that.

    INPUT is a video, a photo, or a folder of them. The result is an analysis. It says for every
    frame what is to be covered, and holds no picture. streamguard render makes the covered video
    from it.
    A file of a folder that an earlier run has done is skipped.
    """
    from streamguard.doctor import require_system

    settings = settings_of(options)
    refuse_streams(options, "an analysis belongs to a file with a name, and - has none")
    output = options["output"]
    if output is not None and not output.is_dir() and _is_one(options):
        _check_name(output.name)
    if options["boxes"] is not None and not _is_one(options):
        raise UsageError(f"{options['boxes']} is for one input", "Name one video or photo")
    require_system()
    from streamguard.analysis.records import SUFFIX
    from streamguard.cli.work import Recipe, Task
    from streamguard.jobs.selection import DECIDED, Rules

    recipe = Recipe(settings, task=Task.ANALYZE, boxes=options["boxes"])
    rules = Rules(options["name"], options["exclude"], lambda _: SUFFIX, DECIDED)
    context.exit(run_batch(context, options, recipe, rules))


def _is_one(options: dict[str, Any]) -> bool:
    return len(options["inputs"]) == 1 and not options["inputs"][0].is_dir()


def _check_name(name: str) -> None:
    from streamguard.analysis.records import SUFFIX

    if not name.lower().endswith(SUFFIX):
        raise UsageError(f"{name} has not the suffix of an analysis", f"Name it {name}{SUFFIX}")
