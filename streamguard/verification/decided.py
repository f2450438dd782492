"""What an analysis says of the file that was rendered from it, for a second look at that."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streamguard.analysis.found import add_found
from streamguard.analysis.identity import check_identity
from streamguard.analysis.packing import corners
from streamguard.analysis.records import StoredCandidate
from streamguard.analysis.stored_settings import as_read
from streamguard.edits.journal import Journal
from streamguard.edits.placing import Placed
from streamguard.frames import Candidate, Frame, Uncovered
from streamguard.geometry import Box, Detection
from streamguard.media.upright import Upright
from streamguard.settings import InputSettings
from streamguard.sources import LocalSource
from streamguard.spans import Span
from streamguard.verification.clearance import Clearance


class Decided:
    """The decision that a finished file was rendered from.

    Args:
        journal: The analysis and its edits, open.
        placed: The edits, placed.
    """

    def __init__(self, journal: Journal, placed: Placed) -> None:
        self._journal, self._placed = journal, placed
        self._analysis = journal.analysis

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[Decided]:
        """Open an analysis for the length of the block.

        Raises:
            AnalysisError: It is no analysis, damaged, or not whole.
            EditError: An edit cannot be placed.
        """
        with Journal(path) as journal:
            yield cls(journal, journal.placed())

    def part(self, limits: InputSettings) -> InputSettings:
        """Return settings that read the part of the source that was decided on.

        Raises:
            AnalysisError: The analysis says what is not understood.
        """
        return as_read(limits, self._analysis.header)

    def prepare(
        self, result: LocalSource, source: LocalSource | None, stop: threading.Event
    ) -> None:
        """Get ready to look at a file.

        Args:
            result: The finished file.
            source: What it was made from; it has to be what was analyzed.
            stop: Set it from anywhere to stop.

        Raises:
            AnalysisError: The source is another file.
        """
        if source is not None:
            check_identity(self._analysis.header, source.files_read, stop)
        info, mirrored = result.info, result.traits.orientation.mirrored
        self._finished = Upright(info.quarter_turns, mirrored, info.width, info.height)
        self._clearance = Clearance(
            self._analysis.header,
            self._analysis.frames(),
            self._placed.cleared,
            mirrored,
        )

    def excuse(self, frame: Frame, found: Sequence[Detection]) -> list[Detection]:
        """Return the faces that are not left clear on purpose."""
        return self._clearance.excuse(frame, found)

    def mismatches(self, frames: int) -> tuple[str, ...]:
        """Return what of the finished file does not agree with the decision, in words."""
        known = self._analysis.frame_count
        return () if frames == known else (f"{frames} frames, the analysis has {known}",)

    def keep(self, spans: Sequence[Span]) -> int:
        """Add what was found to the candidates; return how many are new.

        Raises:
            AnalysisError: The analysis was changed meanwhile.
            SinkError: It cannot be written.
        """
        seen = [one for span in spans if (one := self._candidate(span)) is not None]
        if not seen:
            return 0
        return add_found(self._analysis.path, self._analysis.decision_digest, seen)

    def _candidate(self, span: Span) -> StoredCandidate | None:
        """Return what was found in pixels of the pictures that were decided on.

        None where those have another size than the finished ones.
        """
        boxes: dict[int, Box] = {}
        for record in self._analysis.frames(span.first_frame, span.last_frame + 1):
            if not self._clearance.fits(self._finished, record):
                return None
            if record.index in span.boxes:
                box = span.boxes[record.index]
                boxes[record.index] = self._clearance.as_decided(box, self._finished, record)
        best = max(boxes.values(), key=lambda box: box.area)
        candidate = Candidate(best, span.confidence, Uncovered.SECOND_LOOK)
        places = {index: corners(box) for index, box in boxes.items()}
        return StoredCandidate(0, span.first_frame, span.last_frame, candidate, places)
