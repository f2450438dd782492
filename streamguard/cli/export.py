"""``streamguard export``: the boxes of an analysis for other programs."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TextIO

import click

from streamguard.cli.console import verbosity_options
from streamguard.cli.files import text_file

_FORMATS = ("coco", "csv", "webvtt")


@click.command(name="export", short_help="Write the boxes of an analysis for other programs.")
@click.argument("analysis", type=click.Path(path_type=Path), metavar="FILE.analysis")
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), required=True, help="Format to write."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; - is standard output, which is the default.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that exists.")
@verbosity_options
def command(analysis: Path, form: str, output: Path | None, overwrite: bool) -> None:
    """Write the boxes of all covers, after all edits.

    Boxes are in pixels of the upright picture, before padding.
    """
    from streamguard.analysis.reader import open_analysis
    from streamguard.exchange import FORMATS
    from streamguard.exchange.rows import boxes_of

    with closing(open_analysis(analysis)) as opened:
        boxes = boxes_of(opened)
        with ExitStack() as ending:
            out: TextIO = sys.stdout
            if output is not None and output != Path("-"):
                inputs = [analysis.with_name(file.name) for file in opened.header.files]
                out = ending.enter_context(text_file(output, [*inputs, analysis], overwrite))
            FORMATS[form](boxes, out)
