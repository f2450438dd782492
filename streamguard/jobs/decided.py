"""Analyses that earlier runs made, and that persons may have edited since."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from streamguard.analysis.reader import open_analysis
from streamguard.analysis.stored_settings import restored
from streamguard.edits.journal import edits_of
from streamguard.errors import AnalysisError, EditError, OutputExistsError
from streamguard.jobs.job import Job
from streamguard.jobs.ledger import fingerprint
from streamguard.report import record_file
from streamguard.settings import Settings


def is_edited_since(
    job: Job,
    settings: Settings,
    versions: Callable[[], dict[str, str]],
    cancelled: threading.Event,
) -> bool:
    """Whether a job's output is what it would make again, with edits of a person on top.

    Args:
        job: The job of an analysis.
        settings: How it would be made again.
        versions: Version of each library by name.
        cancelled: When set, the hash of the input is given up.

    Raises:
        SourceError: The input cannot be read.
        CancelledError: ``cancelled`` was set.
    """
    try:
        with closing(open_analysis(job.output)) as analysis:
            header, edits = analysis.header, edits_of(analysis)[0]
            before = fingerprint(restored(Settings, header.settings), header.versions)
    except (AnalysisError, EditError):
        return False
    if not edits or not header.files or before != fingerprint(settings, versions()):
        return False
    return header.files[0].sha256 == record_file(job.source, cancelled).sha256


def refuse_edited(path: Path) -> None:
    """Refuse to replace an analysis that a person has edited.

    Raises:
        OutputExistsError: It has edits.
        AnalysisError: It is no analysis at all, or damaged.
    """
    with closing(open_analysis(path)) as analysis:
        if edits_of(analysis)[0]:
            raise OutputExistsError(
                f"{path} holds edits, and would be made again", "Replace it with --overwrite"
            )
