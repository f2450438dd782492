"""Every error streamguard raises, as one tree.

    StreamguardError
    ├── UsageError (ValueError)               settings or arguments that make no sense
    ├── SystemNotReadyError (ImportError)     a library or model this machine lacks
    │   └── ModelError                        an embedded model is missing or damaged
    ├── SourceError (OSError)                 nothing usable comes from the source
    │   ├── SourceNotFoundError (FileNotFoundError)
    │   ├── SourcePermissionError (PermissionError)
    │   ├── NoVideoError                      it opens, but holds no picture
    │   ├── SourceDamagedError                it cannot be decoded
    │   └── SourceLostError (ConnectionError) a live source went away
    ├── SinkError (OSError)                   the result cannot be written
    │   ├── OutputExistsError (FileExistsError)
    │   └── SinkPermissionError (PermissionError)
    ├── AnalysisError                         a decision's file is damaged, or not of this input
    ├── DetectionError                        a detector failed or returned nonsense
    ├── TrackingError                         tracking failed
    ├── RedactionError                        a region could not be covered
    ├── EditError                             an edit cannot be placed, or its log was changed
    │   └── EditConflictError                 what it rests on was changed meanwhile
    ├── StalledError (TimeoutError)           a stage gave no sign of life in time
    ├── QueueClosedError                      a hand-off between threads was closed
    └── CancelledError                        the user asked to stop

Most also inherit the builtin error a Python programmer would expect, so that
``except FileNotFoundError`` works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class StreamguardError(Exception):
    """Base of all errors: what happened to what, and what to do next.

    Args:
        what: What happened, and to what, without a full stop.
        hint: What the reader can do about it; may be empty.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(f"{what}. {hint}" if hint else what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        # OSError's own __str__ would print the two arguments as errno and text.
        return f"{self.what}. {self.hint}" if self.hint else self.what

    def __reduce__(self) -> tuple[type[StreamguardError], tuple[str, str]]:
        return type(self), (self.what, self.hint)


class UsageError(StreamguardError, ValueError):
    """Settings or arguments make no sense together."""


class SystemNotReadyError(StreamguardError, ImportError):
    """This machine lacks a library that streamguard needs."""


class ModelError(SystemNotReadyError):
    """An embedded model is missing or is not the one that was tested."""


class SourceError(StreamguardError, OSError):
    """Nothing usable comes from the source."""


class SourceNotFoundError(SourceError, FileNotFoundError):
    """The source does not exist."""


class SourcePermissionError(SourceError, PermissionError):
    """The source may not be read."""


class NoVideoError(SourceError):
    """The source opens, but holds no picture."""


class SourceDamagedError(SourceError):
    """The source cannot be decoded."""


class SourceLostError(SourceError, ConnectionError):
    """A live source went away."""


class SinkError(StreamguardError, OSError):
    """The result cannot be written."""


class OutputExistsError(SinkError, FileExistsError):
    """The output exists, and overwriting was not asked for."""


class SinkPermissionError(SinkError, PermissionError):
    """The output may not be written."""


class AnalysisError(StreamguardError):
    """The file of a decision cannot be used: damaged, of another version, or of another input."""


class DetectionError(StreamguardError):
    """A detector failed or returned nonsense."""


class TrackingError(StreamguardError):
    """Tracking failed."""


class RedactionError(StreamguardError):
    """A region could not be covered."""


class EditError(StreamguardError):
    """An edit of a decision cannot be placed, or the log of edits was tampered with."""


class EditConflictError(EditError):
    """An edit rests on something that another edit has changed meanwhile."""


class StalledError(StreamguardError, TimeoutError):
    """A stage gave no sign of life in time."""


class QueueClosedError(StreamguardError):
    """A hand-off between threads was closed."""


class CancelledError(StreamguardError):
    """The user asked to stop."""


def unreadable(path: Path, error: OSError) -> SourceError:
    """Return the error for a file that the system does not let anybody read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SourceNotFoundError(f"{path} does not exist", "Check the name")
    if isinstance(error, PermissionError):
        return SourcePermissionError(
            f"{path} may not be read", "Check its permissions, or who owns it"
        )
    return SourceError(f"{path} cannot be read: {error.strerror or error}")
