"""Place the acts that group, split and label tracks, or set an effect."""

from __future__ import annotations

from dataclasses import replace

from streamguard.edits.acts import Group, Relabel, SetEffect, Split
from streamguard.edits.decision_content import DecisionContent
from streamguard.edits.edited_tracks import EditedTracks, Part
from streamguard.edits.stretches import within
from streamguard.errors import EditError


def group(act: Group, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Say whose parts they are."""
    if not act.tracks or act.person < 1:
        raise EditError("a group has at least one track, and a person from 1 on")
    for track in act.tracks:
        part = edited.part(track)
        edited.change(part, person=act.person)
    edited.persons.add(act.person)


def split(act: Split, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Make a track or a person somebody else from a frame on."""
    if act.track and not act.person:
        _split_part(edited, edited.part(act.track), act.frame, act.new)
        return
    parts = edited.chosen(act.track, act.person)
    later = [part for part in parts if part.last >= act.frame]
    if not later or (len(later) == len(parts) and min(p.first for p in parts) >= act.frame):
        raise EditError(f"nobody is left on one side of frame {act.frame}")
    if act.new < 1 or act.new in edited.persons:
        raise EditError(f"the number {act.new} of a new person is taken or none")
    edited.persons.add(act.new)
    renamed = dict(act.parts)
    for part in later:
        if part.first >= act.frame:
            edited.change(part, person=act.new)
        else:
            new = _split_part(edited, part, act.frame, renamed.get(part.number, 0))
            edited.change(new, person=act.new)


def _split_part(edited: EditedTracks, part: Part, frame: int, number: int) -> Part:
    """Make a new part of the frames from ``frame`` on. Nothing was said about it yet."""
    if not part.first < frame <= part.last:
        raise EditError(
            f"track {part.number} cannot be split at frame {frame}",
            f"Take one of {part.first + 1} to {part.last}",
        )
    new = Part(
        number=edited.take(number),
        origin=part.origin,
        first=frame,
        last=part.last,
        best=part.best if part.best >= frame else frame,
        label=part.label,
        effect=part.effect,
    )
    edited.parts[new.number] = new
    edited.change(part, last=frame - 1, best=min(part.best, frame - 1))
    before = 0, frame - 1
    edited.clearings = [
        replace(clearing, stretches=tuple(within(clearing.stretches, before)))
        if clearing.part == part.number
        else clearing
        for clearing in edited.clearings
    ]
    return new


def relabel(act: Relabel, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Say what parts are."""
    for part in edited.chosen(act.track, act.person):
        edited.change(part, label=act.label)


def effect(act: SetEffect, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Say what covers look like."""
    if act.label and not (act.track or act.person):
        edited.effects[act.label] = act.effect
        return
    if act.label:
        raise EditError("an effect is for a label, a track or a person")
    for part in edited.chosen(act.track, act.person):
        edited.change(part, effect=act.effect)
