"""What earlier runs did to the jobs of this one: done, to be done again, or not ours to touch."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from streamguard.analysis.records import FileRecord
from streamguard.errors import OutputExistsError, SinkError
from streamguard.jobs.job import Job
from streamguard.jobs.ledger import Ledger, Origin, fingerprint, hash_of_folder
from streamguard.report import record_file
from streamguard.settings import Settings


class JobState(StrEnum):
    """What is to be done about a job."""

    NEW = "new"
    DONE = "done before"
    AGAIN = "changed since it was done"


def content_of_file(job: Job, cancelled: threading.Event) -> str:
    """Return the SHA-256 of a job's input.

    Raises:
        SourceError: It cannot be read.
        CancelledError: ``cancelled`` was set.
    """
    return record_file(job.source, cancelled).sha256


class History:
    """Knows what is written down beside outputs.

    Args:
        settings: How this run makes outputs.
        versions: Version of each library by name, since they too decide what comes out.
        content: Returns a hash of what an output is made from; empty if it has none.
    """

    def __init__(
        self,
        settings: Settings,
        versions: Callable[[], dict[str, str]],
        content: Callable[[Job, threading.Event], str] = content_of_file,
    ) -> None:
        self._settings = settings
        self._versions = versions
        self._content = content
        self._work = ""
        self._ledgers: dict[Path, Ledger] = {}

    def state_of(self, job: Job, cancelled: threading.Event) -> JobState:
        """Return what is to be done about a job.

        Args:
            job: The job; one of which nothing is written down is always new.
            cancelled: When set, the hash of the input is given up.

        Raises:
            OutputExistsError: The output's name is taken by a file that no run wrote down for
                this input.
            StreamguardError: The input cannot be read, or does not fit.
            CancelledError: ``cancelled`` was set.
        """
        if job.root is None or self._settings.overwrite or not os.path.lexists(job.output):
            return JobState.NEW
        ledger = self._ledger(job.root)
        origin = self._origin(job, self._content(job, cancelled))
        if origin.sha256 and ledger.is_done(job.output, origin):
            return JobState.DONE
        if ledger.is_ours(job.output, origin):
            return JobState.AGAIN
        raise OutputExistsError(
            f"{job.output} exists, and is not known as the result of {job.source}",
            "Move it away, or replace it with --overwrite",
        )

    @contextmanager
    def written_down(self, job: Job) -> Iterator[Callable[[str, FileRecord], None]]:
        """Write down that a job is begun, and give what writes down that it is finished.

        That takes the hash of what was read, and what was written.

        Raises:
            SinkError: It cannot be written down.
        """
        if job.root is None:
            yield lambda _content, _output: None
            return
        ledger = self._ledger(job.root)
        begun = self._origin(job, "")

        def finish(content: str, output: FileRecord) -> None:
            ledger.finish(job.output, replace(begun, sha256=content), output.sha256)

        ledger.begin(job.output, begun)
        try:
            yield finish
        except Exception:
            # If this cannot be written either, the name stays ours, which harms nobody.
            with suppress(SinkError):
                ledger.give_up(job.output, begun)
            raise

    def _origin(self, job: Job, sha256: str) -> Origin:
        if not self._work:
            self._work = fingerprint(self._settings, self._versions())
        folder = job.folder or Path()
        name = job.source.relative_to(folder).as_posix()
        return Origin(name, hash_of_folder(folder), sha256, self._work)

    def _ledger(self, root: Path) -> Ledger:
        if root not in self._ledgers:
            self._ledgers[root] = Ledger(root)
        return self._ledgers[root]
