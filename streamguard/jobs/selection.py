"""What of the user's files is input: which are photos and videos, and which are left out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from streamguard.analysis.records import SUFFIX
from streamguard.errors import SourceNotFoundError, SourcePermissionError
from streamguard.jobs.naming import BESIDE, IN_FOLDER, check_template
from streamguard.sinks.suffixes import fitting_suffix
from streamguard.sources.registry import media_suffixes


@dataclass(frozen=True, slots=True)
class InputKind:
    """What a command makes of files.

    Attributes:
        takes: Suffixes that count in a folder; those of all media when empty.
        what: What files with such a suffix are, in words.
        beside: Template of an output's name beside its input.
        folder: Template of the name of the folder that outputs of a folder go to, beside that
            folder; ``{name}`` is the folder itself.
        adds_suffix: Whether outputs have the whole name of the input, and a suffix behind it.
        drops_suffix: Whether the last suffix of an input is no part of its own name.
        remembers_files: Whether it is written down for files that are named by themselves, too,
            so that nothing is done again that has not changed.
    """

    takes: frozenset[str]
    what: str
    beside: str = BESIDE
    folder: str = "{name}.anonymized"
    adds_suffix: bool = False
    drops_suffix: bool = False
    remembers_files: bool = False

    @property
    def stays_in_folder(self) -> bool:
        """Whether outputs of a folder go to that very folder."""
        return self.folder == "{name}"

    def named(self, path: PurePosixPath) -> PurePosixPath:
        """Return the name of an input that its output is named after."""
        return path.with_suffix("") if self.drops_suffix else path


ANONYMIZED = InputKind(frozenset(), "photo or video")
DECIDED = InputKind(frozenset(), "photo or video", IN_FOLDER, "{name}", adds_suffix=True)
RENDERED = InputKind(frozenset((SUFFIX,)), "analysis", drops_suffix=True, remembers_files=True)


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
        kind: What is made of files.
    """

    name: str | None = None
    exclude: tuple[str, ...] = ()
    suffix_for: Callable[[Path], str] | None = None
    kind: InputKind = ANONYMIZED

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


def media_below(folder: Path, output: Path, rules: Rules) -> tuple[list[Path], list[LeftOut]]:
    """Return the files below a folder that count, sorted, and what is left out and why.

    A file counts by its suffix; one that is named by itself may be called anything.
    """
    what = f"{'an' if rules.kind.what[0] in 'aeiou' else 'a'} {rules.kind.what}"
    media: list[Path] = []
    left_out: list[LeftOut] = []
    suffixes = rules.kind.takes or media_suffixes()
    for path in _walk(folder, output.resolve()):
        pattern = rules.excludes(PurePosixPath(path.relative_to(folder).as_posix()))
        if pattern is not None:
            left_out.append(LeftOut(path, f"excluded by {pattern}"))
        elif path.name.startswith("."):
            left_out.append(LeftOut(path, "hidden"))
        elif path.suffix.lower() in suffixes:
            media.append(path)
        else:
            left_out.append(LeftOut(path, f"not {what} by its suffix"))
    if not media:
        raise SourceNotFoundError(
            f"folder {folder} holds no {rules.kind.what}",
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
