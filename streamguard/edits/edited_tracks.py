"""What edits are about: tracks and their parts, drawn outlines, persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from streamguard.edits.decision_content import DecisionContent
from streamguard.edits.stretches import Stretch, holds
from streamguard.errors import EditError
from streamguard.outlines import Outline
from streamguard.settings import Effect

_MOST = 2**31
"""Numbers of parts are below that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Something that a person added.

    Attributes:
        outlines: What to hide by frame index, or one outline for all frames of the span.
        span: Its frames.
        edit: Number of the edit that drew it.
        label: What kind of thing it hides.
        candidate: Number of the candidate that was believed, or 0.
    """

    outlines: Mapping[int, Outline] | Outline
    span: Stretch
    edit: int
    label: str
    candidate: int = 0

    def at(self, frame: int) -> Outline | None:
        """Return what to hide in a frame, or None."""
        if not holds(self.span, frame):
            return None
        return self.outlines.get(frame) if isinstance(self.outlines, Mapping) else self.outlines


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A track as people see it: a whole one, a part of one that was split, or a drawn thing.

    Attributes:
        number: What people call it.
        origin: Number of the decision's track, or of the drawn thing, that it is part of.
        first: Index of its first frame.
        last: Index of its last frame.
        best: Index of the frame that shows it best.
        label: What kind of thing it is.
        effect: What its covers look like; None for what settings say of the label.
        person: The person it belongs to, or 0.
    """

    number: int
    origin: int
    first: int
    last: int
    best: int
    label: str
    effect: Effect | None = None
    person: int = 0

    @property
    def stretch(self) -> Stretch:
        """Its frames."""
        return self.first, self.last

    def belongs_to(self, other: Part) -> bool:
        """Return whether it is of the same track or the same person as another part."""
        return self.origin == other.origin or (self.person != 0 and self.person == other.person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """What one edit leaves clear of a part.

    Attributes:
        edit: Number of the edit.
        part: Number of the part.
        stretches: The frames, less those that were covered again.
        at: Index of the frame in which somebody looked at it.
        person: The person that was meant, or 0 if it was the part itself.
        is_face: Whether it is a face that is left clear, or no face at all.
    """

    edit: int
    part: int
    stretches: tuple[Stretch, ...]
    at: int
    person: int = 0
    is_face: bool = True


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What one edit vouched for.

    Attributes:
        edit: Number of the edit.
        part: Number of the part.
        stretch: Its frames at that time.
    """

    edit: int
    part: int
    stretch: Stretch


@dataclass(slots=True)
class EditedTracks:
    """The tracks after some edits: parts, persons, and what is clear or confirmed."""

    parts: dict[int, Part] = field(default_factory=dict)
    drawings: dict[int, Drawing] = field(default_factory=dict)
    clearings: list[Clearing] = field(default_factory=list)
    confirmed: list[Confirmation] = field(default_factory=list)
    effects: dict[str, Effect] = field(default_factory=dict)
    persons: set[int] = field(default_factory=set)
    used: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, content: DecisionContent) -> EditedTracks:
        """Return the tracks of a decision before any edit."""
        parts = {
            t.track_id: Part(
                number=t.track_id,
                origin=t.track_id,
                first=t.first,
                last=t.last,
                best=t.best,
                label=t.label,
            )
            for t in content.tracks.values()
        }
        return cls(parts=parts, used=set(parts))

    def part(self, number: int) -> Part:
        """Return a part.

        Raises:
            EditError: There is none of that number.
        """
        if number not in self.parts:
            raise EditError(
                f"there is no track {number}", "streamguard edit FILE show tracks lists them"
            )
        return self.parts[number]

    def members(self, person: int) -> list[Part]:
        """Return the parts of a person.

        Raises:
            EditError: There is no such person, or nothing is left of it.
        """
        found = [part for part in self.parts.values() if part.person == person]
        if not person or not found:
            raise EditError(
                f"there is no person {person}", "streamguard edit FILE show people lists them"
            )
        return found

    def chosen(self, track: int, person: int) -> list[Part]:
        """Return what an edit names: one track, or all parts of a person.

        Raises:
            EditError: It names neither or both, or what is not there.
        """
        if bool(track) == bool(person):
            raise EditError("an edit names either a track or a person")
        return [self.part(track)] if track else self.members(person)

    def change(self, part: Part, **what: object) -> None:
        """Put a changed part in the place of a part."""
        self.parts[part.number] = replace(part, **what)  # type: ignore[arg-type]

    def take(self, number: int) -> int:
        """Mark a number of a new part as used.

        Raises:
            EditError: It is taken, or was not chosen.
        """
        if not 0 < number < _MOST or number in self.used:
            raise EditError(f"the number {number} of a new track is taken or none")
        self.used.add(number)
        return number
