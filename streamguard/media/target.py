"""The output's name: written beside it under a hidden name, renamed when whole."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from streamguard.errors import (
    OutputExistsError,
    SinkError,
    SinkPermissionError,
    StreamguardError,
    UsageError,
)

_ANY = 0o666
"""Permissions of an output whose input has none of its own."""


class Target:
    """A file that stands under its own name only once it is whole.

    It gets the input's permissions, or those it is given, less those that the umask takes away.

    Args:
        path: The final name.
        source: The input, which is never written to.
        overwrite: Whether the final name may be replaced.
        mode: Permissions it may have at most; the input's when None.

    Attributes:
        path: The final name.
        part: Where to write until then; it exists and is empty.

    Raises:
        UsageError: The output is the input, or a folder.
        OutputExistsError: It exists and may not be replaced.
        SinkPermissionError: The folder may not be written to.
        SinkError: The folder does not exist.
    """

    def __init__(self, path: Path, source: Path, overwrite: bool, mode: int | None = None) -> None:
        self.path = path
        self._overwrite = overwrite
        self._done = False
        self._lock = threading.Lock()
        with sink_errors(path):
            _check(path, source, overwrite)
            before, after = _around(path, os.getpid())
            self.part = path.parent / f"{before}{secrets.token_hex(4)}{after}"
            self._mode = _mode_of(source) if mode is None else mode
            # The umask applies to it, and the owner may write until it is whole.
            mode = self._mode | stat.S_IRUSR | stat.S_IWUSR
            os.close(os.open(self.part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))

    def commit(self) -> None:
        """Make the written file durable and give it its final name; the second call does nothing.

        Raises:
            OutputExistsError: Somebody else made a file of that name meanwhile.
            SinkError: The disk is full, or the folder went away.
        """
        if self._is_over():
            return
        with sink_errors(self.path):
            descriptor = os.open(self.part, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            with self._lock:
                # Another thread may have discarded it meanwhile, and this one made it anew.
                if self._is_over():
                    with suppress(OSError):
                        self.part.unlink()
                    return
                self.part.chmod(self.part.stat().st_mode & self._mode)
                self._rename()
                self._done = True

    def discard(self) -> None:
        """Remove what was written, unless it stands under its final name; may be called twice."""
        with self._lock:
            if not self._done:
                self._done = True
                with suppress(OSError):
                    self.part.unlink()

    def _is_over(self) -> bool:
        return self._done

    def _rename(self) -> None:
        if not self._overwrite:
            # A hard link fails where the name is taken, a rename would silently replace it.
            try:
                os.link(self.part, self.path)
                self.part.unlink()
                return
            except FileExistsError:
                raise
            except OSError:
                _refuse_existing(self.path)
        self.part.replace(self.path)


def _mode_of(source: Path) -> int:
    """Return the permissions of an input, which its output gets as well, less the umask's."""
    try:
        found = source.stat()
    except OSError:
        return _ANY
    if not stat.S_ISREG(found.st_mode):
        return _ANY
    mode = stat.S_IMODE(found.st_mode) & 0o777
    # With an access list, the group's bits are those of everybody on that list.
    return mode & ~stat.S_IRWXG if _has_access_list(source) else mode


def _has_access_list(path: Path) -> bool:
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except (AttributeError, OSError):
        return False


def remove_parts(path: Path, pid: int) -> None:
    """Remove what a process that was killed has written of an output.

    Args:
        path: The output's final name.
        pid: The process, which must have ended.
    """
    before, after = _around(path, pid)
    with suppress(OSError):
        for part in path.parent.iterdir():
            if part.name.startswith(before) and part.name.endswith(after):
                part.unlink()


@contextmanager
def sink_errors(path: Path) -> Iterator[None]:
    """Turn what FFmpeg and the system raise while writing into this project's errors.

    Raises:
        SinkError: Of the kind that fits.
    """
    import av

    try:
        yield
    except StreamguardError:
        raise
    except av.FFmpegError as error:
        # The file was made before FFmpeg came: its own "not permitted" means something else.
        raise _failed(path, error) from error
    except FileExistsError as error:
        raise _exists(path) from error
    except PermissionError as error:
        raise SinkPermissionError(
            f"{path} may not be written", "Check the folder's permissions, or choose another"
        ) from error
    except OSError as error:
        raise _failed(path, error) from error


def _around(path: Path, pid: int) -> tuple[str, str]:
    """Return what comes before and after the random part of a hidden name."""
    # The stem is cut so that the longer name still fits into 255 bytes.
    stem = os.fsencode(path.stem)[:180].decode(errors="ignore")
    return f".{stem}.{pid:x}-", f".part{path.suffix}"


def _check(path: Path, source: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise UsageError(f"the output {path} is a folder", "Name a file in it")
    if not path.parent.is_dir():
        raise SinkError(f"the folder {path.parent} does not exist", "Make it, or choose another")
    if path.exists() and path.samefile(source):
        raise UsageError(f"the output {path} is the input itself", "Choose another name")
    if not overwrite:
        _refuse_existing(path)


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise _exists(path)


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(f"{path} exists", "Choose another name, or use --overwrite")


def _failed(path: Path, error: Exception) -> SinkError:
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT):
        return SinkError(f"the disk is full, {path} is not written", "Free some space")
    if number in (errno.EFBIG, errno.EROFS, errno.EIO, errno.ENOENT):
        return SinkError(f"{path} cannot be written: {os.strerror(number)}")
    words = getattr(error, "strerror", None) or str(error)
    return SinkError(f"{path} cannot be written: {words}", "Try another codec or container")
