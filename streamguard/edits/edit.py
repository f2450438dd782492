"""Edits: who did what to a decision, when and why."""

from __future__ import annotations

from dataclasses import dataclass, fields

from streamguard.edits.acts import (
    Act,
    Believe,
    ChangeSound,
    Clear,
    Confirm,
    CoverAgain,
    Dismiss,
    DrawBox,
    DrawPolygon,
    Follow,
    Group,
    Relabel,
    SetEffect,
    Split,
    Undo,
)

KINDS: dict[str, type[Act]] = {
    "clear": Clear,
    "cover": CoverAgain,
    "confirm": Confirm,
    "dismiss": Dismiss,
    "believe": Believe,
    "box": DrawBox,
    "polygon": DrawPolygon,
    "follow": Follow,
    "group": Group,
    "split": Split,
    "label": Relabel,
    "effect": SetEffect,
    "sound": ChangeSound,
    "undo": Undo,
}
"""The kinds of edits by the names they have in files."""

_NAMES = {act: name for name, act in KINDS.items()}

UNCOVERING = (Clear, Confirm, Dismiss)
"""Acts that let something be seen. Each needs a reason or a code."""

HIDING = (CoverAgain, Believe, DrawBox, DrawPolygon, Follow, ChangeSound)
"""Acts that let less be seen or heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One line of the log.

    Attributes:
        act: What.
        actor: Who; None once the name was erased.
        reason: Why, in free words; None once they were erased.
        code: Why, as a code of a list, such as ``gdpr:consent``.
        number: From 1, without gaps; 0 before the journal has it.
        time: When, ISO 8601 in UTC; empty before the journal has it.
        actor_number: Stands for the actor once the name was erased.
    """

    act: Act
    actor: str | None
    reason: str | None = ""
    code: str = ""
    number: int = 0
    time: str = ""
    actor_number: int = 0

    @property
    def kind(self) -> str:
        """Its kind by the name it has in files."""
        return kind_of(self.act)

    @property
    def who(self) -> str:
        """The actor's name, or words for one that was erased."""
        return f"actor {self.actor_number} (name erased)" if self.actor is None else self.actor

    @property
    def why(self) -> str:
        """The reason, or words for one that was erased."""
        return "(erased)" if self.reason is None else self.reason


def kind_of(act: Act) -> str:
    """Return the name of an act's kind, as it is in files."""
    return _NAMES[type(act)]


def arguments_of(act: Act) -> dict[str, object]:
    """Return the fields of an act that differ from their defaults."""
    return {f.name: getattr(act, f.name) for f in fields(act) if getattr(act, f.name) != f.default}
