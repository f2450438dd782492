"""The stretches of what was to be clear that no person has vouched for yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from streamguard.analysis.decision import DecisionWithTracks
from streamguard.analysis.stored_settings import padding_of
from streamguard.edits.candidate_places import CandidatePlaces, margin_of
from streamguard.edits.closeness import Break, Closeness
from streamguard.edits.decision_content import DecisionContent
from streamguard.edits.edited_covers import EditedCovers
from streamguard.edits.edited_tracks import EditedTracks
from streamguard.edits.stretches import Stretch, joined, without


def unconfirmed_breaks(
    decision: DecisionWithTracks,
    content: DecisionContent,
    edited: EditedTracks,
    watched: Collection[int],
    candidates: CandidatePlaces,
) -> dict[int, list[Break]]:
    """Look through the frames of some parts for what they touch there.

    Args:
        decision: An open analysis.
        content: What is in it.
        edited: Its tracks after all edits.
        watched: Numbers of the parts.
        candidates: What was seen and is not covered.

    Returns:
        The breaks of each part, less what a person confirmed.
    """
    if not watched:
        return {}
    margin = margin_of(content.rate)
    closeness = Closeness(edited.parts, watched, padding_of(decision.header), margin)
    edited_covers = EditedCovers(edited)
    stretches = (edited.parts[number].stretch for number in watched)
    for first, last in joined((max(0, a - margin), b) for a, b in stretches):
        for record in decision.frames(first, last + 1):
            boxes = [(number, cover.box) for number, cover in edited_covers.covers(record)]
            closeness.add(record.index, boxes, candidates.at(record.index))
    found = {}
    for number in watched:
        track = content.tracks.get(edited.parts[number].origin)
        breaks = closeness.breaks(number, track, content.rate)
        confirmed = joined(one.stretch for one in edited.confirmed if one.part == number)
        found[number] = _less(breaks, confirmed)
    return found


def _less(breaks: Sequence[Break], confirmed: Sequence[Stretch]) -> list[Break]:
    """Return what of breaks no person has vouched for."""
    return [
        replace(item, first=first, last=last)
        for item in breaks
        for first, last in without([item.stretch], confirmed)
    ]
