"""A decision with its edits: what is covered in each frame, what is clear, and for what reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from streamguard.analysis.acts import ChangeSound
from streamguard.analysis.closeness import Break, Closeness
from streamguard.analysis.decision import DecisionWithTracks
from streamguard.analysis.edits import Edit
from streamguard.analysis.folding import active, fold
from streamguard.analysis.ground import DecisionContent, ground_of
from streamguard.analysis.overlay import Overlay
from streamguard.analysis.records import FrameRecord
from streamguard.analysis.stretches import Stretch, around, holds, joined, within, without
from streamguard.analysis.things import Grant, Things
from streamguard.frames import Cover
from streamguard.settings import Effect, SoundSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A stretch that is left clear on purpose, and who answers for it.

    Attributes:
        edit: Number of the edit.
        track: Number of the track or the part of one.
        person: The person it belongs to, or 0.
        label: What it shows.
        first: Index of the first frame.
        last: Index of the last frame.
        is_face: Whether it is a face; otherwise somebody said that it is none.
        time: When that was decided, ISO 8601 in UTC.
        actor: By whom.
        reason: Why, in free words.
        code: Why, as a code of a list.
    """

    edit: int
    track: int
    person: int
    label: str
    first: int
    last: int
    is_face: bool
    time: str
    actor: str
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """A stretch that was to be clear and stays covered until a person confirms it.

    Attributes:
        edit: Number of the edit that would leave it clear.
        track: Number of the part.
        first: Index of the first frame.
        last: Index of the last frame.
        confirm: The stretch to look at and confirm, so that this one becomes clear.
        reasons: Why, in words.
        look: Where to look instead if nobody can tell what the frame shows that was looked at:
            the middle of the longest stretch in which nothing happens; None if it can be told.
    """

    edit: int
    track: int
    first: int
    last: int
    confirm: Stretch
    reasons: tuple[str, ...]
    look: int | None = None


class Placed:
    """A decision's edits, ready to be laid over its frames; `place` makes it.

    Attributes:
        things: Who is who.
        effects: What covers look like by label.
        sound: Spans of sound to mute or bleep.
        breaks: By the number of a part that was to be clear, the stretches a person has not
            confirmed.
    """

    def __init__(
        self, edits: Sequence[Edit], things: Things, breaks: Mapping[int, Sequence[Break]]
    ) -> None:
        self.things = things
        self.breaks = breaks
        self.effects: Mapping[str, Effect] = dict(things.effects)
        spans = (edit.act for edit in edits if isinstance(edit.act, ChangeSound))
        self.sound = tuple(SoundSpan(act.start, act.end, act.sound) for act in spans)
        self._edits = {edit.number: edit for edit in edits}
        self._open = {
            grant: opened for grant in _standing(things) if (opened := self._opened(grant))
        }
        self._overlay = Overlay(things)
        self._clear: dict[int, list[Stretch]] = {}
        for grant, stretches in self._open.items():
            self._clear[grant.part] = joined([*self._clear.get(grant.part, []), *stretches])

    def apply(self, record: FrameRecord) -> tuple[Cover, ...]:
        """Return what is to be covered in a frame after all edits."""
        covers = self._overlay.covers(record)
        return tuple(c for part, c in covers if not self._is_clear(part, record.index))

    def cleared(self, record: FrameRecord) -> tuple[Cover, ...]:
        """Return what is left uncovered on purpose in a frame."""
        if not self._clear:
            return ()
        covers = self._overlay.covers(record)
        return tuple(c for part, c in covers if self._is_clear(part, record.index))

    def _is_clear(self, part: int, frame: int) -> bool:
        stretches = self._clear.get(part)
        return stretches is not None and any(a <= frame <= b for a, b in stretches)

    def exemptions(self) -> tuple[Exemption, ...]:
        """Return what is clear, from when to when, by whom and why, in the order of frames."""
        taken: dict[int, list[Stretch]] = {}
        found: list[Exemption] = []
        for grant, opened in self._open.items():
            before = taken.get(grant.part, [])
            found += [self._exemption(grant, new) for new in without(opened, before)]
            taken[grant.part] = joined([*before, *opened])
        return tuple(sorted(found, key=lambda e: (e.first, e.track)))

    def withheld(self) -> tuple[Withheld, ...]:
        """Return what stays covered until a person confirms it, in the order of frames."""
        found = []
        for grant in _standing(self.things):
            opened = self._open.get(grant, ())
            for first, last in without(grant.stretches, opened):
                cause = self._cause(grant, (first, last))
                look = self._elsewhere(grant) if holds(cause.stretch, grant.at) else None
                found.append(
                    Withheld(
                        edit=grant.edit,
                        track=grant.part,
                        first=first,
                        last=last,
                        confirm=cause.stretch,
                        reasons=cause.reasons,
                        look=look,
                    )
                )
        return tuple(sorted(found, key=lambda w: (w.first, w.track)))

    def _opened(self, grant: Grant) -> tuple[Stretch, ...]:
        """Return what a grant leaves clear: from where somebody looked to the next breaks."""
        part = self.things.parts[grant.part]
        stretches = [b.stretch for b in self.breaks.get(part.number, ())]
        known = around(part.stretch, stretches, grant.at)
        return tuple(within(grant.stretches, known)) if known else ()

    def _cause(self, grant: Grant, stretch: Stretch) -> Break:
        """Return the break to confirm: the one nearest to the frame somebody looked at."""
        breaks = self.breaks.get(grant.part, ())
        on_the_way = [b for b in breaks if _on_the_way(b, grant.at, stretch)]
        nearest = min(on_the_way, key=lambda b: _distance(b, grant.at), default=None)
        return nearest or Break(*stretch, ("nobody looked at it there",))

    def _elsewhere(self, grant: Grant) -> int | None:
        """Return a frame in which a part is surely one thing, if there is any."""
        breaks = [item.stretch for item in self.breaks.get(grant.part, ())]
        calm = without(grant.stretches, breaks)
        first, last = max(calm, key=lambda s: s[1] - s[0], default=(0, -1))
        return (first + last) // 2 if first <= last else None

    def _exemption(self, grant: Grant, stretch: Stretch) -> Exemption:
        edit, part = self._edits[grant.edit], self.things.parts[grant.part]
        return Exemption(
            edit=edit.number,
            track=part.number,
            person=part.person,
            label=part.label,
            first=stretch[0],
            last=stretch[1],
            is_face=grant.is_face,
            time=edit.time,
            actor=edit.who,
            reason=edit.why,
            code=edit.code,
        )


def place(decision: DecisionWithTracks, edits: Sequence[Edit]) -> Placed:
    """Place edits on a decision.

    Args:
        decision: An open analysis.
        edits: All of its log, also those that were taken back.

    Raises:
        EditError: One of them cannot be placed.
    """
    counting = active(edits)
    ground = ground_of(decision)
    things = fold(ground, counting)
    return Placed(counting, things, _breaks(decision, ground, things))


def _standing(things: Things) -> list[Grant]:
    """Return what still holds: a part that left a person is no longer meant with that one."""
    return [
        grant
        for grant in things.grants
        if grant.stretches and (not grant.person or things.parts[grant.part].person == grant.person)
    ]


def _breaks(
    decision: DecisionWithTracks, ground: DecisionContent, things: Things
) -> dict[int, list[Break]]:
    """Look through the frames of all that was to be clear for what it touches there."""
    watched = {grant.part for grant in _standing(things)}
    if not watched:
        return {}
    redaction = decision.header.settings.get("redaction") or {}
    closeness = Closeness(things.parts, watched, float(redaction.get("padding", 0.0)))
    overlay = Overlay(things)
    for first, last in joined(things.parts[number].stretch for number in watched):
        for record in decision.frames(first, last + 1):
            boxes = [(number, cover.box) for number, cover in overlay.covers(record)]
            closeness.add(record.index, boxes)
    found = {}
    for number in watched:
        track = ground.tracks.get(things.parts[number].origin)
        breaks = closeness.breaks(number, track, ground.rate)
        confirmed = joined(one.stretch for one in things.confirmed if one.part == number)
        found[number] = _unconfirmed(breaks, confirmed)
    return found


def _unconfirmed(breaks: Sequence[Break], confirmed: Sequence[Stretch]) -> list[Break]:
    """Return what of breaks no person has vouched for."""
    return [
        replace(item, first=first, last=last)
        for item in breaks
        for first, last in without([item.stretch], confirmed)
    ]


def _on_the_way(item: Break, at: int, stretch: Stretch) -> bool:
    """Whether a break lies between a frame and a stretch, or in one of them."""
    return item.first <= max(at, stretch[1]) and item.last >= min(at, stretch[0])


def _distance(item: Break, frame: int) -> int:
    return max(item.first - frame, frame - item.last, 0)
