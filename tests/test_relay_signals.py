"""Asked to end as a whole group, as init systems and terminals do it, a relay still finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live_kit import Judge, source_graph


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_the_whole_group_is_told_and_recordings_are_finished(tmp_path: Path, name: str) -> None:
    out, part = tmp_path / "out.mp4", tmp_path / "out.part.mp4"
    words = ["relay", f"lavfi:{source_graph()}", str(out), "--quality", "fast"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamguard", *words],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 90
        while not (part.exists() and part.stat().st_size > 3_000):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        os.killpg(process.pid, signal.Signals[name])
        assert process.wait(60) in (0, 130)
    finally:
        process.kill()
        process.wait(5)
    assert not part.exists()
    judge = Judge()
    judge.look_at_file(out)
    assert judge.times
