"""Reading an analysis. What is in the file is data from a stranger until it was checked."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from streamguard.analysis import database
from streamguard.analysis.candidates import packed_row, unpack_candidates
from streamguard.analysis.columns import damaged, parsed, printed, typed
from streamguard.analysis.found import read_found
from streamguard.analysis.header import load_header
from streamguard.analysis.packing import Chunk, PackedChunk, unpack
from streamguard.analysis.records import Doubt, FrameRecord, Header, StoredCandidate, StoredTrack
from streamguard.errors import AnalysisError

_MAX_ROWS = 1_000_000
"""Rows of one table that are read: far more than hours of a crowd have."""
_CHUNKS = (int, int, int, bytes, bytes, bytes, str)
_TRACK = (int, str, int, int, int, float, str, int, int, float, float, str)
_DOUBT = (int, int, int, float, str, int, int)
"""Types of the columns."""
_CHUNK = "SELECT first, frames, covers, frame_data, cover_data, outline_data, words FROM chunks"


def open_analysis(path: Path, *, unfinished: bool = False) -> Analysis:
    """Open an analysis for reading, and check that it is what was written.

    Args:
        path: The file; nothing else is opened, whatever it says.
        unfinished: Accept one that is still being written, as far as it goes.

    Raises:
        AnalysisError: It is no analysis, damaged, of a newer version, or not whole.
        SourceError: It does not exist or may not be read.
    """
    connection = database.open_checked(path, verify=True)
    try:
        return Analysis(connection, path, unfinished=unfinished)
    except BaseException:
        connection.close()
        raise


class Analysis:
    """An open analysis; may be used from several threads.

    Attributes:
        path: The file.
        header: What it belongs to and what made it.
        is_whole: Whether every frame of the input is in it.
        decision_digest: SHA-256 of what was decided, 64 hex digits; empty until it is whole.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, unfinished: bool = False
    ) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.Lock()
        with database.database_errors(path):
            self.header: Header = load_header(connection)
        seals = self._rows("SELECT frames, digest FROM seal")
        self.is_whole = bool(seals)
        if not seals and not unfinished:
            raise AnalysisError(
                f"{path} is not finished: it is still being written, or that was cut short",
                "Wait for its end, or analyze again",
            )
        seal = typed(seals[0], (int, str), "its seal") if seals else (0, "")
        self._frames, self.decision_digest = seal

    @property
    def frame_count(self) -> int:
        """Number of frames; of those there so far while it is being written."""
        return self._frames if self.is_whole else self._counted()

    def chunks(self, first: int = 0, last: int | None = None) -> Iterator[Chunk]:
        """Yield what was decided as arrays, in chunks of many frames; the fast way to read.

        Args:
            first: Index of the first frame wanted; its chunk may begin before it.
            last: Index after the last frame wanted; all there are when None.

        Raises:
            AnalysisError: What is read is damaged.
        """
        end = self.frame_count if last is None else last
        where = "WHERE first <= ? ORDER BY first DESC LIMIT 1"
        expected: int | None = None
        while first < end:
            # One statement for each: a reader that waits must not keep the writer waiting.
            rows = self._rows(f"{_CHUNK} {where}", (first,))
            if not rows:
                break
            chunk = unpack(PackedChunk(*typed(rows[0], _CHUNKS, "a chunk")))
            if expected not in (None, chunk.first):
                raise damaged(f"frame {expected}")
            if not 0 <= chunk.first <= first < chunk.first + len(chunk):
                break
            yield chunk
            first = expected = chunk.first + len(chunk)
        if first < min(end, self.frame_count):
            raise damaged(f"frame {first}")

    def frames(self, first: int = 0, last: int | None = None) -> Iterator[FrameRecord]:
        """Yield what was decided for each frame.

        Args:
            first: Index of the first frame wanted.
            last: Index after the last frame wanted; all there are when None.

        Raises:
            AnalysisError: What is read is damaged.
        """
        for chunk in self.chunks(first, last):
            end = len(chunk) if last is None else min(len(chunk), last - chunk.first)
            for number in range(max(0, first - chunk.first), end):
                yield chunk.record(number)

    def tracks(self) -> tuple[StoredTrack, ...]:
        """Return what was followed and covered, by number.

        Raises:
            AnalysisError: What is read is damaged.
        """
        return tuple(map(_track, self._rows("SELECT * FROM tracks ORDER BY track_id")))

    def candidates(self) -> tuple[StoredCandidate, ...]:
        """Return what was seen and not covered, by number; what second looks found comes last.

        Raises:
            AnalysisError: What is read is damaged.
        """
        rows = self._rows("SELECT * FROM candidates ORDER BY first")
        packed = (packed_row(row) for row in rows)
        decided = [candidate for each in packed for candidate in unpack_candidates(each)]
        with self._lock, database.database_errors(self.path):
            found, _ = read_found(self._connection, self.decision_digest)
        return (*decided, *found)

    def doubts(self) -> tuple[Doubt, ...]:
        """Return what a person should look at, the most doubtful first.

        Raises:
            AnalysisError: What is read is damaged.
        """
        return tuple(map(_doubt, self._rows("SELECT * FROM doubts ORDER BY score DESC, number")))

    def check_unchanged(self) -> None:
        """Check that the file still holds the decision that was opened; edits do not matter.

        Raises:
            AnalysisError: It holds another one, or is damaged.
            SourceError: It is gone.
        """
        connection = database.open_checked(self.path, verify=True)
        with closing(connection), database.database_errors(self.path):
            seals = connection.execute("SELECT frames, digest FROM seal LIMIT 2").fetchall()
        if seals != [(self._frames, self.decision_digest)]:
            raise AnalysisError(
                f"{self.path} became another analysis while it was read",
                "Wait until nobody writes to it",
            )

    def close(self) -> None:
        """Let go of the file; may be called twice."""
        with self._lock:
            self._connection.close()

    def _counted(self) -> int:
        rows = self._rows("SELECT first + frames FROM chunks ORDER BY first DESC LIMIT 1")
        return int(typed(rows[0], (int,), "a chunk")[0]) if rows else 0

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock, database.database_errors(self.path):
            rows = self._connection.execute(query, values).fetchmany(_MAX_ROWS + 1)
        if len(rows) > _MAX_ROWS:
            raise AnalysisError(f"{self.path} has more than {_MAX_ROWS} rows in a table")
        return rows


def _track(row: tuple[Any, ...]) -> StoredTrack:
    names = dict(zip(StoredTrack.__slots__, typed(row, _TRACK, "a track"), strict=True))
    lists = {"sources": _strings(names["sources"]), "lost": _stretches(names["lost"])}
    track = StoredTrack(**names | lists | {"label": printed(names["label"])})
    if not 0 <= track.first <= track.best <= track.last:
        raise damaged(f"track {track.track_id}")
    return track


def _doubt(row: tuple[Any, ...]) -> Doubt:
    _, first, last, score, reasons, track_id, candidate = typed(row, _DOUBT, "a doubt")
    if not 0 <= first <= last:
        raise damaged("a doubt")
    return Doubt(first, last, score, _strings(reasons), track_id, candidate)


def _stretches(text: str) -> tuple[tuple[int, int], ...]:
    pairs = parsed(text)
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and [type(end) for end in pair] == [int, int] for pair in pairs
    ):
        raise damaged("a list of stretches")
    return tuple((first, last) for first, last in pairs)


def _strings(text: str) -> tuple[str, ...]:
    words = parsed(text)
    if not isinstance(words, list):
        raise damaged("a list of words")
    return tuple(map(printed, words))
