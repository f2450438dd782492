"""What people decided on top of a decision, for a report: the log of what is clear, and why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from streamguard.analysis.reader import Analysis
from streamguard.edits.acts import Act, Undo
from streamguard.edits.applying import active
from streamguard.edits.codes import Codes
from streamguard.edits.edit import Edit, arguments_of
from streamguard.edits.placing import Exemption, Placed, Withheld
from streamguard.edits.stretches import Stretch, joined, within


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A stretch of a track that somebody decided about.

    Attributes:
        edit: Number of the edit.
        track: Number of the track, or 0 where a whole person was meant.
        person: Number of the person it belongs to, or 0.
        label: What it shows, such as ``face``.
        first: Index of the first frame.
        last: Index of the last frame.
        start: Seconds, as players count them, of the first frame.
        end: Seconds at which the last frame ends.
        time: When that was decided, ISO 8601 in UTC.
        actor: By whom.
        reason: Why, in free words.
        code: Why, as a code of a list.
        meaning: What the code means; empty where nobody knows it.
        because: Why it is still covered, in words; empty where it is not.
    """

    edit: int
    track: int
    person: int
    label: str
    first: int
    last: int
    start: float
    end: float
    time: str
    actor: str
    reason: str
    code: str
    meaning: str
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditLine:
    """One edit.

    Attributes:
        number: From 1.
        time: When, ISO 8601 in UTC.
        actor: By whom.
        kind: What, by the name that the command line has for it.
        about: What it says beyond that, in words.
        reason: Why, in free words.
        code: Why, as a code of a list.
        counts: Whether it counts; otherwise somebody took it back.
    """

    number: int
    time: str
    actor: str
    kind: str
    about: str
    reason: str
    code: str
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose decision a render rests on, and what is clear in it.

    Attributes:
        decision: SHA-256 of what was decided by the program, 64 hex digits.
        edits: SHA-256 of what people changed, 64 hex digits.
        decided: When the analysis was begun, ISO 8601 in UTC.
        settings: How it was decided, as plain values.
        versions: Version of streamguard, Python and the libraries that decided.
        models: SHA-256 of what decided, by file name.
        frames: Frames that the decision knows.
        frames_clear: Frames in which something is left clear.
        left_clear: What is left clear on purpose.
        no_face: What somebody said is no face, and so is not covered.
        withheld: What was to be clear, and is covered until somebody confirms it.
        confirmed: What somebody looked at and confirmed.
        log: Every edit, also those that were taken back.
    """

    decision: str
    edits: str
    decided: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    models: Mapping[str, str]
    frames: int
    frames_clear: int
    left_clear: tuple[Entry, ...] = ()
    no_face: tuple[Entry, ...] = ()
    withheld: tuple[Entry, ...] = ()
    confirmed: tuple[Entry, ...] = ()
    log: tuple[EditLine, ...] = ()

    @property
    def content(self) -> str:
        """A hash of what is rendered: the decision, the input it is of, and the edits."""
        return content_digest(self.decision, self.edits)


def content_digest(decision: str, edits: str) -> str:
    """Return a hash of a decision and its edits, from their digests."""
    return hashlib.sha256(f"{decision} {edits}".encode()).hexdigest()


def account_of(analysis: Analysis, log: Sequence[Edit], digest: str, placed: Placed) -> Account:
    """Return what people decided on top of a decision.

    Args:
        analysis: The decision.
        log: Every edit, also those that were taken back.
        digest: SHA-256 of them.
        placed: The same, placed.
    """
    header, book = analysis.header, _AccountLines(analysis, log, placed)
    clear = placed.exemptions()
    stretches = joined((one.first, one.last) for one in clear)
    return Account(
        decision=analysis.decision_digest,
        edits=digest,
        decided=header.created,
        settings=header.settings,
        versions=header.versions,
        models=header.models,
        frames=analysis.frame_count,
        frames_clear=sum(last - first + 1 for first, last in stretches),
        left_clear=tuple(book.exempted(one) for one in clear if one.is_face),
        no_face=tuple(book.exempted(one) for one in clear if not one.is_face),
        withheld=tuple(map(book.withheld, placed.withheld())),
        confirmed=tuple(book.confirmed()),
        log=tuple(map(book.line, log)),
    )


class _AccountLines:
    """Makes lines of an account."""

    def __init__(self, analysis: Analysis, log: Sequence[Edit], placed: Placed) -> None:
        self._edited = placed.edited
        self._clock = _Clock(analysis)
        self._codes = Codes.load(()).known
        self._active = {edit.number: edit for edit in active(log)}
        self._taken_back: set[int] = set()
        for edit in reversed(log):
            if isinstance(edit.act, Undo) and edit.number not in self._taken_back:
                self._taken_back.add(edit.act.edit)

    def exempted(self, one: Exemption) -> Entry:
        return self._entry(one.edit, one.track, (one.first, one.last))

    def withheld(self, one: Withheld) -> Entry:
        return self._entry(one.edit, one.track, (one.first, one.last), one.reasons)

    def confirmed(self) -> Iterator[Entry]:
        for one in self._edited.confirmed:
            # What was split off later is somebody else, whom nobody vouched for.
            for stretch in within([one.stretch], self._edited.parts[one.part].stretch):
                yield self._entry(one.edit, one.part, stretch)

    def line(self, edit: Edit) -> EditLine:
        return EditLine(
            number=edit.number,
            time=edit.time,
            actor=edit.who,
            kind=edit.kind,
            about=_about(edit.act),
            reason=edit.why,
            code=edit.code,
            counts=edit.number not in self._taken_back,
        )

    def _entry(
        self, number: int, track: int, stretch: Stretch, because: Sequence[str] = ()
    ) -> Entry:
        edit, part = self._active[number], self._edited.parts[track]
        code = self._codes.get(edit.code)
        return Entry(
            edit=number,
            track=track,
            person=part.person,
            label=part.label,
            first=stretch[0],
            last=stretch[1],
            start=self._clock.start(stretch[0]),
            end=self._clock.end(stretch[1]),
            time=edit.time,
            actor=edit.who,
            reason=edit.why,
            code=edit.code,
            meaning=code.text if code else "",
            because=tuple(because),
        )


class _Clock:
    """Tells when frames are shown."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._step = 1 / analysis.header.usual_rate

    def start(self, frame: int) -> float:
        return round(float(self._time(frame)), 3)

    def end(self, frame: int) -> float:
        if frame + 1 < self._analysis.frame_count:
            return self.start(frame + 1)
        return round(float(self._time(frame) + self._step), 3)

    def _time(self, frame: int) -> Fraction:
        (record,) = self._analysis.frames(frame, frame + 1)
        return (record.pts or 0) * self._analysis.header.time_base


def _about(act: Act) -> str:
    """Return what an act says, in words; the boxes of a followed one are too many for it."""
    said = {name: value for name, value in arguments_of(act).items() if name != "boxes"}
    return ", ".join(f"{name} {_word(value)}" for name, value in said.items())


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(_word(item) for item in value)
    return str(value)
