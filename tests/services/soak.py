"""A soak, not a test: several cameras with a fault every minute; watches memory and processes.

    python tests/services/soak.py [CAMERAS [MINUTES [QUALITY]]]

Faults in turn: a camera's process is killed, an output's process is killed, one is frozen.
Prints a line a minute: resident memory of all processes, their number, zombies, frames, drops,
and the latency of the last minute's worst camera.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from streamguard.media.address import parse_address
from streamguard.plans import Quality
from streamguard.relay.plan import CameraPlan
from streamguard.relay.supervisor import Supervisor
from streamguard.settings import Settings

_SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "astronaut.mp4"
_GRAPH = f"lavfi:movie={_SAMPLE}:loop=0,setpts=N/15/TB,fps=15,scale=1280:720,format=yuv420p"


def resident(pid: int) -> float:
    """Return a process's own memory in MiB, shared libraries counted by their share."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:") / 1024


def zombies() -> int:
    """Return how many of our children have ended and were not waited for."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        count += fields[0] == "Z" and int(fields[1]) == os.getpid()
    return count


def fault(supervisor: Supervisor, number: int) -> str:
    """Do the next fault; return it in words."""
    cameras = list(supervisor.cameras.values())
    pids = list(cameras[number % len(cameras)].pids.items())
    name, pid = pids[number % len(pids)]
    kind = signal.SIGSTOP if number % 3 == 2 else signal.SIGKILL
    os.kill(pid, kind)
    return f"{kind.name} to {name.rpartition('/')[2]}"


def main(cameras: int, minutes: float, quality: str) -> None:
    """Run and print."""
    settings = Settings(quality=Quality(quality), lookahead=0.4)
    with tempfile.TemporaryDirectory() as folder:
        plans = [
            CameraPlan(
                name=f"cam{n}",
                source=parse_address(_GRAPH),
                sinks=(parse_address(f"{folder}/cam{n}-%H%M%S.mp4"),),
                settings=settings,
                record_minutes=1,
            )
            for n in range(cameras)
        ]
        supervisor = Supervisor(plans)
        end, due, number = time.monotonic() + minutes * 60, time.monotonic() + 60, 0
        try:
            while time.monotonic() < end:
                supervisor.step()
                if time.monotonic() >= due:
                    due += 60
                    print(report(supervisor), fault(supervisor, number), flush=True)  # noqa: T201
                    number += 1
        finally:
            supervisor.stop()


def report(supervisor: Supervisor) -> str:
    """Return the figures of now."""
    cameras = list(supervisor.cameras.values())
    pids = [os.getpid(), *(pid for camera in cameras for pid in camera.pids.values())]
    captured = sum(camera.status.captured for camera in cameras)
    dropped = sum((camera.status.dropped for camera in cameras), Counter[str]())
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    p95 = max(output.status.latencies.quantile(0.95) for c in cameras for output in c.outputs)
    return (
        f"{sum(map(resident, pids)):.0f} MiB in {len(pids)} processes, {zombies()} zombies, "
        f"{captured} captured, dropped: {reasons or 'none'}, p95 {p95} s;"
    )


if __name__ == "__main__":
    words = [*sys.argv[1:], *("4", "20", "fast")[len(sys.argv) - 1 :]]
    main(int(words[0]), float(words[1]), words[2])
