"""What of the user's files is input: which are photos and videos, and which are left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from streamguard.errors import SourceError, SourceNotFoundError, SourcePermissionError
from streamguard.jobs.naming import check_template
from streamguard.media.medium import Medium


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file of a folder that is no input.

    Attributes:
        path: The file.
        reason: Why it is none.
    """

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user asked of a plan.

    Attributes:
        name: Template of the outputs' names, or None for the usual ones.
        exclude: Patterns of files and folders in folders that are no input.
        suffix_for: Gives the suffix of a file's result; `fitting_suffix` when None.
    """

    name: str | None = None
    exclude: tuple[str, ...] = ()
    suffix_for: Callable[[Path], str] | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            check_template(self.name)

    def suffix(self, path: Path) -> str:
        """Return the suffix of a file's result."""
        return (self.suffix_for or fitting_suffix)(path)

    def excludes(self, name: PurePosixPath) -> str | None:
        """Return the pattern that leaves out a file or folder, or None.

        A pattern fits the whole relative name, the last part of it, or a folder above it.
        """
        names = [name, *name.parents][:-1]
        for pattern in self.exclude:
            plain = pattern.rstrip("/")
            if any(fnmatchcase(str(n), plain) or fnmatchcase(n.name, plain) for n in names):
                return pattern
        return None


USUAL = Rules()


def fitting_suffix(path: Path) -> str:
    """Return the suffix for the result of a file: its own if that can be written.

    What the file is decides, not what it is called. A file that cannot be read keeps its
    suffix; opening it will tell what is wrong.
    """
    from streamguard.media.kinds import is_lossless, kind_of
    from streamguard.sinks.registry import keeps_suffix
    from streamguard.sources.registry import file_source_for

    if not path.is_file():
        # Reading a pipe would wait for its writer.
        return path.suffix
    try:
        medium = file_source_for(path).medium
        lossless = medium is Medium.PHOTO and is_lossless(path, kind_of(path))
    except (SourceError, OSError):
        return path.suffix
    if keeps_suffix(path.suffix, medium):
        return path.suffix
    if medium is Medium.PHOTO:
        return ".png" if lossless else ".jpg"
    return ".webp" if medium is Medium.ANIMATION else ".mp4"


def media_below(folder: Path, output: Path, rules: Rules) -> tuple[list[Path], list[LeftOut]]:
    """Return the media files below a folder, sorted, and what is left out and why.

    A file counts by its suffix; one that is named by itself may be called anything.
    """
    from streamguard.sources.registry import media_suffixes

    media: list[Path] = []
    left_out: list[LeftOut] = []
    suffixes = media_suffixes()
    for path in _walk(folder, output.resolve()):
        pattern = rules.excludes(PurePosixPath(path.relative_to(folder).as_posix()))
        if pattern is not None:
            left_out.append(LeftOut(path, f"excluded by {pattern}"))
        elif path.name.startswith("."):
            left_out.append(LeftOut(path, "hidden"))
        elif path.suffix.lower() in suffixes:
            media.append(path)
        else:
            left_out.append(LeftOut(path, "not a photo or video by its suffix"))
    if not media:
        raise SourceNotFoundError(
            f"folder {folder} holds no photo or video",
            f"{len(left_out)} other files were left out" if left_out else "It is empty",
        )
    return media, left_out


def _walk(folder: Path, leave_out: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise SourcePermissionError(
            f"folder {error.filename} cannot be listed: {error.strerror}", "Check its permissions"
        ) from error

    for root, folders, names in os.walk(folder, onerror=fail):
        # An output folder inside the input must not become input on the next run.
        folders[:] = sorted(name for name in folders if Path(root, name).resolve() != leave_out)
        yield from (Path(root, name) for name in sorted(names))
