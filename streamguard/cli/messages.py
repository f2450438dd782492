"""Messages of ``anonymize --jobs`` that only the command line knows; see `handoff.messages`."""

from __future__ import annotations

from dataclasses import dataclass

from streamguard.cli.work import Outcome
from streamguard.handoff.messages import BarClosed, BarOpened, LogLine, Stop
from streamguard.jobs.job import Job
from streamguard.progress import Progress


@dataclass(frozen=True, slots=True)
class DoJob:
    """Order: do this job.

    Attributes:
        job: The job.
        name: What the file is called on the screen.
    """

    job: Job
    name: str


@dataclass(frozen=True, slots=True)
class JobOver:
    """What became of the job."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PoolFailed:
    """What stops every other job as well."""

    error: Exception


Order = DoJob | Stop
Message = BarOpened | Progress | BarClosed | LogLine | JobOver | PoolFailed
