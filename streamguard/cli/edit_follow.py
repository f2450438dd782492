"""``streamguard edit FILE follow``: a box drawn in one frame and followed both ways."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamguard.cli.console import is_quiet
from streamguard.cli.edit_acts import reason_options
from streamguard.cli.edit_session import Session
from streamguard.cli.edit_values import box_at, frames_of

if TYPE_CHECKING:
    from streamguard.edits.acts import Follow, Pixels
    from streamguard.edits.editor import Editor
    from streamguard.following.follow import Followed


@click.command(name="follow")
@click.argument("boxes", callback=box_at, nargs=-1, required=True, metavar="FRAME:X1,Y1,X2,Y2...")
@click.option(
    "--input",
    "source",
    type=click.Path(path_type=Path, readable=False),
    metavar="PATH",
    help="The input, or its folder.  [default: beside the analysis]",
)
@click.option(
    "--correct",
    type=click.IntRange(min=1),
    metavar="EDIT",
    help="Number of an earlier edit. Its boxes and these are followed together, and replace it.",
)
@click.option("--label", metavar="WORD", help="What kind of thing it hides.")
@reason_options
@click.pass_obj
def command(session: Session, /, boxes: list[tuple[Any, Pixels]], **how: Any) -> None:
    """Draw a box in a frame, and follow what is in it both ways.

    Following ends where the thing leaves the picture, at a cut, or where it is lost. The output
    says where and why. If it goes wrong in a frame, draw a second box there: the path passes
    through both. Boxes are in pixels of the coded picture, before it is turned upright.
    """
    from streamguard.following.follow import follow

    with session.open() as editor:
        drawn = {frames_of(editor.analysis, {"frame": frame})["frame"]: box for frame, box in boxes}
        old = None if how["correct"] is None else _earlier(editor, how["correct"])
        label = how["label"] or (old.label if old else "face")
        if old is not None:
            drawn = _boxes_of(old) | drawn
        found = follow(session.path, drawn, label=label, source=how["source"])
        reason, code = how["reason"], how["code"]
        done = editor.add(found.act, reason=reason, code=code, seen=session.seen)
        if how["correct"] is not None:
            # The new one stands before the old one goes: what was covered stays so.
            editor.undo(how["correct"], f"corrected by edit {done.number}")
    if not is_quiet():
        click.echo("\n".join(_lines(done.number, found)))


def _earlier(editor: Editor, number: int) -> Follow:
    """Return the act of an edit that followed a box and still counts."""
    from streamguard.edits.acts import Follow
    from streamguard.edits.applying import active
    from streamguard.errors import EditError

    for edit in active(editor.edits()):
        if edit.number == number and isinstance(edit.act, Follow):
            return edit.act
    raise EditError(f"edit {number} followed no box, or was undone", "streamguard edit FILE list")


def _boxes_of(act: Follow) -> dict[int, Pixels]:
    drawn = {frame: (x1, y1, x2, y2) for frame, x1, y1, x2, y2 in act.corrections}
    return {act.frame: act.box, **drawn}


def _lines(number: int, found: Followed) -> list[str]:
    rows = found.act.boxes
    lines = [f"edit {number}: followed from frame {rows[0][0]} to frame {rows[-1][0]}"]
    lines += [
        f"{'begins' if end.is_back else 'ends'} at frame {end.frame}: {end.reason}"
        for end in found.ends
    ]
    lines += [f"unsure in frames {first} to {last}" for first, last in found.unsure]
    return lines
