"""A decision with its edits: what is covered in each frame, what is clear, and for what reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streamguard.analysis.decision import DecisionWithTracks
from streamguard.analysis.records import FrameRecord
from streamguard.analysis.stored_settings import padding_of
from streamguard.edits.acts import ChangeSound
from streamguard.edits.applying import active, apply_edits
from streamguard.edits.candidate_places import CandidatePlaces
from streamguard.edits.closeness import Break
from streamguard.edits.decision_content import decision_content
from streamguard.edits.edit import Edit
from streamguard.edits.edited_covers import EditedCovers
from streamguard.edits.edited_tracks import Clearing, EditedTracks
from streamguard.edits.nearness import PartCover, Surroundings
from streamguard.edits.stretches import Stretch, around, holds, joined, within, without
from streamguard.edits.unconfirmed import unconfirmed_breaks
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
        edited: The tracks after the edits.
        effects: What covers look like by label.
        sound: Spans of sound to mute or bleep.
        breaks: By the number of a part that was to be clear, the stretches a person has not
            confirmed.
    """

    def __init__(
        self,
        edits: Sequence[Edit],
        edited: EditedTracks,
        breaks: Mapping[int, Sequence[Break]],
        surroundings: Surroundings,
    ) -> None:
        self.edited = edited
        self.breaks = breaks
        self._surroundings = surroundings
        self.effects: Mapping[str, Effect] = dict(edited.effects)
        spans = (edit.act for edit in edits if isinstance(edit.act, ChangeSound))
        self.sound = tuple(SoundSpan(act.start, act.end, act.sound) for act in spans)
        self._edits = {edit.number: edit for edit in edits}
        self._open = {
            clearing: opened for clearing in _standing(edited) if (opened := self._opened(clearing))
        }
        self._covers = EditedCovers(edited)
        self._clear: dict[int, list[Stretch]] = {}
        for clearing, stretches in self._open.items():
            self._clear[clearing.part] = joined([*self._clear.get(clearing.part, []), *stretches])

    def painted(self, record: FrameRecord) -> tuple[Cover, ...]:
        """Return what is painted in a frame: all that `apply` returns, and what `stays`."""
        return *self.apply(record), *self.stays(record)

    def stays(self, record: FrameRecord) -> tuple[Cover, ...]:
        """Return what of the covers that are left out stays, since it is nearer to others."""
        if not self._clear:
            return ()
        left: list[PartCover] = []
        others: list[PartCover] = []
        for part, cover in self._covers.covers(record):
            clear = self._is_clear(part, record.index)
            (left if clear else others).append((self.edited.parts.get(part), cover))
        return self._surroundings.what_stays(record.index, left, others)

    def apply(self, record: FrameRecord) -> tuple[Cover, ...]:
        """Return what is to be covered in a frame after all edits, whole covers alone."""
        covers = self._covers.covers(record)
        return tuple(c for part, c in covers if not self._is_clear(part, record.index))

    def cleared(self, record: FrameRecord) -> tuple[Cover, ...]:
        """Return what is left uncovered on purpose in a frame."""
        if not self._clear:
            return ()
        covers = self._covers.covers(record)
        return tuple(c for part, c in covers if self._is_clear(part, record.index))

    def _is_clear(self, part: int, frame: int) -> bool:
        stretches = self._clear.get(part)
        return stretches is not None and any(a <= frame <= b for a, b in stretches)

    def exemptions(self) -> tuple[Exemption, ...]:
        """Return what is clear, from when to when, by whom and why, in the order of frames."""
        taken: dict[int, list[Stretch]] = {}
        found: list[Exemption] = []
        for clearing, opened in self._open.items():
            before = taken.get(clearing.part, [])
            found += [self._exemption(clearing, new) for new in without(opened, before)]
            taken[clearing.part] = joined([*before, *opened])
        return tuple(sorted(found, key=lambda e: (e.first, e.track)))

    def withheld(self) -> tuple[Withheld, ...]:
        """Return what stays covered until a person confirms it, in the order of frames."""
        found = []
        for clearing in _standing(self.edited):
            opened = self._open.get(clearing, ())
            for first, last in without(clearing.stretches, opened):
                cause = self._cause(clearing, (first, last))
                look = self._elsewhere(clearing) if holds(cause.stretch, clearing.at) else None
                found.append(
                    Withheld(
                        edit=clearing.edit,
                        track=clearing.part,
                        first=first,
                        last=last,
                        confirm=cause.stretch,
                        reasons=cause.reasons,
                        look=look,
                    )
                )
        return tuple(sorted(found, key=lambda w: (w.first, w.track)))

    def _opened(self, clearing: Clearing) -> tuple[Stretch, ...]:
        """Return what a clearing leaves clear: from where somebody looked to the next breaks."""
        part = self.edited.parts[clearing.part]
        stretches = [b.stretch for b in self.breaks.get(part.number, ())]
        known = around(part.stretch, stretches, clearing.at)
        return tuple(within(clearing.stretches, known)) if known else ()

    def _cause(self, clearing: Clearing, stretch: Stretch) -> Break:
        """Return the break to confirm: the one nearest to the frame somebody looked at."""
        breaks = self.breaks.get(clearing.part, ())
        on_the_way = [b for b in breaks if _on_the_way(b, clearing.at, stretch)]
        nearest = min(on_the_way, key=lambda b: _distance(b, clearing.at), default=None)
        return nearest or Break(*stretch, ("nobody looked at it there",))

    def _elsewhere(self, clearing: Clearing) -> int | None:
        """Return a frame in which a part is surely one thing, if there is any."""
        breaks = [item.stretch for item in self.breaks.get(clearing.part, ())]
        calm = without(clearing.stretches, breaks)
        first, last = max(calm, key=lambda s: s[1] - s[0], default=(0, -1))
        return (first + last) // 2 if first <= last else None

    def _exemption(self, clearing: Clearing, stretch: Stretch) -> Exemption:
        edit, part = self._edits[clearing.edit], self.edited.parts[clearing.part]
        return Exemption(
            edit=edit.number,
            track=part.number,
            person=part.person,
            label=part.label,
            first=stretch[0],
            last=stretch[1],
            is_face=clearing.is_face,
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
    content = decision_content(decision)
    edited = apply_edits(content, counting)
    believed = {drawing.candidate for drawing in edited.drawings.values()}
    seen = (each for each in content.candidates.values() if each.number not in believed)
    candidates = CandidatePlaces(seen, content.rate)
    watched = {clearing.part for clearing in _standing(edited)}
    breaks = unconfirmed_breaks(decision, content, edited, watched, candidates)
    surroundings = Surroundings(candidates, padding_of(decision.header))
    return Placed(counting, edited, breaks, surroundings)


def _standing(edited: EditedTracks) -> list[Clearing]:
    """Return the clearings that hold. A part that left a person is not cleared with it any more."""
    return [
        clearing
        for clearing in edited.clearings
        if clearing.stretches
        and (not clearing.person or edited.parts[clearing.part].person == clearing.person)
    ]


def _on_the_way(item: Break, at: int, stretch: Stretch) -> bool:
    """Whether a break lies between a frame and a stretch, or in one of them."""
    return item.first <= max(at, stretch[1]) and item.last >= min(at, stretch[0])


def _distance(item: Break, frame: int) -> int:
    return max(item.first - frame, frame - item.last, 0)
