"""The clock on the wall jumps by an hour for every process of a relay; nobody shall notice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from live_kit import ROOT, Judge, recovered, slowness, wait_for

# libfaketime 0.9.10, which Debian has, breaks time.sleep where the monotonic clock is to stay.
_SHIM = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long jump(void) {
    static volatile long *seconds;
    if (!seconds) {
        int file = open(getenv("JUMP_FILE"), O_RDONLY);
        void *room = mmap(0, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
        if (file < 0 || room == MAP_FAILED) abort();
        close(file);
        seconds = room;
    }
    return *seconds;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, id, now);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += jump();
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (out) *out = exact.tv_sec;
    return exact.tv_sec;
}
"""
_RELAY = """
import sys, threading
from pathlib import Path
tests, folder = sys.argv[1:]
sys.path.insert(0, tests)
from live_kit import PARTS, plan_of, source_graph
from streamguard.relay.supervisor import Supervisor
if __name__ == "__main__":
    sinks = [Path(folder) / "out.mp4", Path(folder) / "rec-%Y%m%d-%H%M%S.mp4"]
    plan = plan_of(f"lavfi:{source_graph()}", *sinks, record_minutes=2 / 60)
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    Supervisor([plan], PARTS).run(stop)
"""

Jump: TypeAlias = "np.memmap[tuple[int], np.dtype[np.int64]]"


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jump:
    """Seconds by which the clock on the wall is wrong, for all processes started from now on."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("a C compiler for Linux is not installed")
    library = tmp_path / "jump.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", str(library)]
    subprocess.run(command, check=True, input=_SHIM.encode())
    file = tmp_path / "jump"
    seconds = np.memmap(file, np.int64, "w+", shape=(1,))
    monkeypatch.setenv("JUMP_FILE", str(file))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    return seconds


def test_the_clock_on_the_wall_jumps_by_an_hour(tmp_path: Path, clock: Jump) -> None:
    began = datetime.now()
    run(tmp_path, clock)
    judge = Judge()
    judge.look_at_file(tmp_path / "out.mp4")
    gaps = [b - a for a, b in pairwise(judge.times)]
    assert min(gaps) > 0
    recovered("clock on the wall jumps an hour ahead, and two back", max(gaps), judge)
    assert max(gaps) < 2 * slowness()
    assert judge.scenes > 30
    times = []
    for path in recorded(tmp_path):
        piece = Judge()
        piece.look_at_file(path)
        assert piece.raw == 0
        assert piece.times
        times.append(datetime.strptime(path.stem[4:19], "%Y%m%d-%H%M%S"))
    # So the processes did see it.
    assert max(times) > began + timedelta(minutes=59)
    assert min(times) < began - timedelta(minutes=58)


def run(folder: Path, clock: Jump) -> None:
    """Let a relay record through the jumps, a few files before and after each."""
    words = [sys.executable, "-c", _RELAY, str(ROOT / "tests"), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    relay = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)
    try:
        for hours in (0, 1, -1):
            clock[0] = 3600 * hours
            enough = len(recorded(folder)) + 2
            wait_for(partial(has, folder, enough), 30, "no new recordings")
        relay.communicate(timeout=60)
    finally:
        relay.kill()
        relay.wait(5)
    assert relay.returncode == 0


def has(folder: Path, count: int) -> bool:
    return len(recorded(folder)) >= count


def recorded(folder: Path) -> list[Path]:
    return sorted(folder.glob("rec-*.mp4"))
