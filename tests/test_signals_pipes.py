"""Signals in every phase, pipes that close, and the permissions of what is written."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest
from conftest import ROOT

SAMPLE = ROOT / "samples" / "astronaut.mp4"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMAND = [sys.executable, "-m", "streamguard"]
LIMIT = 1.0

# Each puts a part that hangs, as native code may, into the phase that it is named after.
HANGS = {
    "planning": "import streamguard.jobs.job as m; m.plan = hang",
    "opening": "import streamguard.sources.registry as m; m._open = hang",
    "hashing": "import streamguard.runs.run as m; m.record_file = slowly",
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


def end(phase: str, gaps: tuple[float, ...], folder: Path) -> tuple[int, str, float]:
    """Send SIGTERM at once and after each gap; return the exit code, the words, the seconds."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD.replace("{}", phase), "anonymize", SAMPLE, "-o", "out.mp4"],
        cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "there\n"
    began = time.monotonic()
    for gap in (0.0, *gaps):
        time.sleep(gap)
        child.send_signal(signal.SIGTERM)
    _, err = child.communicate(timeout=20)
    return child.returncode, err, time.monotonic() - began


@pytest.mark.parametrize("phase", ["encoding", "letting go"])
def test_impatient_signals_do_not_cut_short_the_clearing_away(tmp_path: Path, phase: str) -> None:
    code, err, took = end(HANGS[phase], (0.05,) * 6, tmp_path)
    assert (code, err) == (
        130,
        "streamguard: stopped: interrupted; nothing half done was left behind\n",
    )
    assert not list(tmp_path.iterdir())
    assert took < 3 * LIMIT


LOADS = """
import streamguard.judges.anonymizer as m
def hang(*_):
    print("there", flush=True)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        raise ImportError("initialization failed") from None
m.default_detectors = hang
"""


def test_a_signal_that_insists_ends_what_does_not_ask_for_signals(tmp_path: Path) -> None:
    code, err, took = end(LOADS, (0.3, 1.0), tmp_path)
    assert (code, err) == (
        130,
        "streamguard: stopped: interrupted; nothing half done was left behind\n",
    )
    assert not list(tmp_path.iterdir())
    assert took < 1.3 + 3 * LIMIT


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


def piped(data: bytes, *args: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "anonymize", *args],
        cwd=cwd, env=ENVIRONMENT | {"TMPDIR": str(cwd)}, input=data, capture_output=True,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("args", "name"), [([], "matroska,webm"), (["--format", "mp4"], "mov,mp4,m4a,3gp,3g2,mj2")]
)
def test_a_video_through_standard_input_and_output(
    face_clip: Path, tmp_path: Path, args: list[str], name: str
) -> None:
    done = piped(face_clip.read_bytes(), "-", "-o", "-", *args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"standard output: 1 face covered" in done.stderr
    with av.open(io.BytesIO(done.stdout), "r") as container:
        assert container.format.name == name
        assert len(list(container.decode(video=0))) == 50
    assert not list(tmp_path.iterdir())


def test_a_photo_through_standard_output_keeps_its_format(photos: Path) -> None:
    done = piped((photos / "a.png").read_bytes(), "-", "-o", "-", cwd=photos.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x89PNG")


def test_standard_input_into_a_file(face_clip: Path, tmp_path: Path) -> None:
    done = piped(face_clip.read_bytes(), "-", "-o", "out.mp4", "--report", "r.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "r.json"]
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["input"]["name"] == "standard input"
    assert report["input"]["sha256"] == hashlib.sha256(face_clip.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("data", "args", "code", "words"),
    [
        (b"This is no video. " * 100, ["-", "-o", "-"], 1, b"standard input is not a video"),
        (b"", ["-", "-o", "-"], 1, b"standard input is empty"),
        (b"#EXTM3U\n#EXTINF:1,\na.ts\n", ["-", "-o", "a.mp4"], 1, b"piped in"),
        (b"x", ["-"], 2, b"Name the output"),
        (b"x", ["-", "a.mp4", "-o", "out"], 2, b"one file"),
        (b"x", ["-", "-o", "a.mp4", "--format", "mp4"], 2, b"--format"),
    ],
)
def test_what_does_not_fit_standard_streams_writes_nothing(
    tmp_path: Path, data: bytes, args: list[str], code: int, words: bytes
) -> None:
    done = piped(data, *args, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert not done.stdout
    assert not list(tmp_path.iterdir())


def test_a_reader_that_has_enough_is_no_error(face_clip: Path, tmp_path: Path) -> None:
    line = '("$@"; echo $? > code) | head -c 100 | wc -c'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *COMMAND, "anonymize", face_clip, "-o", "-", "-q"],
        cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "100"
    assert (tmp_path / "code").read_text() == "0\n"


@pytest.mark.parametrize("phase", ["reading", "writing"])
def test_a_signal_ends_a_wait_for_the_other_end_of_a_pipe(tmp_path: Path, phase: str) -> None:
    source = "-" if phase == "reading" else str(SAMPLE)
    child = subprocess.Popen(
        [*COMMAND, "anonymize", source, "-o", "-", "--lookahead", "0", "-q"],
        cwd=tmp_path, env=ENVIRONMENT | {"TMPDIR": str(tmp_path)}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    if phase == "writing":
        child.stdout.read(1)
    else:
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob("streamguard-*")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert child.wait(3 * LIMIT) == 130
    child.communicate()
    assert not list(tmp_path.iterdir())
