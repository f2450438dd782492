"""``streamguard verify``: is a face left in a finished file?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamguard.cli.console import DONE, FACES_LEFT, is_quiet, verbosity_options
from streamguard.cli.files import text_file
from streamguard.cli.limits import limit_options, limits_of
from streamguard.cli.options import projection_option
from streamguard.cli.progress import shown

if TYPE_CHECKING:
    from streamguard.spans import Span, Verification

_PATH = click.Path(path_type=Path)


@click.command(name="verify", short_help="Check if a face is still visible in a finished file.")
@click.argument("files", nargs=-1, required=True, type=_PATH, metavar="[ORIGINAL] OUTPUT")
@click.option(
    "--analysis",
    type=_PATH,
    metavar="FILE",
    help="The analysis OUTPUT was rendered from. Faces that it leaves clear do not count.",
)
@click.option(
    "--threshold",
    type=float,
    default=0.5,
    show_default=True,
    help="Confidence that counts as a face, 0 to 1.",
)
@click.option(
    "--every",
    type=float,
    default=0.0,
    metavar="SECONDS",
    help="Time between two looks.  [default: every frame]",
)
@limit_options
@projection_option
@click.option("--report", type=_PATH, metavar="FILE", help="Write what was found, as JSON.")
@click.option("--overwrite", is_flag=True, help="Replace a report that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@verbosity_options
@click.pass_context
def command(
    context: click.Context, /, files: tuple[Path, ...], threshold: float, every: float, **how: Any
) -> None:
    """List the faces that are still visible in a finished video or photo.

    With ORIGINAL, a face counts only if it is still as it was there. Both must have the same
    frames at the same times. With --analysis, what is found is added to its candidates. The exit
    code is 3 if a face seems to be left.
    """
    from streamguard.doctor import require_system

    if len(files) > 2:
        raise click.UsageError("name one file, or the original and the file", context)
    require_system()
    import streamguard
    from streamguard.cli.signals import stop_on_signal

    original, output = files if len(files) == 2 else (None, files[0])
    with ExitStack() as ending:
        stop = ending.enter_context(stop_on_signal())
        report = None
        if how["report"] is not None:
            inputs = [*filter(None, [how["analysis"]]), *files]
            report = ending.enter_context(text_file(how["report"], inputs, how["overwrite"]))
        with shown(output.name) as show:
            found = streamguard.verify(
                output,
                original,
                show,
                analysis=how["analysis"],
                threshold=threshold,
                every=every,
                cancelled=stop,
                limits=replace(limits_of(how), projection=how["projection"]),
            )
        if report is not None:
            report.write(found.to_json() + "\n")
    if how["as_json"]:
        click.echo(found.to_json())
    elif not is_quiet():
        click.echo("\n".join(f"{output}: {line}" for line in sentences(found)))
    context.exit(DONE if found.passed else FACES_LEFT)


def sentences(found: Verification) -> Iterator[str]:
    """Say what a verification found, in lines for people."""
    looked = f"{found.looked} of {found.frames}" if found.looked != found.frames else found.frames
    frames = f"{looked} {'frame' if found.frames == 1 else 'frames'} looked at"
    if found.passed:
        yield f"no face seems to be left ({frames})"
    for mismatch in found.mismatches:
        yield f"does not match: {mismatch}"
    for span in found.spans:
        yield f"a face seems to be left: {_words(span)}"
    if found.left_clear:
        yield f"faces left clear on purpose: {found.left_clear}, counted in each frame"
    if found.candidates:
        yield f"added to {found.analysis}: {found.candidates} candidates, see streamguard edit"


def _words(span: Span) -> str:
    x1, y1, x2, y2 = span.box
    first, last = (f"{ms / 1000:.3f}" for ms in (span.first_ms, span.last_ms))
    when = f"at {first} s" if first == last else f"from {first} to {last} s"
    frames = f"frame {span.first_frame}"
    if span.last_frame != span.first_frame:
        frames = f"frames {span.first_frame} to {span.last_frame}"
    return f"{when} ({frames}), box {x1},{y1} to {x2},{y2}, confidence {span.confidence:.2f}"
