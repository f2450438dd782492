"""The kinds of things that can be hidden, by label."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.detection.subjects.code import CODE
from streamguard.detection.subjects.face import FACE
from streamguard.detection.subjects.subject import Subject
from streamguard.errors import UsageError

SUBJECTS: dict[str, Subject] = {
    subject.label: subject
    for subject in (
        FACE,
        CODE,
    )
}
"""Every kind of thing there is; a new one is a line here."""


def subjects_of(labels: Sequence[str]) -> tuple[Subject, ...]:
    """Return what is known of some labels, each once.

    Raises:
        UsageError: There is nothing of such a label, or no label at all.
    """
    if not labels:
        raise UsageError("there is nothing to hide", f"There are {_choices()}")
    for label in labels:
        if label not in SUBJECTS:
            raise UsageError(
                f"there is nothing called {label!r} to hide", f"There are {_choices()}"
            )
    return tuple(SUBJECTS[label] for label in dict.fromkeys(labels))


def _choices() -> str:
    return ", ".join(f"{subject.label} ({subject.words})" for subject in SUBJECTS.values())


__all__ = ["SUBJECTS", "Subject", "subjects_of"]
