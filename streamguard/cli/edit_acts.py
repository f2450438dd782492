"""Sub-commands of ``streamguard edit`` that add an edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from streamguard.cli.console import is_quiet
from streamguard.cli.edit_session import Session
from streamguard.cli.edit_values import box, frames_of, moment, points, seconds_of

F = TypeVar("F", bound=Callable[..., Any])


def reason_options(function: F) -> F:
    """Add the options that say why."""
    reason = click.option("-r", "--reason", default="", metavar="TEXT", help="Why, in words.")
    code = click.option("-c", "--code", default="", help="Why, as a code such as gdpr:consent.")
    return reason(code(function))


def _who(function: F) -> F:
    track = click.option("--track", type=int, default=0, metavar="NUMBER", help="The track.")
    person = click.option("--person", type=int, default=0, metavar="NUMBER", help="The person.")
    return track(person(function))


def _span(function: F) -> F:
    first = click.option("--from", "first", callback=moment, metavar="FRAME", help="First frame.")
    last = click.option("--to", "last", callback=moment, metavar="FRAME", help="Last frame.")
    return first(last(function))


_AT = click.option(
    "--at", callback=moment, metavar="FRAME", help="Frame in which you looked at it."
)
_CONFIRM = click.option(
    "--confirm", is_flag=True, help="You looked at every stretch that may show somebody else."
)
_LABEL = click.option("--label", metavar="WORD", help="What kind of thing it hides.")


def add(session: Session, kind: str, how: dict[str, Any]) -> None:
    """Add an edit and say what it came to."""
    from streamguard.edits.edit_json import act_of

    with session.open() as editor:
        said = {name: value for name, value in how.items() if value is not None}
        reason, code = said.pop("reason"), said.pop("code")
        act = act_of(kind, frames_of(editor.analysis, said))
        done = editor.add(act, reason=reason, code=code, seen=session.seen)
        if not is_quiet():
            from streamguard.cli.edit_words import edit_line, withheld_lines

            click.echo(edit_line(done))
            held = [w for w in editor.placed().withheld() if w.edit == done.number]
            click.echo("".join(f"{line}\n" for line in withheld_lines(held)), nl=False)


@click.command(name="clear")
@_who
@_span
@_AT
@_CONFIRM
@reason_options
@click.pass_obj
def _clear(session: Session, /, **how: Any) -> None:
    """Leave a track or a person clear.

    Where it touches another track or was lost, it stays covered until you confirm that stretch.
    """
    add(session, "clear", how)


@click.command(name="cover")
@_who
@_span
@reason_options
@click.pass_obj
def _cover(session: Session, /, **how: Any) -> None:
    """Cover again what was left clear or dismissed."""
    add(session, "cover", how)


@click.command(name="confirm")
@_who
@_span
@reason_options
@click.pass_obj
def _confirm(session: Session, /, **how: Any) -> None:
    """Say that a track shows the same thing in a whole stretch."""
    add(session, "confirm", how)


@click.command(name="dismiss")
@click.argument("track", type=int)
@_AT
@_CONFIRM
@reason_options
@click.pass_obj
def _dismiss(session: Session, /, **how: Any) -> None:
    """Say that TRACK is no face."""
    add(session, "dismiss", how)


@click.command(name="believe")
@click.argument("candidate", type=int)
@_span
@reason_options
@click.pass_obj
def _believe(session: Session, /, **how: Any) -> None:
    """Cover CANDIDATE, which was seen and not covered."""
    add(session, "believe", how)


@click.command(name="box")
@click.argument("box", callback=box, metavar="X1,Y1,X2,Y2")
@_span
@_LABEL
@reason_options
@click.pass_obj
def _box(session: Session, /, **how: Any) -> None:
    """Cover a box that stays where it is, in pixels of the coded picture."""
    add(session, "box", how)


@click.command(name="polygon")
@click.argument("points", callback=points, nargs=-1, required=True, metavar="X,Y X,Y X,Y...")
@_span
@_LABEL
@reason_options
@click.pass_obj
def _polygon(session: Session, /, **how: Any) -> None:
    """Cover a polygon that stays where it is, in pixels of the coded picture."""
    add(session, "polygon", how)


@click.command(name="group")
@click.argument("tracks", type=int, nargs=-1, required=True, metavar="TRACK...")
@click.option("--person", type=int, default=0, metavar="NUMBER", help="Person they join.")
@reason_options
@click.pass_obj
def _group(session: Session, /, **how: Any) -> None:
    """Say that tracks show one person."""
    add(session, "group", how)


@click.command(name="split")
@_who
@click.option(
    "--at",
    "frame",
    callback=moment,
    required=True,
    metavar="FRAME",
    help="First frame of the new one.",
)
@reason_options
@click.pass_obj
def _split(session: Session, /, **how: Any) -> None:
    """Say that a track or a person is somebody else from a frame on."""
    add(session, "split", how)


@click.command(name="label")
@click.argument("label", metavar="WORD")
@_who
@reason_options
@click.pass_obj
def _label(session: Session, /, **how: Any) -> None:
    """Say what kind of thing a track or a person is."""
    add(session, "label", how)


@click.command(name="effect")
@click.argument("effect", type=click.Choice(["blur", "pixelate", "solid"]))
@_who
@_LABEL
@reason_options
@click.pass_obj
def _effect(session: Session, /, **how: Any) -> None:
    """Say what the covers of a track, a person or a label look like."""
    add(session, "effect", how)


def _sound(kind: str, words: str) -> click.Command:
    @click.command(name=kind, help=f"{words} the sound from START to END, such as 4.8s or 1:04.8.")
    @click.argument("start")
    @click.argument("end")
    @reason_options
    @click.pass_obj
    def _change(session: Session, /, start: str, end: str, **how: Any) -> None:
        times = {"start": seconds_of(start), "end": seconds_of(end)}
        add(session, "sound", {"sound": kind, **times, **how})

    return _change


@click.command(name="undo")
@click.argument("number", type=int)
@reason_options
@click.pass_obj
def _undo(session: Session, /, number: int, **how: Any) -> None:
    """Undo edit NUMBER. Undoing an undo brings the edit back."""
    add(session, "undo", {"edit": number, **how})


COMMANDS: tuple[click.Command, ...] = (
    _clear,
    _cover,
    _confirm,
    _dismiss,
    _believe,
    _box,
    _polygon,
    _group,
    _split,
    _label,
    _effect,
    _undo,
    _sound("mute", "Silence"),
    _sound("bleep", "Put a tone over"),
)
