"""What counts as done before: the same input, the same work, an output that is still there."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from streamguard.analysis.records import FileRecord
from streamguard.cli import run
from streamguard.errors import OutputExistsError, SinkError
from streamguard.jobs.history import History, JobState
from streamguard.jobs.job import Job, plan
from streamguard.jobs.ledger import NAME
from streamguard.jobs.selection import Rules
from streamguard.settings import Effect, InputSettings, RedactionSettings, Settings

VERSIONS = {"streamguard": "1", "av": "18", "python": "3.11.2"}


def state(job: Job, settings: Settings = Settings(), **versions: str) -> JobState:  # noqa: B008
    """Ask as a new run would, which knows no more than what is written down."""
    history = History(settings, lambda: VERSIONS | versions)
    return history.state_of(job, threading.Event())


def make(job: Job, content: bytes = b"covered") -> None:
    """Do a job as a run would, without looking at pictures."""
    history = History(Settings(), lambda: VERSIONS)
    job.make_room()
    with history.written_down(job) as finish:
        job.output.write_bytes(content)
        records = [
            FileRecord(
                path.name, path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
            )
            for path in (job.source, job.output)
        ]
        finish(records[0].sha256, records[1])


def jobs(folder: Path) -> dict[str, Job]:
    rules = Rules(suffix_for=lambda path: ".jpg" if path.suffix == ".heic" else path.suffix)
    found = plan([folder], folder.parent / "out", rules).jobs
    return {job.source.name: job for job in found}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"one")
    return tmp_path / "in"


@pytest.fixture
def job(folder: Path) -> Job:
    """A job that an earlier run has done."""
    make(jobs(folder)["a.jpg"])
    return jobs(folder)["a.jpg"]


def test_the_same_work_is_done_once(job: Job) -> None:
    assert state(job) is JobState.DONE
    assert state(job, python="3.12") is JobState.DONE
    assert state(job, Settings(stall_timeout=9, input=InputSettings(max_pixels=9))) is (
        JobState.DONE
    )
    os.utime(job.output)
    assert state(job) is JobState.DONE


@pytest.mark.parametrize(
    "settings",
    [
        Settings(redaction=RedactionSettings(effect=Effect.SOLID)),
        Settings(input=InputSettings(start=1)),
        Settings(keep_metadata=True),
    ],
)
def test_other_settings_or_versions_are_other_work(job: Job, settings: Settings) -> None:
    assert state(job, settings) is JobState.AGAIN
    assert state(job, av="19") is JobState.AGAIN


def test_another_input_of_the_same_name_is_done_again(job: Job) -> None:
    before = job.source.stat()
    job.source.write_bytes(b"two")
    os.utime(job.source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert state(job) is JobState.AGAIN


def test_another_input_of_another_suffix_is_new(folder: Path) -> None:
    (folder / "b.heic").write_bytes(b"x")
    make(jobs(folder)["b.heic"])
    (folder / "b.jpg").write_bytes(b"y")
    later = jobs(folder)
    assert state(later["b.jpg"]) is JobState.NEW
    assert state(later["b.heic"]) is JobState.DONE
    assert later["b.jpg"].output.name == "b.jpg"


def test_an_input_of_another_folder_never_replaces_an_output(job: Job, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.jpg").write_bytes(b"somebody else")
    (other,) = jobs(tmp_path / "other").values()
    assert other.output == job.output
    with pytest.raises(OutputExistsError, match="--overwrite"):
        state(other)
    assert state(other, Settings(overwrite=True)) is JobState.NEW


def test_a_folder_that_moved_is_still_done(job: Job, folder: Path, tmp_path: Path) -> None:
    folder.rename(tmp_path / "moved")
    (moved,) = jobs(tmp_path / "moved").values()
    assert state(moved) is JobState.DONE


def test_an_output_that_is_gone_is_made_anew(job: Job) -> None:
    job.output.unlink()
    assert state(job) is JobState.NEW


@pytest.mark.parametrize(
    "harm",
    [
        lambda job: job.output.write_bytes(b"edited"),
        lambda job: (job.root / NAME).unlink(),
        lambda job: (job.root / NAME).write_bytes(os.urandom(5000)),
        lambda job: (job.root / NAME).write_text("[1]\n{}\nnull\n" * 9),
        lambda job: (job.root / NAME).write_text('{"streamguard":2,"state":"done"}\n'),
        lambda job: (job.root / NAME).write_bytes((job.root / NAME).read_bytes()[:-60]),
    ],
)
def test_a_file_that_is_not_known_as_ours_is_neither_done_nor_replaced(
    job: Job, harm: Callable[[Job], object]
) -> None:
    (job.root / NAME).write_text((job.root / NAME).read_text().splitlines()[-1] + "\n")  # type: ignore[operator]
    assert state(job) is JobState.DONE
    harm(job)
    with pytest.raises(OutputExistsError, match="--overwrite"):
        state(job)


def test_a_line_cut_short_by_a_crash_costs_that_line_only(job: Job, folder: Path) -> None:
    ledger = folder.parent / "out" / NAME
    with ledger.open("ab") as file:
        file.write(b'{"streamguard":1,"state":"do')
    (folder / "b.jpg").write_bytes(b"two")
    make(jobs(folder)["b.jpg"])
    assert [state(job) for job in jobs(folder).values()] == [JobState.DONE] * 2


def test_a_run_that_was_killed_goes_on(folder: Path) -> None:
    job = jobs(folder)["a.jpg"]
    job.make_room()
    history = History(Settings(), lambda: VERSIONS)

    def killed() -> None:
        # The process ends between giving the output its name and writing that down.
        with history.written_down(job):
            job.output.write_bytes(b"covered")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert state(job) is JobState.AGAIN


def test_a_job_that_failed_takes_no_name(folder: Path) -> None:
    job = jobs(folder)["a.jpg"]
    job.make_room()
    history = History(Settings(), lambda: VERSIONS)
    with pytest.raises(ValueError, match="oh"), history.written_down(job):
        raise ValueError("oh")
    job.output.write_bytes(b"of the user")
    with pytest.raises(OutputExistsError):
        state(job)


def test_a_failed_second_run_leaves_the_first_result_ours(job: Job) -> None:
    history = History(Settings(), lambda: VERSIONS)
    with pytest.raises(ValueError, match="oh"), history.written_down(job):
        raise ValueError("oh")
    assert state(job) is JobState.DONE


def test_the_ledger_names_no_folder_outside(job: Job, tmp_path: Path) -> None:
    text = (tmp_path / "out" / NAME).read_text()
    assert str(tmp_path) not in text
    assert tmp_path.name not in text
    assert {json.loads(line)["output"] for line in text.splitlines()} == {"a.jpg"}


def test_a_ledger_that_cannot_be_written_stops_the_job(folder: Path) -> None:
    job = jobs(folder)["a.jpg"]
    job.make_room()
    (folder.parent / "out" / NAME).mkdir()
    history = History(Settings(), lambda: VERSIONS)
    with pytest.raises(SinkError, match="cannot be written"), history.written_down(job):
        pytest.fail("the job was begun")


def test_a_name_in_any_bytes_is_written_down(folder: Path) -> None:
    (folder / os.fsdecode(b"lat\xe9.jpg")).write_bytes(b"x")
    job = jobs(folder)[os.fsdecode(b"lat\xe9.jpg")]
    make(job)
    assert state(job) is JobState.DONE
    assert state(replace(job, root=None)) is JobState.NEW


def test_folder_runs_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], astronaut: NDArray[np.uint8]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    photo, other = Image.fromarray(astronaut), Image.fromarray(astronaut[:, ::-1])
    photo.save(folder / "IMG_1.jpe")
    args = ["anonymize", str(folder), "-o", str(tmp_path / "out")]
    assert run(args) == 0
    (first,) = (tmp_path / "out").glob("IMG_1*")
    assert first.name != "IMG_1.jpg"
    stamp = first.stat().st_mtime_ns
    other.save(folder / "IMG_1.jpg")
    capsys.readouterr()
    assert run(args) == 0
    assert "1 done, 1 skipped, 0 failed" in capsys.readouterr().err
    second = tmp_path / "out" / "IMG_1.jpg"
    assert first.stat().st_mtime_ns == stamp
    assert second.read_bytes() != first.read_bytes()
    other.save(folder / "IMG_1.jpe")
    assert run([*args, "--effect", "solid"]) == 0
    assert "2 done, 0 skipped, 0 failed" in capsys.readouterr().err
    assert first.stat().st_mtime_ns != stamp
    assert run([*args, "--effect", "solid"]) == 0
    assert "0 done, 2 skipped, 0 failed" in capsys.readouterr().err
