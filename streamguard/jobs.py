"""From what the user named to a list of jobs: one input file, one output file each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from streamguard.errors import (
    SinkError,
    SinkPermissionError,
    SourceError,
    SourceNotFoundError,
    SourcePermissionError,
    UsageError,
)

PHOTO_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .webp .bmp .tif .tiff .avif .heic .heif .jp2 .jxl "
    ".ppm .pgm .tga".split()
)
VIDEO_SUFFIXES = frozenset(
    ".mp4 .m4v .mov .qt .mkv .webm .avi .divx .flv .f4v .wmv .asf .mpg .mpeg .mpe .m2v .vob .ts "
    ".mts .m2ts .mxf .3gp .3g2 .ogv .ogm .gif .y4m .dv .h264 .264 .h265 .265 .hevc .rm .rmvb "
    ".nut .insv .lrv".split()
)
MEDIA_SUFFIXES = PHOTO_SUFFIXES | VIDEO_SUFFIXES
"""What counts in a folder; a file named by itself may be called anything."""
_LOSSY_PHOTOS = frozenset(".jpe .jfif .heic .heif .jxl .jp2".split())


@dataclass(frozen=True, slots=True)
class Job:
    """One input and where its result goes.

    Attributes:
        source: The file to read.
        output: The file to write.
        in_folder: Whether the input was found in a folder and not named by itself; then it is
            skipped when its output is there already.
        makes_folder: Whether the output's folder is ours to make.
    """

    source: Path
    output: Path
    in_folder: bool = False
    makes_folder: bool = False

    @property
    def is_done(self) -> bool:
        """Whether an earlier run made the output; outputs only bear their name when whole."""
        return self.in_folder and self.output.exists()

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
                f"folder {folder} may not be made", "check its permissions, or choose another"
            ) from error
        except OSError as error:
            raise SinkError(f"folder {folder} cannot be made: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one command has to do.

    Attributes:
        jobs: In the order named, folders sorted by name.
        ignored: How many files in folders are neither photo nor video.
        batch: Whether the jobs are many by nature, so that a summary is due at the end.
    """

    jobs: tuple[Job, ...]
    ignored: int = 0
    batch: bool = False


def plan(
    inputs: Sequence[Path],
    output: Path | None,
    suffix_for: Callable[[Path], str] | None = None,
) -> Plan:
    """Decide which file becomes which.

    Args:
        inputs: Files and folders; folders are walked, their tree is kept.
        output: The file or folder to write, or None for ``NAME.anonymized.EXT`` beside each.
        suffix_for: Gives the suffix of a file's result; `fitting_suffix` when None.

    Raises:
        UsageError: The inputs and the output do not fit each other.
        SourceNotFoundError: A file or folder is missing, or a folder holds nothing to do.
        SourcePermissionError: A folder may not be listed.
    """
    if not inputs:
        raise UsageError("no input was named")
    into_folder = len(inputs) > 1 or (output is not None and output.is_dir())
    if into_folder and output is not None and output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file", "several inputs need a folder as output")
    suffix_for = suffix_for or fitting_suffix
    jobs: list[Job] = []
    ignored = 0
    for source in inputs:
        if source.is_dir():
            root = _folder_output(source, output, nested=len(inputs) > 1)
            files, skipped = _media_below(source, root)
            jobs += _folder_jobs(source, root, files, suffix_for)
            ignored += skipped
        else:
            result = _file_output(source, output, into_folder, suffix_for)
            jobs.append(Job(source, result, makes_folder=len(inputs) > 1 and output is not None))
    _refuse_collisions(jobs)
    return Plan(tuple(jobs), ignored, batch=len(inputs) > 1 or inputs[0].is_dir())


def fitting_suffix(path: Path) -> str:
    """Return the suffix for the result of a file: its own if that can be written.

    What the file is decides, not what it is called. A file that cannot be read keeps its
    suffix; opening it will tell what is wrong.
    """
    from streamguard.sinks.containers import PHOTO_EXTENSIONS, VIDEO_EXTENSIONS
    from streamguard.sources.photo import is_photo

    suffix = path.suffix.lower()
    if not path.is_file():
        # Reading a pipe would wait for its writer.
        return path.suffix
    try:
        photo = is_photo(path)
    except SourceError:
        return path.suffix
    if suffix in (PHOTO_EXTENSIONS if photo else VIDEO_EXTENSIONS) | {".gif"}:
        return path.suffix
    if photo:
        return ".jpg" if suffix in _LOSSY_PHOTOS else ".png"
    return ".mp4"


def _file_output(
    source: Path, output: Path | None, into_folder: bool, suffix_for: Callable[[Path], str]
) -> Path:
    if output is None:
        return source.with_name(f"{source.stem}.anonymized{suffix_for(source)}")
    return output / f"{source.stem}{suffix_for(source)}" if into_folder else output


def _folder_output(source: Path, output: Path | None, nested: bool) -> Path:
    # The name of "." or ".." is only known once resolved.
    name = source.name if source.name not in ("", "..") else source.resolve().name
    if output is None:
        beside = source.resolve() if source.name in ("", "..") else source
        return beside.with_name(f"{name}.anonymized")
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file", "a folder as input needs a folder as output")
    root = output / name if nested else output
    if root.resolve() == source.resolve():
        raise UsageError(f"the output folder {root} is the input folder", "choose another")
    return root


def _media_below(folder: Path, output: Path) -> tuple[list[Path], int]:
    """Return the media files below a folder, sorted, and how many files are something else."""
    media: list[Path] = []
    ignored = 0
    for path in _walk(folder, output.resolve()):
        if path.suffix.lower() in MEDIA_SUFFIXES and not path.name.startswith("."):
            media.append(path)
        else:
            ignored += 1
    if not media:
        raise SourceNotFoundError(
            f"folder {folder} holds no photo or video",
            f"{ignored} other files were ignored" if ignored else "it is empty",
        )
    return media, ignored


def _walk(folder: Path, leave_out: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise SourcePermissionError(
            f"folder {error.filename} cannot be listed: {error.strerror}", "check its permissions"
        ) from error

    for root, folders, names in os.walk(folder, onerror=fail):
        # An output folder inside the input must not become input on the next run.
        folders[:] = sorted(name for name in folders if Path(root, name).resolve() != leave_out)
        yield from (Path(root, name) for name in sorted(names))


def _folder_jobs(
    folder: Path, root: Path, files: Iterable[Path], suffix_for: Callable[[Path], str]
) -> Iterator[Job]:
    taken: set[Path] = set()
    # Files that keep their name come first, so that a.heic never takes the place of a.jpg.
    named = {path: root / path.relative_to(folder) for path in files}
    kept = {path for path in named if suffix_for(path) == path.suffix}
    taken.update(named[path] for path in kept)
    for path, twin in named.items():
        output = twin
        if path not in kept:
            output = twin.with_suffix(suffix_for(path))
            if output in taken:
                output = twin.with_name(twin.name + suffix_for(path))
            taken.add(output)
        yield Job(path, output, in_folder=True, makes_folder=True)


def _refuse_collisions(jobs: Iterable[Job]) -> None:
    sources: dict[Path, Path] = {}
    for job in jobs:
        other = sources.setdefault(job.output.resolve(), job.source)
        if other is not job.source:
            raise UsageError(
                f"{other} and {job.source} would both be written to {job.output}",
                "anonymize them one by one, or rename one",
            )
