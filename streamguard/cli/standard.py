"""``-`` as a file: standard input read to its end first, standard output written when whole.

What comes from standard input lies in a file without a name until the run ends: FFmpeg needs to go
back and forth in it, and nothing of it can be left behind.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from streamguard.errors import CancelledError, SinkError, SourceDamagedError, UsageError

if TYPE_CHECKING:
    from streamguard.analysis.records import FileRecord
    from streamguard.cli.work import Outcome

DASH = Path("-")
_INPUT, _OUTPUT = Path("standard input"), Path("standard output")
_CHUNK = 2**20
_PIPE_CHUNK = 4096
"""What a pipe that is ready takes at once; more could block, and no signal would end that."""
_POLL = 0.1
_SPARE = 256 * 2**20
"""Bytes that a disk keeps free, so that an input without end does not fill it."""
_KEPT = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "WEBP": ".webp"}


@dataclass(frozen=True, slots=True)
class Streams:
    """What stands for standard input and output in one run.

    Attributes:
        source: The file that stands for standard input, or None if that is not read.
        output: The file that stands for standard output, or None if that is not written.
    """

    source: Path | None = None
    output: Path | None = None

    def named(self, outcome: Outcome) -> Outcome:
        """Return an outcome with the names that the user knows."""
        job, report, error = outcome.job, outcome.report, outcome.error
        for path, name in ((self.source, _INPUT), (self.output, _OUTPUT)):
            if path is not None and error is not None:
                what = getattr(error, "what", str(error)).replace(str(path), str(name))
                if hasattr(error, "hint"):
                    error = type(error)(what, error.hint)
        if self.source is not None:
            job = replace(job, source=_INPUT)
            report = report and replace(report, input=_called(report.input, _INPUT))
        if self.output is not None:
            job = replace(job, output=_OUTPUT)
            report = report and replace(report, output=_called(report.output, _OUTPUT))
        return replace(outcome, job=job, report=report, error=error)


@contextmanager
def standard_streams(options: dict[str, Any], stop: threading.Event) -> Iterator[Streams]:
    """Put files in the place of ``-`` in the options; the output is written as the block ends.

    Args:
        options: Those of the command; ``inputs`` and ``output`` are changed.
        stop: Set it from anywhere to stop reading and writing.

    Raises:
        UsageError: ``-`` does not go together with the other options.
        SourceDamagedError: Nothing came from standard input.
        SinkError: The disk is full, or standard output cannot be written.
        CancelledError: ``stop`` was set.
    """
    reads, writes = DASH in options["inputs"], options["output"] == DASH
    _check(options, reads=reads, writes=writes)
    with ExitStack() as ending:
        source = output = None
        if writes:
            folder = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="streamguard-")))
            result = ending.enter_context(_standard_output())
        elif reads:
            folder = options["output"].absolute().parent
        if reads:
            source = Path(f"/proc/self/fd/{_spooled(folder, stop, ending).fileno()}")
            options["inputs"] = (source,)
        if writes:
            output = folder / f"result{options['format'] or _suffix_for(options['inputs'][0])}"
            options["output"] = output
        yield Streams(source, output)
        if output is not None and output.exists():
            _send(output, result, stop)


def _check(options: dict[str, Any], *, reads: bool, writes: bool) -> None:
    if options["format"] and not writes:
        raise UsageError("--format goes with -o - only", "A file's suffix says its format")
    if (reads or writes) and len(options["inputs"]) > 1:
        raise UsageError("- is standard input or output, which hold one file", "Name one input")
    if writes and options["inputs"][0].is_dir():
        raise UsageError("a folder does not fit into standard output", "Name a folder with -o")
    if writes and os.isatty(1):
        raise UsageError("standard output is a terminal", "Send it to a file or a program")
    if not reads:
        return
    if options["output"] is None or options["output"].is_dir():
        raise UsageError("standard input has no name to go by", "Name the output with -o FILE")
    if os.isatty(0):
        raise UsageError("standard input is a terminal", "Pipe a video or photo into it")
    if not Path("/proc/self/fd").is_dir():
        raise UsageError("standard input can be read on Linux only", "Name a file")


def _spooled(folder: Path, stop: threading.Event, ending: ExitStack) -> IO[bytes]:
    """Copy standard input into a file without a name, and return that."""
    try:
        file = ending.enter_context(tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115 - see `ending`
        # The output gets the same permissions, as a new file would.
        os.fchmod(file.fileno(), 0o666)
        size = 0
        while chunk := _read(stop):
            free = os.fstatvfs(file.fileno())
            if free.f_bavail * free.f_frsize < _SPARE + len(chunk):
                raise SinkError(f"the disk with {folder} is full", "Free some space")
            size += len(chunk)
            while chunk:
                chunk = chunk[file.write(chunk) :]
    except OSError as error:
        if isinstance(error, SinkError):
            raise
        raise SinkError(
            f"standard input cannot be copied to {folder}: {error.strerror}",
            "Name an output in another folder",
        ) from error
    if not size:
        raise SourceDamagedError("standard input is empty", "Pipe a video or photo into it")
    return file


def _read(stop: threading.Event) -> bytes:
    while not stop.is_set():
        if select.select([0], [], [], _POLL)[0]:
            return os.read(0, _CHUNK)
    raise CancelledError("stopped on request", "nothing was written")


@contextmanager
def _standard_output() -> Iterator[int]:
    """Give a descriptor of standard output that nobody else writes to.

    Results in words, and what libraries print, go to standard error instead.
    """
    result = os.dup(1)
    words = sys.stdout
    try:
        words.flush()
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        yield result
    finally:
        sys.stdout = words
        os.close(result)


def _send(path: Path, result: int, stop: threading.Event) -> None:
    size = _CHUNK if stat.S_ISREG(os.fstat(result).st_mode) else _PIPE_CHUNK
    with path.open("rb") as file:
        while chunk := file.read(size):
            try:
                _write(result, chunk, stop)
            except BrokenPipeError:
                return  # Whoever read it had enough.
            except OSError as error:
                raise SinkError(f"standard output cannot be written: {error.strerror}") from error


def _write(result: int, chunk: bytes, stop: threading.Event) -> None:
    while chunk:
        if stop.is_set():
            raise CancelledError("stopped on request", "standard output is not whole")
        if select.select([], [result], [], _POLL)[1]:
            chunk = chunk[os.write(result, chunk) :]


def _suffix_for(path: Path) -> str:
    """Return the format of standard output: a photo's own if it can be, Matroska for videos."""
    from streamguard.media.kinds import kind_of
    from streamguard.sinks.suffixes import fitting_suffix

    if not path.is_file():
        return ".mkv"  # Opening it will tell what is wrong.
    fitting = fitting_suffix(path)
    return ".mkv" if fitting in (".mp4", "") else _KEPT.get(kind_of(path), fitting)


def _called(record: FileRecord, name: Path) -> FileRecord:
    return replace(record, name=str(name))
