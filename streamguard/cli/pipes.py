"""Standard output and standard error whose reader may go away: the run goes on without it."""

from __future__ import annotations

import errno
import io
import os
import sys

from streamguard.errors import SinkError

_GONE = (errno.EPIPE, errno.EIO, errno.ESHUTDOWN, errno.ECONNRESET)
"""What writing to a pipe or a terminal says once nobody reads it any more."""


def guard_streams() -> None:
    """Let this process write to standard output and error as long as somebody reads them.

    What is closed from the start is opened as nothing: the next file to be opened would get its
    number, and what libraries print would end up in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            _to_nowhere(number)
    sys.stdout = _guarded(sys.stdout, 1, is_result=True)
    sys.stderr = _guarded(sys.stderr, 2, is_result=False)


def patient(descriptor: int, *, is_result: bool) -> io.TextIOWrapper:
    """Return a text stream that writes to nowhere once its reader has gone.

    Args:
        descriptor: Where to write; it is closed with the stream.
        is_result: Whether a full disk shall be an error; what is only remarks goes silently.
    """
    return _Patient(descriptor, is_result)


def _guarded(stream: object, descriptor: int, *, is_result: bool) -> io.TextIOWrapper:
    encoding = None
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
        encoding = stream.encoding
    return _Patient(descriptor, is_result, encoding=encoding, closes=False)


def _to_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


class _Patient(io.TextIOWrapper):
    def __init__(
        self, descriptor: int, is_result: bool, *, encoding: str | None = None, closes: bool = True
    ) -> None:
        raw = io.FileIO(descriptor, "w", closefd=closes)
        # Names of files may hold bytes that are no text; nobody shall stumble over them.
        errors = "surrogateescape" if is_result else "backslashreplace"
        super().__init__(io.BufferedWriter(raw), encoding, errors, line_buffering=True)
        self._descriptor = descriptor
        self._is_result = is_result

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._take(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._take(error)

    def _take(self, error: OSError) -> None:
        # What is still held back goes there, too, instead of failing again.
        _to_nowhere(self._descriptor)
        if self._is_result and error.errno not in _GONE:
            raise SinkError(f"standard output cannot be written: {error.strerror}") from error
