"""Writing an analysis as the run goes: a hidden part, which readers may follow."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from streamguard.analysis import schema, table_rows
from streamguard.analysis.candidate_groups import CandidateGroups
from streamguard.analysis.candidates import CHUNK_CANDIDATES
from streamguard.analysis.database import code_of
from streamguard.analysis.decision_digest import digest
from streamguard.analysis.doubts import doubt_of_candidate
from streamguard.analysis.header import store_header
from streamguard.analysis.packing import CHUNK_FRAMES, CHUNK_WEIGHT, weight_of
from streamguard.analysis.records import FrameRecord, FrameState, Header, StoredCandidate
from streamguard.analysis.track_tally import TrackTally
from streamguard.errors import AnalysisError, SinkError
from streamguard.frames import TrackFacts, Verdict
from streamguard.media.target import Target, sink_errors

_COMMIT_EVERY = 1.0
"""Seconds between two states that readers see."""
_PATIENCE = 2.0
"""Seconds that a lock is waited for when the file is given up."""
_LAST_PATIENCE_MS = 30_000
"""Milliseconds to wait for a reader at the end; before, it is only passed over."""
_MODE = 0o600


class AnalysisWriter:
    """Keeps what a judge decides; one frame after another, in presentation order.

    The file is readable by its owner alone.

    Args:
        path: The analysis, once it is whole.
        header: What it belongs to.
        source: The input, which is never written to.
        overwrite: Whether an analysis of that name may be replaced.

    Attributes:
        path: The analysis, once it is whole.
        part: Where it is written until then.

    Raises:
        UsageError: The analysis would be written over the input, or a folder.
        OutputExistsError: It exists and may not be replaced.
        SinkError: It cannot be written.
    """

    def __init__(
        self, path: Path, header: Header, *, source: Path, overwrite: bool = False
    ) -> None:
        self.path = path
        self._target = Target(path, source, overwrite, _MODE)
        self.part = self._target.part
        self._lock = threading.Lock()
        self._open = True
        self._frames = 0
        self._pending: list[FrameRecord] = []
        self._pending_weight = 0
        self._tracks = TrackTally()
        self._groups = CandidateGroups()
        self._candidates: list[StoredCandidate] = []
        self._untold: Callable[[], Iterable[TrackFacts]] = tuple
        try:
            with _writing(path):
                self._connection = _new_database(self.part, header)
        except BaseException:
            self._target.discard()
            raise
        self._committed = time.monotonic()

    def add(self, verdict: Verdict) -> None:
        """Keep what was decided for the next frame.

        Raises:
            SinkError: It could not be written; the disk may be full.
            AnalysisError: It is not the next frame, or does not fit.
        """
        with self._lock, _writing(self.path):
            if not self._open:
                return
            record = record_of(verdict)
            if record.index != self._frames:
                raise AnalysisError(f"frame {record.index} came where {self._frames} was expected")
            self._frames += 1
            self._pending.append(record)
            self._pending_weight += weight_of(record)
            self._tracks.add(record)
            for facts in verdict.ended:
                self._tracks.end(facts)
            self._store_tracks()
            self._candidates += self._groups.add(record.index, verdict.candidates)
            if len(self._pending) >= CHUNK_FRAMES or self._pending_weight >= CHUNK_WEIGHT:
                self._store_chunk(is_full=True)
            if len(self._candidates) >= CHUNK_CANDIDATES:
                self._store_candidates()
            if time.monotonic() - self._committed >= _COMMIT_EVERY:
                self._store_chunk(is_full=False)
                self._commit()

    def ask_at_end(self, untold: Callable[[], Iterable[TrackFacts]]) -> None:
        """Let `finish` ask for facts of tracks that no verdict told."""
        self._untold = untold

    def finish(self) -> None:
        """Make it whole and give it its final name; the second call does nothing.

        Raises:
            SinkError: It could not be written, or there was no frame; nothing stands under
                the final name.
        """
        with self._lock:
            if not self._open:
                return
            try:
                with _writing(self.path):
                    if not self._frames:
                        raise SinkError(f"no frame came for {self.path}, it is not written")
                    self._complete()
                self._target.commit()
            finally:
                self._let_go()

    def abort(self) -> None:
        """Remove what was written so far, unless it was finished; may be called twice."""
        self._target.discard()
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                self._let_go()
            finally:
                self._lock.release()

    def _complete(self) -> None:
        self._store_chunk(is_full=True)
        for facts in self._untold():
            self._tracks.end(facts)
        self._tracks.end_all()
        self._store_tracks()
        self._candidates += self._groups.finish()
        self._store_candidates()
        table_rows.store_seal(self._connection, self._frames, digest(self._connection))
        self._connection.execute(f"PRAGMA busy_timeout = {_LAST_PATIENCE_MS}")
        self._connection.execute("COMMIT")
        self._connection.close()

    def _store_chunk(self, *, is_full: bool) -> None:
        """Write the frames that wait; a chunk that is not full is written again later."""
        if self._pending:
            table_rows.store_frames(self._connection, self._pending)
        if is_full:
            self._pending.clear()
            self._pending_weight = 0

    def _store_tracks(self) -> None:
        for track, doubts in self._tracks.take():
            table_rows.store_track(self._connection, track)
            table_rows.store_doubts(self._connection, doubts)

    def _store_candidates(self) -> None:
        if self._candidates:
            table_rows.store_candidates(self._connection, self._candidates)
            doubts = map(doubt_of_candidate, self._candidates)
            table_rows.store_doubts(self._connection, [doubt for doubt in doubts if doubt])
            self._candidates = []

    def _commit(self) -> None:
        """Let readers see what there is; while one of them reads, leave it for the next time."""
        self._committed = time.monotonic()
        try:
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_BUSY:
                raise
        else:
            self._connection.execute("BEGIN IMMEDIATE")

    def _let_go(self) -> None:
        self._open = False
        self._connection.close()
        self._target.discard()


def record_of(verdict: Verdict) -> FrameRecord:
    """Return what an analysis keeps of a verdict."""
    frame = verdict.frame
    state = FrameState.SLATE if verdict.slate else FrameState.JUDGED
    return FrameRecord(
        frame.index,
        frame.picture.pts,
        verdict.covers,
        FrameState.DAMAGED if frame.damage else state,
        verdict.slate,
        frame.width,
        frame.height,
    )


def _new_database(part: Path, header: Header) -> sqlite3.Connection:
    connection = sqlite3.connect(part, timeout=0.1, isolation_level=None, check_same_thread=False)
    # A part is worth nothing after a crash, so it needs neither journal nor waiting for the disk.
    for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "cache_spill = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN IMMEDIATE")
    schema.create(connection)
    store_header(connection, header)
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    return connection


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise while writing into this project's errors."""
    with sink_errors(path):
        try:
            yield
        except sqlite3.OperationalError as error:
            if code_of(error) & 0xFF == sqlite3.SQLITE_FULL:
                raise SinkError(
                    f"the disk is full, {path} is not written", "Free some space"
                ) from error
            raise SinkError(f"{path} cannot be written: {error}") from error
        except sqlite3.Error as error:
            raise SinkError(f"{path} cannot be written: {error}") from error
