"""What earlier runs finished in an output folder, written down beside the outputs."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from streamguard.errors import SinkError, SinkPermissionError, SourceError
from streamguard.report import record_file
from streamguard.settings import Settings

NAME = ".streamguard.done"
"""Name of the ledger in an output folder."""

_FORMAT = 1
_NO_MATTER = ("overwrite", "stall_timeout")
"""Settings that change nothing in an output."""
_NO_MATTER_OF_INPUT = ("max_pixels", "max_frames", "open_timeout", "open_memory")
_NO_MATTER_OF_VERSIONS = ("python",)


@dataclass(frozen=True, slots=True)
class Origin:
    """What an output is made from.

    Attributes:
        name: Name of the input relative to its folder, with ``/`` between folders.
        folder: Hash of the input folder's full path.
        sha256: Hash of the input's content.
        work: Hash of the settings and versions, see `fingerprint`.
    """

    name: str
    folder: str
    sha256: str
    work: str

    def has_place_of(self, other: Origin) -> bool:
        """Whether both are the same file of the same folder, whatever its content is."""
        return (self.name, self.folder) == (other.name, other.folder)

    def is_same_work(self, other: Origin) -> bool:
        """Whether both give the same output: same name, content, settings and versions."""
        return (self.name, self.sha256, self.work) == (other.name, other.sha256, other.work)


@dataclass(frozen=True, slots=True)
class Content:
    """What an output looked like when it was finished.

    Attributes:
        size: Bytes.
        mtime_ns: Time of its last change in nanoseconds.
        sha256: Hash of its content.
    """

    size: int
    mtime_ns: int
    sha256: str


class Ledger:
    """The outputs of one folder and what they were made from.

    A line of JSON is added before an output is begun and when it is finished. The file holds
    hashes and relative names, nothing else. A line that cannot be understood counts as absent.

    Args:
        folder: The output folder; it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun: dict[str, Origin] = {}
        self._done: dict[str, tuple[Origin, Content]] = {}
        for line in _lines(folder / NAME):
            with suppress(ValueError, TypeError, KeyError):
                self._take(json.loads(line))

    def owners(self) -> dict[str, str]:
        """Return the input's relative name for each output's relative name."""
        begun = {output: origin.name for output, origin in self._begun.items()}
        return {output: origin.name for output, (origin, _) in self._done.items()} | begun

    def is_done(self, output: Path, origin: Origin) -> bool:
        """Whether the output is there, unchanged, and was made by the same work."""
        entry = self._done.get(self._key(output))
        return entry is not None and entry[0].is_same_work(origin) and _is_there(output, entry[1])

    def is_ours(self, output: Path, origin: Origin) -> bool:
        """Whether an earlier run made this output from the same file, so that it may be replaced.

        A run that was killed may have given the output its name without writing that down.
        """
        key = self._key(output)
        if key in self._begun:
            return self._begun[key].has_place_of(origin)
        entry = self._done.get(key)
        return entry is not None and entry[0].has_place_of(origin) and _is_there(output, entry[1])

    def begin(self, output: Path, origin: Origin) -> None:
        """Write down that this output is being made.

        Raises:
            SinkError: The ledger cannot be written.
        """
        self._write("begun", output, origin)

    def give_up(self, output: Path, origin: Origin) -> None:
        """Write down that an output that was begun is not being made any more.

        Raises:
            SinkError: The ledger cannot be written.
        """
        self._write("given up", output, origin)

    def finish(self, output: Path, origin: Origin, sha256: str) -> None:
        """Write down that an output is finished.

        Args:
            output: The file.
            origin: What it was made from.
            sha256: Hash of its content.

        Raises:
            SinkError: The ledger cannot be written, or the output went away.
        """
        try:
            found = output.stat()
        except OSError as error:
            raise SinkError(f"{output} went away: {error.strerror}") from error
        self._write("done", output, origin, Content(found.st_size, found.st_mtime_ns, sha256))

    def _key(self, output: Path) -> str:
        return output.relative_to(self._folder).as_posix()

    def _write(
        self, state: str, output: Path, origin: Origin, content: Content | None = None
    ) -> None:
        entry = {
            "streamguard": _FORMAT,
            "state": state,
            "output": self._key(output),
            "origin": asdict(origin),
            "content": content and asdict(content),
        }
        path = self._folder / NAME
        try:
            _append(path, json.dumps(entry, separators=(",", ":")))
        except PermissionError as error:
            raise SinkPermissionError(
                f"{path} may not be written", "Check its permissions"
            ) from error
        except OSError as error:
            raise SinkError(
                f"{path} cannot be written: {error.strerror}",
                "It holds what was done in this folder. Move it away, or choose another folder",
            ) from error
        self._take(entry)

    def _take(self, entry: Mapping[str, Any]) -> None:
        if entry["streamguard"] != _FORMAT:
            return
        output, origin = str(entry["output"]), Origin(**entry["origin"])
        if entry["state"] == "begun":
            self._begun[output] = origin
            return
        self._begun.pop(output, None)
        if entry["state"] == "done":
            self._done[output] = (origin, Content(**entry["content"]))


def fingerprint(settings: Settings, versions: Mapping[str, str]) -> str:
    """Return a hash of everything but the input that decides what an output looks like.

    Args:
        settings: How the output is made.
        versions: Version of each library by name.
    """
    chosen = {name: value for name, value in asdict(settings).items() if name not in _NO_MATTER}
    for name in _NO_MATTER_OF_INPUT:
        del chosen["input"][name]
    libraries = {key: text for key, text in versions.items() if key not in _NO_MATTER_OF_VERSIONS}
    return _hash(json.dumps([chosen, libraries], sort_keys=True))


def hash_of_folder(folder: Path) -> str:
    """Return a hash of a folder's full path, which tells it from others and names nobody."""
    return _hash(os.fsdecode(folder.resolve()))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _lines(path: Path) -> Iterator[bytes]:
    # A pipe of that name would be waited for.
    if path.is_symlink() or not path.is_file():
        return
    with suppress(OSError), path.open("rb") as file:
        yield from file


def _append(path: Path, line: str) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        # A line that a crash cut short must not swallow this one.
        before = b"" if file.read(1) in (b"", b"\n") else b"\n"
        file.write(before + line.encode("ascii") + b"\n")
        os.fsync(file.fileno())


def _is_there(output: Path, content: Content) -> bool:
    try:
        found = output.stat()
        if output.is_symlink() or found.st_size != content.size:
            return False
        if found.st_mtime_ns == content.mtime_ns:
            return True
        return record_file(output, threading.Event()).sha256 == content.sha256
    except (OSError, SourceError):
        return False
