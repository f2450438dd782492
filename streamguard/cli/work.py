"""One job of ``streamguard anonymize``: make it, verify it, say what became of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import streamguard
from streamguard.api import versions
from streamguard.errors import CancelledError, SystemNotReadyError
from streamguard.jobs.history import History, Standing
from streamguard.jobs.job import Job
from streamguard.progress import Progress
from streamguard.report import Report
from streamguard.settings import Settings

Show = Callable[[Progress], None] | None
Shown = Callable[[str], AbstractContextManager[Show]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input: a report, an error, or neither when it was done before."""

    job: Job
    report: Report | None = None
    error: Exception | None = None

    @property
    def status(self) -> str:
        """``done``, ``failed`` or ``skipped``."""
        if self.error is not None:
            return "failed"
        return "done" if self.report is not None else "skipped"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every job is done.

    Attributes:
        settings: How outputs are made.
        verify: Whether to look afterwards if a face is left.
    """

    settings: Settings
    verify: bool = False


class Worker:
    """Does one job after the other.

    Args:
        recipe: How every job is done.
        stop: Set it from anywhere to stop the job that is being done.
    """

    def __init__(self, recipe: Recipe, stop: threading.Event) -> None:
        self._settings = recipe.settings
        self._verify = recipe.verify
        self._stop = stop
        self._history = History(recipe.settings, versions)

    def do(self, job: Job, name: str, shown: Shown) -> Outcome:
        """Do one job; only what would stop every other job as well is raised.

        Args:
            job: The job.
            name: What the file is called on the screen.
            shown: Shows the progress under a name for as long as its block runs.

        Raises:
            CancelledError: The run was stopped.
            SystemNotReadyError: This machine lacks something.
        """
        try:
            standing = self._history.standing(job, self._stop)
            if standing is Standing.DONE:
                return Outcome(job)
            report = self._make(job, name, shown, standing is Standing.AGAIN)
            if self._verify:
                with shown(f"{name} (verifying)") as show:
                    found = streamguard.verify(
                        job.output,
                        job.source,
                        show,
                        cancelled=self._stop,
                        limits=self._settings.input,
                    )
                report = replace(report, verification=found)
        except (CancelledError, SystemNotReadyError):
            raise
        except Exception as error:
            if self._stop.is_set():
                raise CancelledError("stopped on request", "Nothing was written") from error
            return Outcome(job, error=error)
        return Outcome(job, report)

    def _make(self, job: Job, name: str, shown: Shown, again: bool) -> Report:
        settings = replace(self._settings, overwrite=True) if again else self._settings
        job.make_room()
        with self._history.written_down(job) as finish, shown(name) as show:
            report = streamguard.anonymize(
                job.source, job.output, settings, show, cancelled=self._stop
            )
            finish(report)
        return report
