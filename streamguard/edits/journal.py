"""The log of edits, in the file of the analysis: lines are added and none is changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from streamguard.analysis import database
from streamguard.analysis.changing import changing
from streamguard.analysis.reader import Analysis, open_analysis
from streamguard.analysis.schema import EDITS
from streamguard.edits import journal_rows as rows
from streamguard.edits.acts import Believe, Undo
from streamguard.edits.applying import active, apply_edits
from streamguard.edits.chain import seal
from streamguard.edits.conflicts import refuse_conflict
from streamguard.edits.decision_content import DecisionContent, decision_content
from streamguard.edits.edit import UNCOVERING, Edit, arguments_of
from streamguard.edits.edit_json import act_of, canonical, text_of
from streamguard.edits.edited_tracks import EditedTracks
from streamguard.edits.numbering import Numbers, Renumbering
from streamguard.edits.placing import Placed, place
from streamguard.errors import EditError


class Journal:
    """The edits of one analysis. Several processes may add to it at the same time.

    Args:
        path: The analysis; it must be whole.

    Raises:
        AnalysisError: It is no analysis, damaged, or not whole.
        SourceError: It does not exist or may not be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.analysis: Analysis = open_analysis(path)
        self._content: DecisionContent | None = None

    def edits(self) -> tuple[Edit, ...]:
        """Return every edit, also those that were taken back, in order.

        Raises:
            EditError: The log was changed by something else than this program.
        """
        return self._read()[0]

    @property
    def digest(self) -> str:
        """SHA-256 that covers every edit, 64 hex digits."""
        return self._read()[1]

    def placed(self) -> Placed:
        """Return the edits, placed on the decision.

        Raises:
            EditError: The log was changed, or an edit cannot be placed.
        """
        return place(self.analysis, self.edits())

    def append(self, edit: Edit, *, seen: int | None = None) -> Edit:
        """Add an edit, once it is known that it can be placed.

        Args:
            edit: What, who and why; its number and time are given here.
            seen: Number of the last edit that the actor knew of; None for all there are.

        Returns:
            The edit as it was added.

        Raises:
            EditConflictError: What it rests on was changed since ``seen``.
            EditError: It cannot be placed, or lacks a name or a reason.
            SinkError: The file cannot be written.
        """
        _check(edit)
        self._know([edit])

        def add(log: Sequence[Edit]) -> list[Edit]:
            edited = apply_edits(self.content, active(log))
            if seen is not None:
                refuse_conflict(edit.act, log, seen, edited)
            numbers = Numbers.after(self.content.tracks, (e.act for e in log))
            act = numbers.complete(edit.act, lambda: edited)
            return [replace(edit, act=act, number=len(log) + 1, time=_now())]

        return self._append(add)[0]

    def undo(self, number: int, actor: str, reason: str = "", *, seen: int | None = None) -> Edit:
        """Undo an edit. Undoing the undo brings it back.

        Raises:
            EditError: It is not there or was taken back, or a later edit rests on it.
        """
        return self.append(Edit(act=Undo(edit=number), actor=actor, reason=reason), seen=seen)

    def extend(self, edits: Iterable[Edit]) -> list[Edit]:
        """Add edits that were exported elsewhere, all of them or none.

        Their times, actors and reasons stay; numbers that are taken here become others.

        Raises:
            EditError: One of them cannot be placed.
            SinkError: The file cannot be written.
        """
        edits = list(edits)
        for edit in edits:
            _check(edit, erased=True)
        self._know(edits)

        def add(log: Sequence[Edit]) -> list[Edit]:
            numbers = Numbers.after(self.content.tracks, (e.act for e in log))
            change = Renumbering(numbers)
            added: list[Edit] = []

            def edited() -> EditedTracks:
                return apply_edits(self.content, active([*log, *added]))

            for edit in edits:
                act = numbers.complete(change.of(edit.act), edited)
                number = len(log) + len(added) + 1
                change.edits[edit.number] = number
                added.append(replace(edit, act=act, number=number, time=edit.time or _now()))
            return added

        return self._append(add)

    def erase_actor(self, name: str) -> None:
        """Erase a name from all edits; what that person did stays in the log.

        Raises:
            EditError: Nobody of that name is in it.
            SinkError: The file cannot be written.
        """
        with self._writing() as connection:
            if not rows.erase_actor(connection, name):
                raise EditError(f"no edit is by {name!r}")

    def erase_reason(self, number: int) -> None:
        """Erase the words of an edit's reason; its code stays.

        Raises:
            EditError: There is no such edit.
            SinkError: The file cannot be written.
        """
        with self._writing() as connection:
            if not rows.erase_reason(connection, number):
                raise EditError(f"there is no edit {number}")

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self.analysis.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def content(self) -> DecisionContent:
        """What of the decision edits are checked against."""
        if self._content is None:
            self._content = decision_content(self.analysis)
        return self._content

    def _know(self, edits: Iterable[Edit]) -> None:
        """Take in candidates that a second look has added since, where an edit names one."""
        named = {edit.act.candidate for edit in edits if isinstance(edit.act, Believe)}
        if not named <= self.content.candidates.keys():
            found = {candidate.number: candidate for candidate in self.analysis.candidates()}
            self._content = replace(self.content, candidates=found)

    def _read(self) -> tuple[tuple[Edit, ...], str]:
        return edits_of(self.analysis)

    def _append(self, add: Callable[[Sequence[Edit]], list[Edit]]) -> list[Edit]:
        with self._writing() as connection:
            log, digest = rows.read(connection, self.analysis.decision_digest)
            self._know(log)
            added = add(log)
            apply_edits(self.content, active([*log, *added]))
            for edit in added:
                _check_readable(edit)
                digest = rows.write(connection, edit, seal(edit.reason), digest)
            return added

    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        return changing(self.path, EDITS)


def edits_of(analysis: Analysis) -> tuple[tuple[Edit, ...], str]:
    """Return every edit of an open analysis as its file has them now, and the digest over them.

    Raises:
        EditError: The log was changed by something else than this program.
    """
    connection = database.open_checked(analysis.path)
    with closing(connection), database.database_errors(analysis.path):
        return rows.read(connection, analysis.decision_digest)


def _check(edit: Edit, *, erased: bool = False) -> None:
    """Refuse an edit that does not say who did it, or why something may be seen."""
    if not (edit.actor or (erased and edit.actor is None)):
        raise EditError("an edit needs the name of who made it")
    for name, text in (("actor", edit.actor), ("reason", edit.reason), ("code", edit.code)):
        if text is not None:
            text_of(name, text)
    has_reason = edit.code or edit.reason or (erased and edit.reason is None)
    if isinstance(edit.act, UNCOVERING) and not has_reason:
        raise EditError(
            f"{edit.kind!r} needs a reason", "Say why it may be seen, in words or by a code"
        )
    _check_readable(edit)


def _check_readable(edit: Edit) -> None:
    """Refuse an edit that could not be read again: the log is never changed."""
    act_of(edit.kind, json.loads(canonical(arguments_of(edit.act))))


def _now() -> str:
    return datetime.now(UTC).isoformat()
