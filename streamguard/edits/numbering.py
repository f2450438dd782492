"""Numbers in edits: those of new tracks and persons, here and in imported edits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from streamguard.edits.acts import (
    Act,
    Believe,
    DrawBox,
    DrawPolygon,
    Follow,
    Group,
    Split,
    Undo,
)
from streamguard.edits.edited_tracks import EditedTracks
from streamguard.errors import EditError

MAKES_TRACK = (Believe, DrawBox, DrawPolygon, Follow)
"""Acts that add a track."""
_HIGH = 2**31
"""Numbers that are given are below that."""


@dataclass(slots=True)
class Numbers:
    """Gives new tracks and persons numbers that no edit has used, undone ones included.

    Attributes:
        tracks: Used numbers of tracks.
        persons: Used numbers of persons.
    """

    tracks: set[int]
    persons: set[int] = field(default_factory=set)

    @classmethod
    def after(cls, tracks: Iterable[int], acts: Iterable[Act]) -> Numbers:
        """Return what is used by the decision's tracks and by acts."""
        numbers = cls(set(tracks))
        for act in acts:
            numbers.note(act)
        return numbers

    def note(self, act: Act) -> None:
        """Remember the numbers that an act makes."""
        match act:
            case Group():
                self.persons.add(act.person)
            case Split(person=0):
                self.tracks.add(act.new)
            case Split():
                self.persons.add(act.new)
                self.tracks.update(new for _, new in act.parts)
            case Believe() | DrawBox() | DrawPolygon() | Follow():
                self.tracks.add(act.new)
            case _:
                pass

    def complete(self, act: Act, edited: Callable[[], EditedTracks]) -> Act:
        """Return an act with the numbers that it left open, and remember them.

        Args:
            act: What somebody wants.
            edited: Gives the tracks before this act; called only if they matter.
        """
        if isinstance(act, Group) and not act.person:
            act = replace(act, person=_next(self.persons))
        elif isinstance(act, Split) and act.person:
            act = replace(
                act,
                new=act.new or _next(self.persons),
                parts=act.parts or tuple(self._parts(act, edited())),
            )
        elif isinstance(act, (*MAKES_TRACK, Split)) and not act.new:
            act = replace(act, new=_next(self.tracks))
        self.note(act)
        return act

    def _parts(self, act: Split, edited: EditedTracks) -> Iterable[tuple[int, int]]:
        going_on = [p for p in edited.members(act.person) if p.first < act.frame <= p.last]
        start = _next(self.tracks)
        return ((part.number, start + n) for n, part in enumerate(going_on))


def _next(used: set[int]) -> int:
    last = max(used, default=0)
    # Somebody may have chosen the highest number there is.
    return last + 1 if last + 1 < _HIGH else next(n for n in count(1) if n not in used)


@dataclass(slots=True)
class Renumbering:
    """Turns the numbers of imported edits into those they get here.

    Attributes:
        numbers: What is used here.
        edits: Numbers of edits here by their numbers there.
        tracks: The same of new tracks.
        persons: The same of persons.
    """

    numbers: Numbers
    edits: dict[int, int] = field(default_factory=dict)
    tracks: dict[int, int] = field(default_factory=dict)
    persons: dict[int, int] = field(default_factory=dict)

    def of(self, act: Act) -> Act:
        """Return the act with the numbers it has here.

        Raises:
            EditError: It takes back an edit that was not imported.
        """
        if isinstance(act, Undo):
            if act.edit not in self.edits:
                raise EditError(f"edit {act.edit} is not among those before it")
            return replace(act, edit=self.edits[act.edit])
        changes: dict[str, Any] = {}
        if track := getattr(act, "track", 0):
            changes["track"] = self.tracks.get(track, track)
        if isinstance(act, Group):
            changes["tracks"] = tuple(self.tracks.get(t, t) for t in act.tracks)
            changes["person"] = self._fresh(act.person, self.persons, self.numbers.persons)
        elif person := getattr(act, "person", 0):
            changes["person"] = self.persons.get(person, person)
        if isinstance(act, Split) and act.person:
            changes["new"] = self._fresh(act.new, self.persons, self.numbers.persons)
            changes["parts"] = tuple(
                (
                    self.tracks.get(old, old),
                    self._fresh(new, self.tracks, self.numbers.tracks),
                )
                for old, new in act.parts
            )
        elif isinstance(act, (*MAKES_TRACK, Split)):
            changes["new"] = self._fresh(act.new, self.tracks, self.numbers.tracks)
        return replace(act, **changes)

    @staticmethod
    def _fresh(there: int, known: dict[int, int], used: set[int]) -> int:
        """Return the number here of what has one there, a free one when it is new."""
        if not there:
            return 0
        if there not in known:
            known[there] = _next(used) if there in used else there
            used.add(known[there])
        return known[there]
