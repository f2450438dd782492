"""Which files an analysis belongs to, known by their content."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path

from streamguard.analysis.records import FileRecord, Header
from streamguard.errors import AnalysisError, CancelledError, SourceError, unreadable

_BLOCK = 2**20
"""Bytes that are read at once."""


def identify(
    paths: Sequence[Path], cancelled: threading.Event | None = None
) -> tuple[FileRecord, ...]:
    """Read files from their start to their end, and return what identifies each.

    Args:
        paths: The files.
        cancelled: Set it from anywhere to stop.

    Raises:
        SourceError: One of them cannot be read, or changed meanwhile.
        CancelledError: ``cancelled`` was set.
    """
    return tuple(_identify(path, cancelled) for path in paths)


def check_identity(
    header: Header, paths: Sequence[Path], cancelled: threading.Event | None = None
) -> None:
    """Check that files are those an analysis was made of, whatever they are called now.

    Args:
        header: The analysis' header.
        paths: What a source reads (`LocalSource.files_read`), the input first.
        cancelled: Set it from anywhere to stop.

    Raises:
        AnalysisError: Their number, or the content of one, is another.
        SourceError: One of them cannot be read.
        CancelledError: ``cancelled`` was set.
    """
    if len(paths) != len(header.files):
        raise AnalysisError(
            f"{paths[0]} consists of {len(paths)} files, and the analysis is of"
            f" {len(header.files)}",
            _HINT,
        )
    for path, known in zip(paths, header.files, strict=True):
        # Two files of another size need not be read to be told apart.
        size = _stat(path).st_size
        if size != known.size or _identify(path, cancelled).sha256 != known.sha256:
            raise AnalysisError(f"{path} is not the file that was analyzed", _HINT)


class FileWatch:
    """Notices whether files become others while a run reads them.

    Args:
        path: The input; it is not open yet.
    """

    def __init__(self, path: Path) -> None:
        # What is wrong with a file that is not there, opening it tells.
        self._marks = {path: _mark(_stat(path))} if path.is_file() else {}
        self._is_on = False

    def start(self, paths: Iterable[Path]) -> None:
        """Watch the input, and these other files that are read for it.

        Raises:
            SourceError: One of them is gone.
        """
        self._is_on = True
        for path in paths:
            if path not in self._marks:
                self._marks[path] = _mark(_stat(path))

    def check(self) -> None:
        """Check that the watched files have not changed.

        Raises:
            SourceError: A file is gone, was replaced, or was written to.
        """
        for path, mark in self._marks.items() if self._is_on else ():
            if _mark(_stat(path)) != mark:
                raise _changed(path)


_HINT = "Name the right input, or analyze this one"


def _identify(path: Path, cancelled: threading.Event | None) -> FileRecord:
    before = _stat(path)
    try:
        with path.open("rb", buffering=0) as file:
            sha256 = sha256_of(file, cancelled)
    except OSError as error:
        raise unreadable(path, error) from error
    if _mark(_stat(path)) != _mark(before):
        raise _changed(path)
    return FileRecord(path.name, before.st_size, sha256)


def sha256_of(file: FileIO, cancelled: threading.Event | None) -> str:
    """Return the SHA-256 of the rest of a file, 64 hex digits.

    Raises:
        OSError: It cannot be read.
        CancelledError: ``cancelled`` was set.
    """
    total = hashlib.sha256()
    block = memoryview(bytearray(_BLOCK))
    while count := file.readinto(block):
        if cancelled is not None and cancelled.is_set():
            raise CancelledError(f"reading {file.name!s} was cancelled")
        total.update(block[:count])
    return total.hexdigest()


def _changed(path: Path) -> SourceError:
    return SourceError(f"{path} changed while it was read", "Wait until nobody writes to it")


def _stat(path: Path) -> os.stat_result:
    try:
        found = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(f"{path} is not a regular file", "Name a video or photo file")
    return found


def _mark(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
