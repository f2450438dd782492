"""Several files at a time: order, crashes, signals, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from numpy.typing import NDArray
from PIL import Image

from streamguard.cli import pool, run
from streamguard.cli.messages import JobOver, PoolFailed
from streamguard.cli.pool import outcomes_of
from streamguard.cli.pool_process import _portable
from streamguard.cli.work import Outcome, Recipe
from streamguard.errors import SystemNotReadyError
from streamguard.handoff.messages import Stop
from streamguard.jobs.job import Job
from streamguard.media.target import Target
from streamguard.settings import Settings

SAMPLE = ROOT / "samples" / "astronaut.mp4"
JOBS = [Job(Path(name), Path("out", name)) for name in ("slow", "crash", "quick", "last")]


def play(link: Connection, _recipe: Recipe, _level: int) -> None:
    """Stand in for a process of the pool; what it does is decided by the file's name."""
    while True:
        order = link.recv()
        if order == Stop():
            return
        job = order.job
        if job.source.name == "crash":
            Target(job.output, job.source, overwrite=False)
            os.kill(os.getpid(), signal.SIGSEGV)
        if job.source.name == "unready":
            link.send(PoolFailed(SystemNotReadyError("a library is missing")))
        time.sleep(0.5 if job.source.name == "slow" else 0)
        link.send(JobOver(Outcome(job)))


@pytest.fixture
def _players(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "serve", play)


@pytest.mark.usefixtures("_players")
def test_outcomes_keep_their_order_and_a_crash_costs_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    found = list(outcomes_of(JOBS, Recipe(Settings()), 2, threading.Event()))
    assert [outcome.job for outcome in found] == JOBS
    assert [outcome.status for outcome in found] == ["skipped", "failed", "skipped", "skipped"]
    assert not list((tmp_path / "out").iterdir())
    assert "worked on crash ended with code -11" in str(found[1].error)


@pytest.mark.usefixtures("_players")
def test_what_this_machine_lacks_ends_the_run() -> None:
    jobs = [JOBS[0], Job(Path("unready"), Path("o")), JOBS[3]]
    with pytest.raises(SystemNotReadyError):
        list(outcomes_of(jobs, Recipe(Settings()), 2, threading.Event()))


def test_an_error_that_cannot_be_sent_is_put_into_words() -> None:
    class OddError(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    error = _portable(Outcome(JOBS[0], error=OddError(1, 2))).error
    assert str(error) == "unexpected OddError: 1 and 2"


def test_photos_at_the_same_time_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], astronaut: NDArray[np.uint8]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "c.png"):
        Image.fromarray(astronaut).save(tmp_path / "in" / name)
    (tmp_path / "in" / "b.png").write_bytes(b"no photo")
    args = ["anonymize", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--jobs", "2"]
    assert run([*args, "--json"]) == 1
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["status"] for line in lines] == ["done", "failed", "done"]
    assert [Path(line["input"]).name for line in lines] == ["a.png", "b.png", "c.png"]
    assert lines[0]["tracks"] == 1
    assert "b.png" in said.err
    assert run([*args, "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["status"] for line in lines] == ["skipped", "failed", "skipped"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_stop_every_process_and_leave_no_half_file(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "streamguard", "anonymize", "in", "-o", "out"]
    # Slow encoding, so that the signal arrives in the middle of the run.
    command += ["--jobs", "2", "--codec", "av1", "--preset", "2", "--keep-analysis"]
    (tmp_path / "in").mkdir()
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (tmp_path / "in" / name).symlink_to(SAMPLE)
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "out").glob(".*.part.mp4"))) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    if number is signal.SIGKILL:
        assert process.returncode == -number
        deadline = time.monotonic() + 20
        while list(tmp_path.glob("*/.*.part*")):
            # The processes notice by themselves that nobody waits for them.
            assert time.monotonic() < deadline
            time.sleep(0.05)
    else:
        assert process.returncode == 130
        assert err.strip().endswith("nothing half done was left behind")
    assert not list(tmp_path.glob("*/.*.part*"))
