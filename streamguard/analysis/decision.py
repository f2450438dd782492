"""What others need of an analysis: it can also be something that only reads like one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from streamguard.analysis.records import FrameRecord, Header, StoredCandidate, StoredTrack


class DecidedFrames(Protocol):
    """What was decided for each frame of one input."""

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        ...

    def frames(self, first: int, last: int) -> Iterator[FrameRecord]:
        """Yield the frames from ``first`` to ``last``, the last one excluded."""
        ...


class Decision(DecidedFrames, Protocol):
    """The frames, and what they belong to."""

    @property
    def header(self) -> Header:
        """What it belongs to."""
        ...


class DecisionWithDigest(Decision, Protocol):
    """A decision that can be told from any other."""

    @property
    def decision_digest(self) -> str:
        """SHA-256 of the decision, 64 hex digits."""
        ...


class DecisionWithTracks(Decision, Protocol):
    """A decision that edits can be placed on."""

    def tracks(self) -> Sequence[StoredTrack]:
        """Return every track."""
        ...

    def candidates(self) -> Sequence[StoredCandidate]:
        """Return every candidate."""
        ...
