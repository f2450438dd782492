"""The command line as a process: signals, native chatter, a full disk, README's examples."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

SAMPLE = ROOT / "samples" / "astronaut.mp4"
COMMAND = [sys.executable, "-m", "streamguard"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def start(*args: str | Path, cwd: Path, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [*COMMAND, *map(str, args)],
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_a_run_says_nothing_but_our_own_words(tmp_path: Path) -> None:
    process = start("anonymize", SAMPLE, "-o", tmp_path / "out.mp4", cwd=tmp_path)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    assert re.fullmatch(rf"{re.escape(str(tmp_path / 'out.mp4'))}: \d+ faces? covered in .*\n", out)
    ours = rf"(astronaut\.mp4: frame .*\n|{re.escape(str(SAMPLE))}: .*\n)*"
    assert re.fullmatch(ours, err), err


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "streamguard", "--help"]
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    loaded = {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "click" in loaded
    assert not loaded & {"av", "cv2", "mediapipe", "numpy", "onnxruntime", "rich"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("times", [1, 2])
def test_signals_leave_no_half_file(tmp_path: Path, number: signal.Signals, times: int) -> None:
    # Slow encoding, so that the signal arrives in the middle of the run.
    options = ("--codec", "av1", "--preset", "3")
    process = start("anonymize", SAMPLE, "-o", "out.mp4", *options, cwd=tmp_path)
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".out.*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(1)
    assert process.poll() is None
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.05)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.strip() == "streamguard: stopped: interrupted; nothing half done was left behind"
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    def limit() -> None:
        # Python ignores SIGXFSZ, so that writing beyond the limit fails as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    process = start("anonymize", SAMPLE, "-o", "out.mp4", "-q", cwd=tmp_path, preexec_fn=limit)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 1
    assert err.startswith("streamguard: error: ")
    assert "out.mp4" in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_no_permission(tmp_path: Path) -> None:
    source, closed = tmp_path / "in.mp4", tmp_path / "closed"
    shutil.copy(SAMPLE, source)
    source.chmod(0)
    closed.mkdir()
    closed.chmod(0o555)

    def obey_permissions() -> None:
        # Root may do anything, unless it gives up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)

    for args in ((source,), (SAMPLE, "-o", closed / "out.mp4")):
        process = start("anonymize", *args, cwd=tmp_path, preexec_fn=obey_permissions)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 1
        assert re.fullmatch(r"streamguard: error: .* may not be (read|written)\. .*\n", err)
    assert not list(closed.iterdir())


def examples() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ streamguard ")]


def test_readme_has_three_examples() -> None:
    assert len(examples()) >= 3


def test_readme_examples_work_one_after_the_other(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    samples.mkdir()
    shutil.copy(SAMPLE, samples)
    for example in examples():
        process = start(*shlex.split(example)[1:], cwd=tmp_path)
        out, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        assert out
    # No example takes in what another one made.
    assert [path.name for path in (tmp_path / "covered").glob("[!.]*")] == [SAMPLE.name]


def test_readme_python_example_works(face_clip: Path, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shutil.copy(face_clip, tmp_path / "in.mp4")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT, check=True)
    assert (tmp_path / "out.mp4").stat().st_size
