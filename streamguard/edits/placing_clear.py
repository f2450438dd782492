"""Place the acts that leave something clear, or cover it again."""

from __future__ import annotations

from dataclasses import replace

from streamguard.edits.acts import Clear, Confirm, CoverAgain, Dismiss
from streamguard.edits.decision_content import DecisionContent
from streamguard.edits.edited_tracks import Clearing, Confirmation, EditedTracks, Part
from streamguard.edits.stretches import Stretch, holds, within, without
from streamguard.errors import EditError


def clear(act: Clear, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Leave parts clear, each from where somebody looked at it."""
    parts = _overlapping(act, edited, content)
    for part, stretch in parts:
        at = _looked_at(act, part, stretch)
        clearing = Clearing(
            edit=number, part=part.number, stretches=(stretch,), at=at, person=act.person
        )
        edited.clearings.append(clearing)
        if act.confirm:
            edited.confirmed.append(Confirmation(number, part.number, stretch))


def _looked_at(act: Clear, part: Part, stretch: Stretch) -> int:
    """Return the frame in which somebody looked at a part."""
    if act.at is not None and holds(stretch, act.at):
        return act.at
    if act.at is not None and not act.person:
        raise EditError(f"frame {act.at} is not in frames {stretch[0]} to {stretch[1]}")
    return part.best if holds(stretch, part.best) else stretch[0]


def dismiss(act: Dismiss, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Leave out what is no face."""
    part = edited.part(act.track)
    at = part.best if act.at is None else act.at
    content.stretch(at, at, part.stretch)
    clearing = Clearing(
        edit=number, part=part.number, stretches=(part.stretch,), at=at, is_face=False
    )
    edited.clearings.append(clearing)
    if act.confirm:
        edited.confirmed.append(Confirmation(number, part.number, part.stretch))


def cover(act: CoverAgain, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Take frames away from what was left clear."""
    taken = {part.number: stretch for part, stretch in _overlapping(act, edited, content)}
    kept = []
    for clearing in edited.clearings:
        if clearing.part in taken:
            left = without(clearing.stretches, [taken[clearing.part]])
            kept.append(replace(clearing, stretches=tuple(left)))
        else:
            kept.append(clearing)
    if kept == edited.clearings:
        raise EditError("nothing of it was left clear in these frames")
    edited.clearings = kept


def confirm(act: Confirm, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Note the frames in which a person vouches for a part."""
    for part, stretch in _overlapping(act, edited, content):
        edited.confirmed.append(Confirmation(number, part.number, stretch))


def _overlapping(
    act: Clear | CoverAgain | Confirm, edited: EditedTracks, content: DecisionContent
) -> list[tuple[Part, Stretch]]:
    """Return the parts an edit means, and which frames of each."""
    parts = edited.chosen(act.track, act.person)
    whole = min(p.first for p in parts), max(p.last for p in parts)
    stretch = content.stretch(act.first, act.last, whole)
    found = [(p, within([stretch], p.stretch)) for p in parts]
    result = [(p, inside[0]) for p, inside in found if inside]
    if not result:
        raise EditError(f"nothing of it is in frames {stretch[0]} to {stretch[1]}")
    return result
