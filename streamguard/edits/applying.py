"""Play edits in order: each is checked against what is there before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from streamguard.edits import acts, placing_clear, placing_drawn, placing_persons
from streamguard.edits.acts import Act, ChangeSound, Undo
from streamguard.edits.decision_content import DecisionContent
from streamguard.edits.edit import Edit
from streamguard.edits.edited_tracks import EditedTracks
from streamguard.errors import EditError


def active(edits: Sequence[Edit]) -> list[Edit]:
    """Return the edits that count: those that were not undone, and no undo.

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


def apply_edits(content: DecisionContent, edits: Iterable[Edit]) -> EditedTracks:
    """Return the tracks after all edits that count.

    Args:
        content: The decision.
        edits: As `active` returns them.

    Raises:
        EditError: One of them cannot be placed; the error names it.
    """
    edited = EditedTracks.of(content)
    for edit in edits:
        try:
            _PLACERS[type(edit.act)](edit.act, edit.number, edited, content)
        except EditError as error:
            raise EditError(
                f"edit {edit.number} ({edit.kind}) cannot be placed: {error.what}", error.hint
            ) from None
    return edited


def _sound(act: ChangeSound, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    if not 0 <= act.start < act.end:
        raise EditError(f"the span from {act.start} s to {act.end} s is empty")
    if act.start > content.duration:
        raise EditError(f"{act.start} s is beyond the end at {content.duration:.3f} s")


_PLACERS: dict[type[Act], Callable[[Any, int, EditedTracks, DecisionContent], None]] = {
    acts.Clear: placing_clear.clear,
    acts.CoverAgain: placing_clear.cover,
    acts.Confirm: placing_clear.confirm,
    acts.Dismiss: placing_clear.dismiss,
    acts.Believe: placing_drawn.believe,
    acts.DrawBox: placing_drawn.box,
    acts.DrawPolygon: placing_drawn.polygon,
    acts.Follow: placing_drawn.follow,
    acts.Group: placing_persons.group,
    acts.Split: placing_persons.split,
    acts.Relabel: placing_persons.relabel,
    acts.SetEffect: placing_persons.effect,
    acts.ChangeSound: _sound,
}
