"""How acts are placed that leave something clear, or cover it again."""

from __future__ import annotations

from dataclasses import replace

from streamguard.analysis.acts import Clear, Confirm, CoverAgain, Dismiss
from streamguard.analysis.ground import DecisionContent
from streamguard.analysis.stretches import Stretch, holds, within, without
from streamguard.analysis.things import Confirmation, Grant, Part, Things
from streamguard.errors import EditError


def clear(act: Clear, number: int, things: Things, ground: DecisionContent) -> None:
    """Leave parts clear, each from where somebody looked at it."""
    parts = _overlapping(act, things, ground)
    for part, stretch in parts:
        at = _looked_at(act, part, stretch)
        grant = Grant(edit=number, part=part.number, stretches=(stretch,), at=at, person=act.person)
        things.grants.append(grant)
        if act.confirm:
            things.confirmed.append(Confirmation(number, part.number, stretch))


def _looked_at(act: Clear, part: Part, stretch: Stretch) -> int:
    """Return the frame in which somebody looked at a part."""
    if act.at is not None and holds(stretch, act.at):
        return act.at
    if act.at is not None and not act.person:
        raise EditError(f"frame {act.at} is not in frames {stretch[0]} to {stretch[1]}")
    return part.best if holds(stretch, part.best) else stretch[0]


def dismiss(act: Dismiss, number: int, things: Things, ground: DecisionContent) -> None:
    """Leave out what is no face."""
    part = things.part(act.track)
    at = part.best if act.at is None else act.at
    ground.stretch(at, at, part.stretch)
    grant = Grant(edit=number, part=part.number, stretches=(part.stretch,), at=at, is_face=False)
    things.grants.append(grant)
    if act.confirm:
        things.confirmed.append(Confirmation(number, part.number, part.stretch))


def cover(act: CoverAgain, number: int, things: Things, ground: DecisionContent) -> None:
    """Take frames away from what was left clear."""
    taken = {part.number: stretch for part, stretch in _overlapping(act, things, ground)}
    kept = []
    for grant in things.grants:
        if grant.part in taken:
            left = without(grant.stretches, [taken[grant.part]])
            kept.append(replace(grant, stretches=tuple(left)))
        else:
            kept.append(grant)
    if kept == things.grants:
        raise EditError("nothing of it was left clear in these frames")
    things.grants = kept


def confirm(act: Confirm, number: int, things: Things, ground: DecisionContent) -> None:
    """Note the frames in which a person vouches for a part."""
    for part, stretch in _overlapping(act, things, ground):
        things.confirmed.append(Confirmation(number, part.number, stretch))


def _overlapping(
    act: Clear | CoverAgain | Confirm, things: Things, ground: DecisionContent
) -> list[tuple[Part, Stretch]]:
    """Return the parts an edit means, and which frames of each."""
    parts = things.chosen(act.track, act.person)
    whole = min(p.first for p in parts), max(p.last for p in parts)
    stretch = ground.stretch(act.first, act.last, whole)
    found = [(p, within([stretch], p.stretch)) for p in parts]
    result = [(p, inside[0]) for p, inside in found if inside]
    if not result:
        raise EditError(f"nothing of it is in frames {stretch[0]} to {stretch[1]}")
    return result
