"""``render --account``: a page for people about each render."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path

from streamguard.cli.files import text_file
from streamguard.cli.work import Outcome
from streamguard.errors import OutputExistsError, SinkError, UsageError
from streamguard.jobs.job import Job, Plan

SUFFIX = ".account.html"
"""What is added to an output's name where there are several."""


def account_writer(
    path: Path, plan: Plan, overwrite: bool, taken: Collection[Path]
) -> Callable[[Outcome], None]:
    """Return what writes the account of an outcome; it is refused here what can be.

    Args:
        path: The page, or for several analyses a folder for a page of each.
        plan: What is rendered.
        overwrite: Whether pages may be replaced.
        taken: What no page may replace, as `Path.resolve` gives it.

    Raises:
        UsageError: A page would replace something that is taken.
        OutputExistsError: A page exists, and may not be replaced.
    """
    pages = {job.output: _page(path, job, plan.batch) for job in plan.jobs}
    for page in pages.values():
        if page.resolve() in taken:
            raise UsageError(f"the account {page} is also an input or an output", "Choose another")
        if os.path.lexists(page) and not overwrite:
            raise OutputExistsError(f"{page} exists", "Choose another name, or use --overwrite")

    def write(outcome: Outcome) -> None:
        from streamguard.account.page import account_page

        if outcome.report is None:
            return
        page = pages[outcome.job.output]
        _make_room(page.parent)
        with text_file(page, [outcome.job.output, outcome.job.source], overwrite) as file:
            file.write(account_page(outcome.report))

    return write


def _page(path: Path, job: Job, is_batch: bool) -> Path:
    if not is_batch:
        return path
    name = job.output.relative_to(job.root) if job.root is not None else Path(job.output.name)
    return path / name.with_name(f"{name.name}{SUFFIX}")


def _make_room(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"folder {folder} cannot be made: {error.strerror}") from error
