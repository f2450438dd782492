"""``streamguard anonymize``: files and folders in, the same without faces out."""

from __future__ import annotations

from typing import Any

import click

from streamguard.cli.batch import DASH, PATH, choice_options, result_options, run_batch
from streamguard.cli.options import settings_of, settings_options
from streamguard.errors import UsageError
from streamguard.geometry import FACE


def _suffix(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """Turn ``mp4`` into ``.mp4``."""
    if value is None:
        return None
    name = value.removeprefix(".").lower()
    if not (name.isascii() and name.isalnum()):
        raise click.BadParameter(f"{value!r} is no suffix such as mp4")
    return f".{name}"


@click.command(name="anonymize")
@click.argument("inputs", nargs=-1, required=True, type=PATH, metavar="INPUT...")
@click.option(
    "-o",
    "--output",
    type=PATH,
    help="File or folder to write; - is standard output."
    "  [default: NAME.anonymized.EXT beside the input]",
)
@click.option(
    "--format",
    metavar="EXT",
    callback=_suffix,
    help="Format of standard output, such as mp4.  [default: mkv, a photo's own for photos]",
)
@choice_options
@settings_options
@click.option("--verify", is_flag=True, help="Check afterwards if a face is still visible.")
@click.option(
    "--keep-analysis",
    is_flag=True,
    help="Keep what was decided as NAME.EXT.analysis beside the input, for streamguard render.",
)
@result_options
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
    from streamguard.cli.standard import standard_streams
    from streamguard.cli.work import Recipe
    from streamguard.jobs.selection import Rules

    if options["keep_analysis"] and DASH in options["inputs"]:
        raise UsageError(
            "standard input has no name, and an analysis is found by its input's name",
            "Name a file, or leave out --keep-analysis",
        )
    if options["verify"] and FACE not in settings.hide:
        raise click.UsageError("--verify looks for faces, and --hide does not name them", context)
    recipe = Recipe(settings, options["verify"], keeps_analysis=options["keep_analysis"])
    rules = Rules(name=options["name"], exclude=options["exclude"])
    context.exit(run_batch(context, options, recipe, rules, standard_streams))
