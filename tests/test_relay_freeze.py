"""A target that freezes is noticed, told, and shown nothing old when it thaws."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live_kit import (
    ROOT,
    blind_detectors,
    free_port,
    plan_of,
    shown,
    slowness,
    stamped_source,
    until,
)

from streamguard.relay.camera import CameraParts
from streamguard.relay.supervisor import Supervisor
from streamguard.sinks.connections import ConnectionDelay, Sample

LOOKAHEAD = 0.4


def pictures(log: Path) -> list[tuple[int, float, float]]:
    """Return connection, time and age of every picture that the target read."""
    lines = [line.split() for line in log.read_text("ascii").splitlines()]
    return [(int(a), float(b), float(c)) for a, b, c in (line for line in lines if len(line) == 3)]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's figures of TCP")
def test_a_target_that_thaws_is_sent_nothing_old(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, str(Path(__file__).with_name("thawing_server.py"))]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    server = subprocess.Popen(
        [*command, str(port), str(log)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    plan = plan_of("lavfi:color", f"tcp://127.0.0.1:{port}", retry_interval=0.5)
    supervisor = Supervisor([plan], CameraParts(detectors=blind_detectors, source=stamped_source))
    (output,) = supervisor.cameras["cam"].outputs
    try:
        until(supervisor, lambda _camera: len(pictures(log)) > 30)
        frozen = time.monotonic()
        server.send_signal(signal.SIGSTOP)
        took = until(supervisor, lambda _camera: output.outages == 1, 15)
        assert took < 6 * slowness()
        until(supervisor, lambda _camera: time.monotonic() > frozen + 6)
        thawed, frames = time.monotonic(), shown(output)
        server.send_signal(signal.SIGCONT)
        until(supervisor, lambda _camera: shown(output) > frames + 45)
        until(supervisor, lambda _camera: pictures(log)[-1][1] > thawed + 2)
        until(supervisor, lambda _camera: "the outage is over" in caplog.text, 10)
    finally:
        supervisor.stop()
        server.kill()
        server.wait(5)
        server.stdout.close()
    read = pictures(log)
    after = [each for each in read if each[1] > thawed]
    # What it had in hand when it froze was sent before anybody could know.
    old = [at - age for number, at, age in after if number == 0]
    assert all(made < frozen + 3 * slowness() for made in old)
    # The frozen server's system took a few pictures of each new try, too; that one has none.
    fresh = [age for number, _at, age in after if number == read[-1][0]]
    assert fresh
    assert max(fresh) < (1.0 + LOOKAHEAD) * slowness()
    assert "took nothing for" in caplog.text
    assert caplog.text.count("outage begins") == caplog.text.count("outage is over") == 1


def samples(figures: list[tuple[int, int, int]]) -> list[float]:
    progress = ConnectionDelay()
    return [progress.waiting(Sample(n / 10, *each)) for n, each in enumerate(figures)]


def test_a_connection_that_is_taken_and_read_is_not_behind() -> None:
    assert max(samples([(n * 2000, n * 2000, 65_000) for n in range(100)])) == 0
    # A second's round trip of nothing but waiting is none either, if all is taken by then.
    lagging = samples([(n * 2000, n * 2000 + 4000, 65_000) for n in range(100)])
    assert 0.1 < max(lagging) < 0.3


def test_what_nobody_takes_is_waited_for_longer_and_longer() -> None:
    waits = samples([(20_000, 20_000 + n * 2000, 0) for n in range(20)])
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(1.8)


def test_what_is_taken_and_not_read_is_noticed_by_the_window() -> None:
    reads = [(n * 2000, n * 2000, 65_000) for n in range(20)]
    stops = [(40_000 + n * 2000, 40_000 + n * 2000, 65_000 - n * 1800) for n in range(30)]
    waits = samples(reads + stops)
    assert max(waits[:30]) == 0
    assert waits[-1] >= 1.5
    # One that reads now and then is not frozen.
    slow = [(n * 2000, n * 2000, 65_000 - n % 10 * 1800) for n in range(60)]
    assert max(samples(slow)) == 0
