"""What edits come to, one after the other: each is checked against what is there before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from streamguard.analysis import acts, drawing, granting, regrouping
from streamguard.analysis.acts import Act, ChangeSound, Undo
from streamguard.analysis.edits import Edit
from streamguard.analysis.ground import DecisionContent
from streamguard.analysis.things import Things
from streamguard.errors import EditError


def active(edits: Sequence[Edit]) -> list[Edit]:
    """Return the edits that count: those nobody took back, without the taking back.

    Raises:
        EditError: An edit takes back one that is not there, or that does not count.
    """
    counts: dict[int, bool] = {}
    log = {edit.number: edit.act for edit in edits}
    for edit in edits:
        if isinstance(edit.act, Undo):
            _undo(edit.act.edit, log, counts)
        counts[edit.number] = True
    return [e for e in edits if counts[e.number] and not isinstance(e.act, Undo)]


def _undo(number: int, log: Mapping[int, Act], counts: dict[int, bool]) -> None:
    if not counts.get(number):
        raise EditError(
            f"edit {number} cannot be undone: it is not there, or was undone before",
            "streamguard edit FILE list shows all of them",
        )
    counts[number] = False
    act = log[number]
    while isinstance(act, Undo):
        # Each taking back turns what it took back, down to the edit itself.
        counts[act.edit] = not counts[act.edit]
        act = log[act.edit]


def fold(ground: DecisionContent, edits: Iterable[Edit]) -> Things:
    """Return what edits that count come to.

    Args:
        ground: The decision.
        edits: As `active` returns them.

    Raises:
        EditError: One of them cannot be placed; the error names it.
    """
    things = Things.of(ground)
    for edit in edits:
        try:
            _PLACERS[type(edit.act)](edit.act, edit.number, things, ground)
        except EditError as error:
            raise EditError(
                f"edit {edit.number} ({edit.kind}) cannot be placed: {error.what}", error.hint
            ) from None
    return things


def _sound(act: ChangeSound, number: int, things: Things, ground: DecisionContent) -> None:
    if not 0 <= act.start < act.end:
        raise EditError(f"the span from {act.start} s to {act.end} s is empty")
    if act.start > ground.duration:
        raise EditError(f"{act.start} s is beyond the end at {ground.duration:.3f} s")


_PLACERS: dict[type[Act], Callable[[Any, int, Things, DecisionContent], None]] = {
    acts.Clear: granting.clear,
    acts.CoverAgain: granting.cover,
    acts.Confirm: granting.confirm,
    acts.Dismiss: granting.dismiss,
    acts.Believe: drawing.believe,
    acts.DrawBox: drawing.box,
    acts.DrawPolygon: drawing.polygon,
    acts.Follow: drawing.follow,
    acts.Group: regrouping.group,
    acts.Split: regrouping.split,
    acts.Relabel: regrouping.relabel,
    acts.SetEffect: regrouping.effect,
    acts.ChangeSound: _sound,
}
