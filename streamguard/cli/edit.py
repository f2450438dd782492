"""``streamguard edit``: change what an analysis covers."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import click

from streamguard.cli import edit_acts, edit_follow
from streamguard.cli.console import say, verbosity_options
from streamguard.cli.edit_session import Session
from streamguard.cli.edit_values import Moment, frames_of, moment
from streamguard.cli.files import text_file

_PATH = click.Path(path_type=Path, readable=False)
# Bytes that are no text make a line that is no edit.
_LINES = click.File("r", encoding="utf-8", errors="replace")


@click.group(name="edit", short_help="Change what an analysis covers.")
@click.argument("file", type=_PATH, metavar="FILE.analysis")
@click.option("--actor", metavar="NAME", help="Who makes the edit.  [default: your login name]")
@click.option(
    "--codes", type=_PATH, multiple=True, metavar="FILE", help="A list of codes of your own."
)
@click.option(
    "--seen",
    type=click.IntRange(min=0),
    metavar="NUMBER",
    help="Last edit you have seen. An edit that conflicts with a later one is refused.",
)
@verbosity_options
@click.pass_context
def command(context: click.Context, /, file: Path, actor: str | None, **how: Any) -> None:
    """Change a decision: leave people clear, cover more, say which tracks are one person.

    Edits are added to FILE.analysis. Each can be undone. Nothing is overwritten. A frame is a
    number such as 120, or a time such as 4.8s or 1:04.8.
    """
    context.obj = Session(file, actor or getpass.getuser(), how["codes"], how["seen"])


for act in (*edit_acts.COMMANDS, edit_follow.command):
    command.add_command(act)


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print lines of JSON.")
@click.pass_obj
def _list(session: Session, /, as_json: bool) -> None:
    """List every edit, also those that were undone."""
    from streamguard.cli.edit_words import log_lines
    from streamguard.edits.edit_json import line_of

    with session.open() as editor:
        edits = editor.edits()
        click.echo("\n".join(map(line_of, edits) if as_json else log_lines(edits, editor.digest)))


@command.command(name="show")
@click.argument(
    "what", type=click.Choice(["tracks", "people", "candidates", "doubts", "groups", "clear"])
)
@click.option(
    "--at", callback=moment, metavar="FRAME", help="Show where each track is in this frame."
)
@click.option("--json", "as_json", is_flag=True, help="Print lines of JSON.")
@click.pass_obj
def _show(session: Session, /, what: str, at: Moment | None, as_json: bool) -> None:
    """Show tracks, people, candidates, doubts, proposed groups, or what is clear."""
    from streamguard.cli.edit_words import rows_at, rows_of, table

    if at is not None and what != "tracks":
        raise click.UsageError("--at is for tracks")
    with session.open() as editor:
        if at is None:
            rows = rows_of(editor, what)
        else:
            rows = rows_at(editor, frames_of(editor.analysis, {"at": at})["at"])
    if as_json:
        click.echo("".join(json.dumps(row) + "\n" for row in rows), nl=False)
    else:
        click.echo("\n".join(table(rows)) if rows else f"no {what}")


@command.command(name="codes")
@click.pass_obj
def _codes(session: Session, /) -> None:
    """List the codes that reasons may have."""
    from streamguard.cli.edit_words import table
    from streamguard.edits.codes import Codes

    known = Codes.load(session.codes).known.values()
    click.echo("\n".join(table([{"code": c.name, "for": c.use, "means": c.text} for c in known])))


@command.command(name="export")
@click.option("-o", "--output", type=_PATH, help="File to write.  [default: standard output]")
@click.pass_obj
def _export(session: Session, /, output: Path | None) -> None:
    """Write every edit as lines of JSON."""
    with session.open() as editor:
        text = "".join(f"{line}\n" for line in editor.export())
    if output is None:
        click.echo(text, nl=False)
        return
    with text_file(output, [session.path], overwrite=False) as file:
        file.write(text)


@command.command(name="import")
@click.argument("lines", type=_LINES, metavar="FILE.jsonl")
@click.pass_obj
def _import(session: Session, /, lines: Any) -> None:
    """Add edits that were exported from the same decision, all of them or none."""
    from streamguard.edits.edit_json import lines_of

    with session.open() as editor:
        say(f"{len(editor.import_(lines_of(lines)))} edits added")


@command.command(name="erase-actor")
@click.argument("name")
@click.pass_obj
def _erase_actor(session: Session, /, name: str) -> None:
    """Erase the NAME of somebody from all edits; what they did stays."""
    with session.open() as editor:
        editor.erase_actor(name)


@command.command(name="erase-reason")
@click.argument("number", type=int)
@click.pass_obj
def _erase_reason(session: Session, /, number: int) -> None:
    """Erase the words of the reason of edit NUMBER; its code stays."""
    with session.open() as editor:
        editor.erase_reason(number)
