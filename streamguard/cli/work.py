"""One job of a command: make it, verify it, say what became of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import streamguard
from streamguard.errors import (
    CancelledError,
    OutputExistsError,
    StreamguardError,
    SystemNotReadyError,
)
from streamguard.jobs.decided import is_edited_since, refuse_edited
from streamguard.jobs.history import History, JobState
from streamguard.jobs.job import Job
from streamguard.progress import Progress
from streamguard.report import Report
from streamguard.runs.analysis_input import content_of, input_of
from streamguard.runs.keeping import analysis_beside
from streamguard.settings import Settings
from streamguard.spans import Verification
from streamguard.versions import versions

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


class Task(StrEnum):
    """What is done with every input."""

    ANONYMIZE = "anonymize"
    ANALYZE = "analyze"
    RENDER = "render"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How every job is done.

    Attributes:
        settings: How outputs are made.
        verify: Whether to look afterwards if a face is left.
        task: What is done.
        keeps_analysis: Whether an analysis is kept beside each input.
        original: The input of an analysis, or the folder that holds the inputs of all; None
            where they lie beside their analyses.
        boxes: File of boxes that decide in the place of detectors, or None.
        pictures: Whether reports of renders hold pictures of covered frames.
    """

    settings: Settings
    verify: bool = False
    task: Task = Task.ANONYMIZE
    keeps_analysis: bool = False
    original: Path | None = None
    boxes: Path | None = None
    pictures: bool = False

    def original_of(self, job: Job) -> Path | None:
        """Return the input of an analysis, or the folder that holds it; None beside it."""
        if self.original is None or job.folder is None or not self.original.is_dir():
            return self.original
        return self.original / job.source.parent.relative_to(job.folder)

    def files_of(self, job: Job) -> tuple[Path, ...]:
        """Return every file that a job reads or writes by a name, as far as can be told."""
        files = [job.source, job.output]
        if self.boxes is not None:
            files.append(self.boxes)
        if self.keeps_analysis:
            files.append(analysis_beside(job.source))
        if self.task is Task.RENDER:
            # What is wrong with an analysis is told when it is rendered.
            with suppress(StreamguardError):
                files.append(input_of(job.source, self.original_of(job)))
        return tuple(files)

    def written_by(self, job: Job) -> tuple[Path, ...]:
        """Return every file that a job makes."""
        kept = (analysis_beside(job.source),) if self.keeps_analysis else ()
        return job.output, *kept

    def history(self) -> History:
        """Return what knows which jobs were done before."""
        if self.task is not Task.RENDER:
            return History(self.settings, versions)

        def content(job: Job, cancelled: threading.Event) -> str:
            source = self.original_of(job)
            return content_of(job.source, self.settings.input, source, cancelled=cancelled)

        return History(self.settings, versions, content)


class JobRunner:
    """Does one job after the other.

    Args:
        recipe: How every job is done.
        stop: Set it from anywhere to stop the job that is being done.
    """

    def __init__(self, recipe: Recipe, stop: threading.Event) -> None:
        self._recipe = recipe
        self._stop = stop
        self._history = recipe.history()

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
            state = self._state_of(job)
            if state is JobState.DONE:
                return Outcome(job)
            report = self._make(job, name, shown, state is JobState.AGAIN)
            if self._recipe.verify:
                with shown(f"{name} (verifying)") as show:
                    report = replace(report, verification=self._verified(job, show))
        except (CancelledError, SystemNotReadyError):
            raise
        except Exception as error:
            if self._stop.is_set():
                raise CancelledError("stopped on request", "Nothing was written") from error
            return Outcome(job, error=error)
        return Outcome(job, report)

    def _state_of(self, job: Job) -> JobState:
        recipe = self._recipe
        try:
            state = self._history.state_of(job, self._stop)
        except OutputExistsError:
            if recipe.task is Task.ANALYZE and is_edited_since(
                job, recipe.settings, versions, self._stop
            ):
                return JobState.DONE
            raise
        kept = analysis_beside(job.source)
        if not recipe.keeps_analysis or state is JobState.NEW:
            return state
        if not os.path.lexists(kept):
            return JobState.AGAIN
        if state is JobState.AGAIN:
            refuse_edited(kept)
        return state

    def _make(self, job: Job, name: str, shown: Shown, again: bool) -> Report:
        settings = self._recipe.settings
        if again:
            settings = replace(settings, overwrite=True)
        job.make_room()
        with self._history.written_down(job) as finish, shown(name) as show:
            report = self._run(job, settings, show)
            decision = report.decision
            finish(decision.content if decision else report.input.sha256, report.output)
        return report

    def _verified(self, job: Job, show: Show) -> Verification:
        recipe, limits = self._recipe, self._recipe.settings.input
        if recipe.task is not Task.RENDER:
            return streamguard.verify(
                job.output, job.source, show, cancelled=self._stop, limits=limits
            )
        original = input_of(job.source, recipe.original_of(job))
        return streamguard.verify(
            job.output, original, show, analysis=job.source, cancelled=self._stop, limits=limits
        )

    def _run(self, job: Job, settings: Settings, show: Show) -> Report:
        recipe, source, stop = self._recipe, job.source, self._stop
        match recipe.task:
            case Task.ANALYZE:
                return streamguard.analyze(
                    source, job.output, settings, show, cancelled=stop, boxes=recipe.boxes
                )
            case Task.RENDER:
                return streamguard.render(
                    source,
                    job.output,
                    settings,
                    show,
                    cancelled=stop,
                    source=recipe.original_of(job),
                    pictures=recipe.pictures,
                )
        return streamguard.anonymize(
            source,
            job.output,
            settings,
            show,
            cancelled=stop,
            keep_analysis=analysis_beside(source) if recipe.keeps_analysis else None,
        )
