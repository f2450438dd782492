"""What a person can do to a decision, as values: each act is one kind of edit."""

from __future__ import annotations

from dataclasses import dataclass

from streamguard.geometry import FACE
from streamguard.settings import Effect, SoundChange

Pixels = tuple[int, int, int, int]
"""``x1, y1, x2, y2`` in whole coded pixels, the far corner exclusive."""

BoxAt = tuple[int, int, int, int, int]
"""``frame, x1, y1, x2, y2``: a box in one frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Leave a track or a person clear.

    Attributes:
        track: The track, or 0.
        person: The person, or 0; exactly one of the two is given.
        first: Index of the first frame; None for the first of the track.
        last: Index of the last frame; None for the last of the track.
        at: Index of the frame in which somebody looked at it; None for where it shows best.
        confirm: Whether somebody looked at every stretch in which it may be somebody else.
    """

    track: int = 0
    person: int = 0
    first: int | None = None
    last: int | None = None
    at: int | None = None
    confirm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverAgain:
    """Cover a track or a person that was left clear or dismissed; fields as in `Clear`."""

    track: int = 0
    person: int = 0
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Say that a track shows the same thing throughout a stretch; fields as in `Clear`."""

    track: int = 0
    person: int = 0
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dismiss:
    """Say that a track is no face; it is not covered. Fields as in `Clear`."""

    track: int
    at: int | None = None
    confirm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Believe:
    """Cover a candidate: something that was seen and not covered.

    Attributes:
        candidate: Its number in the analysis.
        first: Index of the first frame to cover; None for half a second before it was seen.
        last: Index of the last one; None for half a second after it was seen.
        new: Number of the track it becomes; 0 lets the journal choose.
    """

    candidate: int
    first: int | None = None
    last: int | None = None
    new: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawBox:
    """Cover a box that stays where it is.

    Attributes:
        box: Where.
        first: Index of the first frame; None for the first of the video.
        last: Index of the last frame; None for the last of the video.
        label: What kind of thing it hides.
        new: Number of the track it becomes; 0 lets the journal choose.
    """

    box: Pixels
    first: int | None = None
    last: int | None = None
    label: str = FACE
    new: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawPolygon:
    """Cover a polygon that stays where it is.

    Attributes:
        points: Its corners ``(x, y)`` in whole coded pixels, at least three.
        first: As in `DrawBox`.
        last: As in `DrawBox`.
        label: As in `DrawBox`.
        new: As in `DrawBox`.
    """

    points: tuple[tuple[int, int], ...]
    first: int | None = None
    last: int | None = None
    label: str = FACE
    new: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """Cover a box that was drawn in one frame and followed both ways.

    Attributes:
        frame: Index of the frame it was drawn in.
        box: Where it was drawn.
        corrections: Boxes that were drawn in other frames.
        boxes: Where it is in each frame, in the order of frames, at most one a frame.
        label: As in `DrawBox`.
        new: As in `DrawBox`.
    """

    frame: int
    box: Pixels
    corrections: tuple[BoxAt, ...] = ()
    boxes: tuple[BoxAt, ...] = ()
    label: str = FACE
    new: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Say that tracks show one person.

    Attributes:
        tracks: The tracks; one that belonged to another person leaves that one.
        person: The person they join; 0 lets the journal choose a new one.
    """

    tracks: tuple[int, ...]
    person: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Say that from a frame on a track, or a person, is somebody else.

    Attributes:
        track: The track, or 0.
        person: The person, or 0.
        frame: Index of the first frame of the new one.
        new: Number of the new track or person; 0 lets the journal choose.
        parts: For a person, ``(track, new track)`` of each track that goes on at that frame.
    """

    frame: int
    track: int = 0
    person: int = 0
    new: int = 0
    parts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabel:
    """Say what kind of thing a track or a person is; it stays covered.

    Attributes:
        label: Such as ``face``, or a word of one's own.
        track: The track, or 0.
        person: The person, or 0.
    """

    label: str
    track: int = 0
    person: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SetEffect:
    """Say what the covers of a track, a person or a label look like; one of them is given.

    Attributes:
        effect: Kind of cover.
        track: The track, or 0.
        person: The person, or 0.
        label: The label, or empty.
    """

    effect: Effect
    track: int = 0
    person: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSound:
    """Mute or bleep a span of sound.

    Attributes:
        start: Seconds from the first frame.
        end: Seconds from the first frame.
        sound: What becomes of it.
    """

    start: float
    end: float
    sound: SoundChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Undo an edit. Undoing the undo brings it back.

    Attributes:
        edit: Number of the edit.
    """

    edit: int


Act = (
    Clear
    | CoverAgain
    | Confirm
    | Dismiss
    | Believe
    | DrawBox
    | DrawPolygon
    | Follow
    | Group
    | Split
    | Relabel
    | SetEffect
    | ChangeSound
    | Undo
)
"""What one edit does."""
