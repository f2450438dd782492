"""Editing a decision: what the command line, the console and other programs call."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from streamguard.analysis.reader import Analysis
from streamguard.edits.acts import Act, Undo
from streamguard.edits.codes import Codes
from streamguard.edits.edit import Edit
from streamguard.edits.edit_json import export_lines, import_lines
from streamguard.edits.grouping import ends_of, propose_groups
from streamguard.edits.journal import Journal
from streamguard.edits.placing import Placed


def edit(
    path: str | os.PathLike[str],
    *,
    actor: str,
    codes: Iterable[str | os.PathLike[str]] = (),
) -> Editor:
    """Open an analysis to change what is covered.

    Use it in a ``with`` block::

        with streamguard.edit("street.mp4.analysis", actor="Ann") as editor:
            editor.add(Clear(track=3), reason="She asked for it", code="gdpr:consent")

    Args:
        path: The analysis; it must be whole.
        actor: Who makes the edits.
        codes: Lists of codes of one's own, beside those that come with the package.

    Raises:
        AnalysisError: It is no analysis, damaged, or not whole.
        SourceError: A file does not exist or may not be read.
        UsageError: A file is no list of codes.
    """
    known = Codes.load(Path(code) for code in codes)
    return Editor(Journal(Path(path)), actor, known)


class Editor:
    """Adds edits of one person to an analysis; `edit` makes it.

    Several may work on one file. Each refuses an edit that rests on something which another
    has changed since this one last looked (`edits`, `placed` or an edit of its own).

    Args:
        journal: Where edits go.
        actor: Who makes them.
        codes: The codes that may be used.
    """

    def __init__(self, journal: Journal, actor: str, codes: Codes) -> None:
        self._journal = journal
        self._actor = actor
        self._seen = len(journal.edits())
        self.codes = codes

    @property
    def analysis(self) -> Analysis:
        """The decision."""
        return self._journal.analysis

    @property
    def digest(self) -> str:
        """SHA-256 that covers every edit, 64 hex digits."""
        return self._journal.digest

    def edits(self) -> tuple[Edit, ...]:
        """Return every edit, also those that were taken back, in order."""
        found = self._journal.edits()
        self._seen = len(found)
        return found

    def placed(self) -> Placed:
        """Return what is covered, what is clear, and what waits to be confirmed."""
        self.edits()
        return self._journal.placed()

    def add(self, act: Act, *, reason: str = "", code: str = "", seen: int | None = None) -> Edit:
        """Add an edit.

        Args:
            act: What shall be done, such as ``Clear(track=3)``.
            reason: Why, in words.
            code: Why, as a code of a list.
            seen: Number of the last edit the actor knew of; by default the last one that
                this editor showed or made.

        Returns:
            The edit, with its number and time.

        Raises:
            EditConflictError: What it rests on was changed since.
            EditError: It cannot be placed, or the code or the reason does not do.
            SinkError: The file cannot be written.
        """
        wanted = Edit(act=act, actor=self._actor, reason=reason, code=code)
        self.codes.check(wanted)
        done = self._journal.append(wanted, seen=self._seen if seen is None else seen)
        if done.number == self._seen + 1:
            # What others added in between was not seen yet.
            self._seen = done.number
        return done

    def undo(self, number: int, reason: str = "", *, seen: int | None = None) -> Edit:
        """Undo an edit. Undoing the undo brings it back.

        Raises:
            EditError: It is not there, was taken back, or a later edit rests on it.
        """
        return self.add(Undo(edit=number), reason=reason, seen=seen)

    def export(self) -> Iterator[str]:
        """Yield every edit as lines of JSON, the first of which names the decision."""
        return export_lines(self.analysis.decision_digest, self.edits())

    def import_(self, lines: Iterable[str]) -> list[Edit]:
        """Add exported edits with their times, actors and reasons; all of them or none.

        Raises:
            EditError: They belong to another decision, or one of them cannot be placed.
        """
        edits = import_lines(self.analysis.decision_digest, lines)
        for one in edits:
            self.codes.check(one)
        return self._journal.extend(edits)

    def erase_actor(self, name: str) -> None:
        """Erase a name from all edits; what that person did stays in the log."""
        self._journal.erase_actor(name)

    def erase_reason(self, number: int) -> None:
        """Erase the words of an edit's reason; its code stays."""
        self._journal.erase_reason(number)

    def proposed_groups(self) -> list[tuple[int, ...]]:
        """Return tracks that seem to be one person, by time and place only."""
        return propose_groups(ends_of(self.analysis))

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        self._journal.close()

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
