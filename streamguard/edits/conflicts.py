"""What edits rely on: two that share something may contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from streamguard.edits.acts import Act, Believe, Group, SetEffect, Undo
from streamguard.edits.edit import Edit
from streamguard.edits.edited_tracks import EditedTracks
from streamguard.edits.numbering import MAKES_TRACK
from streamguard.errors import EditConflictError

ItemKey = tuple[str, int | str]
"""A kind of thing, such as ``track``, and its number; of a label its name."""


def refuse_conflict(act: Act, log: Sequence[Edit], seen: int, edited: EditedTracks) -> None:
    """Refuse an act if what it relies on was changed since the actor looked.

    Args:
        act: What they want.
        log: Every edit there is, in order.
        seen: Number of the last edit they knew of.
        edited: The tracks after all edits.

    Raises:
        EditConflictError: A later edit touches the same.
    """
    acts = {edit.number: edit.act for edit in log}
    mine = relies_on(act, acts, edited)
    for edit in log[seen:]:
        shared = sorted(mine & relies_on(edit.act, acts, edited), key=str)
        if shared:
            kind, name = shared[0]
            raise EditConflictError(
                f"{kind} {name} was changed meanwhile by edit {edit.number}"
                f" ({edit.kind}, by {edit.who})",
                "Look at it again, then decide",
            )


def relies_on(act: Act, acts: Mapping[int, Act], edited: EditedTracks) -> frozenset[ItemKey]:
    """Return what an act changes or relies on.

    Args:
        act: The act.
        acts: Every act of the log by its edit's number.
        edited: The tracks after the edits.
    """
    if isinstance(act, Undo):
        undone = acts.get(act.edit)
        deeper = relies_on(undone, acts, edited) if undone else frozenset()
        return deeper | {("edit", act.edit)}
    found: set[ItemKey] = set()
    tracks = [getattr(act, "track", 0)]
    if isinstance(act, Group):
        tracks += act.tracks
    if isinstance(act, Believe):
        found.add(("candidate", act.candidate))
    if isinstance(act, SetEffect) and act.label:
        found.add(("label", act.label))
    if isinstance(act, MAKES_TRACK):
        tracks.append(act.new)
    person = getattr(act, "person", 0)
    if person:
        found.add(("person", person))
        tracks += [part.number for part in edited.parts.values() if part.person == person]
    found.update(("track", track) for track in tracks if track)
    return frozenset(found)
