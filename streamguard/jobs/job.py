"""From what the user named to a list of jobs: one input file, one output file each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from streamguard.errors import (
    SinkError,
    SinkPermissionError,
    UsageError,
)
from streamguard.jobs.ledger import Ledger
from streamguard.jobs.naming import IN_FOLDER, NameRequest, alike, assign
from streamguard.jobs.selection import USUAL, InputKind, LeftOut, Rules, media_below


@dataclass(frozen=True, slots=True)
class Job:
    """One input and where its result goes.

    Attributes:
        source: The file to read.
        output: The file to write.
        folder: The input folder it was found in, or None if it was named by itself and
            nothing is written down.
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
            root = _folder_output(source, output, several, rules.kind)
            files, others = media_below(source, root, rules)
            jobs += _folder_jobs(source, root, files, rules)
            left_out += others
        elif output is not None and not into_folder:
            if rules.name is not None:
                raise UsageError(
                    f"the output {output} has its name already", "Use --name without --output"
                )
            jobs.append(_file_job(source, output, rules))
        else:
            result = _file_output(source, output, several, rules)
            makes_folder = several and output is not None
            jobs.append(replace(_file_job(source, result, rules), makes_folder=makes_folder))
    _refuse_collisions(jobs)
    return Plan(tuple(jobs), tuple(left_out), batch=several or inputs[0].is_dir())


def _file_job(source: Path, output: Path, rules: Rules) -> Job:
    if not rules.kind.remembers_files:
        return Job(source, output)
    return Job(source, output, source.parent, output.parent)


def _file_output(source: Path, output: Path | None, several: bool, rules: Rules) -> Path:
    folder, kind = source.parent if output is None else output, rules.kind
    template = rules.name or (kind.beside if output is None else IN_FOLDER)
    suffix, name = rules.suffix(source), kind.named(PurePosixPath(source.name))
    # A single photo beside its input has a short name; nothing else can want it in that run.
    if not several and output is None and not kind.adds_suffix:
        name = PurePosixPath(f"{name.stem}{suffix}")
    return folder / NameRequest(name, suffix, template).name()


def _folder_output(source: Path, output: Path | None, nested: bool, kind: InputKind) -> Path:
    # The name of "." or ".." is only known once resolved.
    name = source.name if source.name not in ("", "..") else source.resolve().name
    if output is None:
        beside = source.resolve() if source.name in ("", "..") else source
        return beside.with_name(kind.folder.format(name=name))
    if output.exists() and not output.is_dir():
        raise UsageError(f"{output} is a file", "A folder as input needs a folder as output")
    root = output / name if nested else output
    if root.resolve() == source.resolve() and not kind.stays_in_folder:
        raise UsageError(f"the output folder {root} is the input folder", "Choose another")
    return root


def _folder_jobs(folder: Path, root: Path, files: Sequence[Path], rules: Rules) -> Iterator[Job]:
    template = rules.name or IN_FOLDER
    requests = []
    for path in files:
        name = PurePosixPath(path.relative_to(folder).as_posix())
        requests.append(NameRequest(name, rules.suffix(path), template, rules.kind.named(name)))
    for path, name in zip(files, assign(requests, Ledger(root).owners()), strict=True):
        yield Job(path, root / name, folder, root, makes_folder=True)


def _refuse_collisions(jobs: Iterable[Job]) -> None:
    sources: dict[str, Path] = {}
    for job in jobs:
        other = sources.setdefault(alike(job.output.resolve()), job.source)
        if other is not job.source:
            raise UsageError(
                f"{other} and {job.source} would both be written to {job.output}",
                "Do them one by one, or rename one",
            )
