"""From what the user named to a list of jobs: one input file, one output file each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from streamguard.errors import (
    SinkError,
    SinkPermissionError,
    SourceError,
    SourceNotFoundError,
    SourcePermissionError,
    UsageError,
)
from streamguard.ledger import Ledger
from streamguard.naming import BESIDE, IN_FOLDER, Wish, alike, assign, check_template

PHOTO_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .webp .bmp .dib .tif .tiff .avif .heic .heif .hif .jp2 .j2k "
    ".jpf .jpx .j2c .jxl .mpo .ppm .pgm .pbm .pnm .tga .qoi .psd .pcx "
    # Camera raw files: refused one by one, and not passed over as if they were no photos.
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef "
    ".raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .qt .mkv .webm .avi .divx .flv .f4v .wmv .asf .mpg .mpeg .mpe .m2v .vob .ts "
    ".mts .m2ts .mxf .3gp .3g2 .ogv .ogm .gif .y4m .dv .h264 .264 .h265 .265 .hevc .rm .rmvb "
    ".nut .insv .lrv .mjpeg .mjpg .mpjpeg".split()
)
MEDIA_SUFFIXES = PHOTO_SUFFIXES | VIDEO_SUFFIXES
"""What counts in a folder; a file named by itself may be called anything."""


@dataclass(frozen=True, slots=True)
class Job:
    """One input and where its result goes.

    Attributes:
        source: The file to read.
        output: The file to write.
        folder: The input folder it was found in, or None if it was named by itself.
        root: The output folder that belongs to that input folder. What is done there is
            written down, and not done again.
        makes_folder: Whether the output's folder is ours to make.
    """

    source: Path
    output: Path
    folder: Path | None = None
    root: Path | None = None
    makes_folder: bool = False

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        # A descriptor has a number for a name.
        return self.source.name if self.source.name.strip("0123456789") else self.output.name

    def make_room(self) -> None:
        """Make the output's folder, if it is ours to make.

        Raises:
            SinkPermissionError: It may not be made.
            SinkError: It cannot be made for another reason.
        """
        if not self.makes_folder:
            return
        folder = self.output.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise SinkPermissionError(
                f"folder {folder} may not be made", "Check its permissions, or choose another"
            ) from error
        except OSError as error:
            raise SinkError(f"folder {folder} cannot be made: {error.strerror}") from error


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
class Plan:
    """Everything one command has to do.

    Attributes:
        jobs: In the order named, folders sorted by name.
        left_out: Files in folders that are no input.
        batch: Whether the jobs are many by nature, so that a summary is due at the end.
    """

    jobs: tuple[Job, ...]
    left_out: tuple[LeftOut, ...] = ()
    batch: bool = False


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


def plan(inputs: Sequence[Path], output: Path | None, rules: Rules = USUAL) -> Plan:
    """Decide which file becomes which.

    Args:
        inputs: Files and folders; folders are walked, their tree is kept.
        output: The file or folder to write, or None for ``NAME.anonymized.EXT`` beside each.
        rules: What outputs are called, and what is left out.

    Raises:
        UsageError: The inputs and the output do not fit each other.
        SourceNotFoundError: A file or folder is missing, or a folder holds nothing to do.
        SourcePermissionError: A folder may not be listed.
    """
    if not inputs:
        raise UsageError("no input was named")
    several = len(inputs) > 1
    into_folder = several or (output is not None and output.is_dir())
    if into_folder and output is not None and output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file", "Several inputs need a folder as output")
    jobs: list[Job] = []
    left_out: list[LeftOut] = []
    for source in inputs:
        if source.is_dir():
            root = _folder_output(source, output, nested=several)
            files, others = _media_below(source, root, rules)
            jobs += _folder_jobs(source, root, files, rules)
            left_out += others
        elif output is not None and not into_folder:
            if rules.name is not None:
                raise UsageError(
                    f"the output {output} has its name already", "Use --name without --output"
                )
            jobs.append(Job(source, output))
        else:
            result = _file_output(source, output, several, rules)
            jobs.append(Job(source, result, makes_folder=several and output is not None))
    _refuse_collisions(jobs)
    return Plan(tuple(jobs), tuple(left_out), batch=several or inputs[0].is_dir())


def fitting_suffix(path: Path) -> str:
    """Return the suffix for the result of a file: its own if that can be written.

    What the file is decides, not what it is called. A file that cannot be read keeps its
    suffix; opening it will tell what is wrong.
    """
    from streamguard.sinks.animation import ANIMATION_EXTENSIONS
    from streamguard.sinks.containers import PHOTO_EXTENSIONS, VIDEO_EXTENSIONS
    from streamguard.sinks.photo import can_write
    from streamguard.sources.animation import is_animation
    from streamguard.sources.kinds import is_lossless, kind_of
    from streamguard.sources.photo import is_photo

    suffix = path.suffix.lower()
    if not path.is_file():
        # Reading a pipe would wait for its writer.
        return path.suffix
    try:
        animation = is_animation(path)
        photo = not animation and is_photo(path)
        lossless = photo and is_lossless(path, kind_of(path))
    except (SourceError, OSError):
        return path.suffix
    if animation:
        fits = suffix in VIDEO_EXTENSIONS | ANIMATION_EXTENSIONS
        return path.suffix if fits else ".webp"
    if suffix in (PHOTO_EXTENSIONS if photo else VIDEO_EXTENSIONS) | {".gif"} and (
        not photo or suffix == ".gif" or can_write(suffix)
    ):
        return path.suffix
    if photo:
        return ".png" if lossless else ".jpg"
    return ".mp4"


def _file_output(source: Path, output: Path | None, several: bool, rules: Rules) -> Path:
    folder = source.parent if output is None else output
    template = rules.name or (BESIDE if output is None else IN_FOLDER)
    suffix = rules.suffix(source)
    # A single photo beside its input has a short name; nothing else can want it in that run.
    name = source.name if several or output is not None else f"{source.stem}{suffix}"
    return folder / Wish(PurePosixPath(name), suffix, template).name()


def _folder_output(source: Path, output: Path | None, nested: bool) -> Path:
    # The name of "." or ".." is only known once resolved.
    name = source.name if source.name not in ("", "..") else source.resolve().name
    if output is None:
        beside = source.resolve() if source.name in ("", "..") else source
        return beside.with_name(f"{name}.anonymized")
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file", "A folder as input needs a folder as output")
    root = output / name if nested else output
    if root.resolve() == source.resolve():
        raise UsageError(f"the output folder {root} is the input folder", "Choose another")
    return root


def _media_below(folder: Path, output: Path, rules: Rules) -> tuple[list[Path], list[LeftOut]]:
    """Return the media files below a folder, sorted, and what is left out and why."""
    media: list[Path] = []
    left_out: list[LeftOut] = []
    for path in _walk(folder, output.resolve()):
        pattern = rules.excludes(PurePosixPath(path.relative_to(folder).as_posix()))
        if pattern is not None:
            left_out.append(LeftOut(path, f"excluded by {pattern}"))
        elif path.name.startswith("."):
            left_out.append(LeftOut(path, "hidden"))
        elif path.suffix.lower() in MEDIA_SUFFIXES:
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


def _folder_jobs(folder: Path, root: Path, files: Sequence[Path], rules: Rules) -> Iterator[Job]:
    template = rules.name or IN_FOLDER
    wishes = [
        Wish(PurePosixPath(path.relative_to(folder).as_posix()), rules.suffix(path), template)
        for path in files
    ]
    for path, name in zip(files, assign(wishes, Ledger(root).owners()), strict=True):
        yield Job(path, root / name, folder, root, makes_folder=True)


def _refuse_collisions(jobs: Iterable[Job]) -> None:
    sources: dict[str, Path] = {}
    for job in jobs:
        other = sources.setdefault(alike(job.output.resolve()), job.source)
        if other is not job.source:
            raise UsageError(
                f"{other} and {job.source} would both be written to {job.output}",
                "Anonymize them one by one, or rename one",
            )
