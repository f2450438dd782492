"""Signals in every phase, pipes that close, and the permissions of what is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

SAMPLE = ROOT / "samples" / "astronaut.mp4"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMAND = [sys.executable, "-m", "streamguard"]
LIMIT = 1.0

# Each puts a part that hangs, as native code may, into the phase that it is named after.
HANGS = {
    "opening": "import streamguard.sources as m; m._open = hang",
    "hashing": "import streamguard.api as m; m.record_file = slowly",
    "reading": "from streamguard.sources import FileSource as m; m.read = hang",
    "encoding": "from streamguard.sinks import FileSink as m; m._encode = hang",
    "closing": "from streamguard.sinks import FileSink as m; m._finish = hang",
    "letting go": (
        "from streamguard.sources import FileSource as m; m.read = hang; m.close = hang\n"
        "from streamguard.sinks import FileSink as m; m._let_go = hang"
    ),
}
CHILD = """
import sys, time
def hang(*_):
    print("there", flush=True)
    time.sleep(60)
def slowly(path, stop):
    print("there", flush=True)
    while not stop.is_set():
        time.sleep(0.01)
    from streamguard.errors import CancelledError
    raise CancelledError("the run was cancelled")
{}
from streamguard.cli import main
main()
"""


@pytest.mark.parametrize("phase", HANGS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_phase_within_a_second(
    tmp_path: Path, phase: str, number: signal.Signals
) -> None:
    code = CHILD.replace("{}", HANGS[phase])
    child = subprocess.Popen(
        [sys.executable, "-c", code, "anonymize", SAMPLE, "-o", "out.mp4", "-q"],
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "there\n"
    child.send_signal(number)
    began = time.monotonic()
    _, err = child.communicate(timeout=20)
    took = time.monotonic() - began
    assert child.returncode == 130, err
    assert err == "streamguard: stopped: interrupted; nothing half done was left behind\n"
    assert not list(tmp_path.iterdir())
    # Other tests may take the processor away for a while.
    assert took < 3 * LIMIT, phase


@pytest.mark.parametrize("command", [["probe"], ["verify"]])
def test_a_signal_ends_opening_in_other_commands(tmp_path: Path, command: list[str]) -> None:
    code = CHILD.replace("{}", HANGS["opening"])
    child = subprocess.Popen(
        [sys.executable, "-c", code, *command, SAMPLE],
        cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "there\n"
    child.send_signal(signal.SIGTERM)
    assert child.wait(3 * LIMIT) == 130
    child.communicate()


def run(*args: str | Path, cwd: Path, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, args)],
        cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False, umask=umask,
    )  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path, astronaut: object) -> Path:
    """A folder with three photos that nobody else may read."""
    from PIL import Image

    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abc":
        path = folder / f"{name}.png"
        Image.fromarray(astronaut).resize((128, 128)).save(path)  # type: ignore[arg-type]
        path.chmod(0o600)
    return folder


@pytest.mark.parametrize(
    ("mode", "umask", "expected"),
    [(0o600, 0o022, 0o600), (0o664, 0o022, 0o644), (0o644, 0o077, 0o600), (0o440, 0o022, 0o440)],
)
def test_the_output_gets_the_mode_of_the_input(
    photos: Path, mode: int, umask: int, expected: int
) -> None:
    (photos / "a.png").chmod(mode)
    done = run("anonymize", "a.png", "-o", "out.png", cwd=photos, umask=umask)
    assert done.returncode == 0, done.stderr
    assert (photos / "out.png").stat().st_mode & 0o7777 == expected


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both", "both, from the start"])
def test_a_pipe_that_closes_loses_no_file(photos: Path, closed: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    for name in streams:
        if closed.startswith(("both", name)):
            streams[name] = writer

    command = [*COMMAND, "anonymize", photos, "-o", photos.parent / "out", "--verify"]
    if "start" in closed:
        command = ["sh", "-c", '"$@" >&- 2>&-', "sh", *command]
    child = subprocess.Popen(command, env=ENVIRONMENT, text=True, **streams)  # type: ignore[call-overload]
    os.close(writer)
    out, err = child.communicate(timeout=100)
    assert child.returncode == 0, (out, err)
    names = sorted(path.name for path in (photos.parent / "out").iterdir())
    assert [name for name in names if not name.startswith(".")] == ["a.png", "b.png", "c.png"]
    assert not any(name.endswith(".part.png") for name in names)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_standard_output_is_an_error_in_one_line(photos: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "probe", photos / "a.png"],
            env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("streamguard: error: standard output cannot be written")
    assert done.stderr.count("\n") == 1
