"""A disk that really is full while it is recorded to: a small one, in a mount of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import pytest
from live_kit import RECOVERY, Judge, plan_of, recovered, source_graph, wait_for
from rig import Process, Rig, stopping

from streamguard.relay.states import State

MOUNT = "mount -t tmpfs -o size=2m none /mnt && echo ready && exec sleep 100"


@pytest.fixture
def disk() -> Iterator[Path]:
    """A disk of two megabytes; only the process that mounted it has it."""
    if shutil.which("unshare") is None:
        pytest.skip("the program unshare is not installed")
    process = Process(["unshare", "-rm", "sh", "-c", MOUNT])
    with stopping(process):
        if not process.says(b"ready"):
            pytest.skip("mounts are not permitted here")
        yield Path(f"/proc/{process.pid}/root/mnt")


def test_a_full_disk_is_told_and_recording_goes_on_when_there_is_room(
    disk: Path, tmp_path: Path
) -> None:
    recording, other, ballast = disk / "rec-%H%M%S.mp4", tmp_path / "out.mp4", disk / "ballast"
    rig = Rig(
        plan_of(
            f"lavfi:{source_graph()}", recording, other, record_minutes=2.2 / 60,
            retry_interval=0.5,
        )
    )  # fmt: skip
    full, good = rig.camera.outputs
    try:
        wait_for(lambda: len(list(disk.glob("rec-*.mp4"))) >= 3, 25, str(full.status))
        fill(ballast)
        wait_for(lambda: "disk is full" in full.status.reason, 10, str(full.status))
        wait_for(lambda: full.status.reconnects >= 4, 10, str(full.status))
        assert rig.camera.state is State.RECONNECTING
        frames, names = good.status.frames, sorted(disk.glob("rec-*"))
        descriptors = open_files(rig, full.address.shown)
        wait_for(lambda: full.status.reconnects >= 8, 10, str(full.status))
        # The other sink does not notice, and no try leaves anything behind.
        wait_for(lambda: good.status.frames > frames + 10, 5, str(good.status))
        assert sorted(disk.glob("rec-*")) == names
        assert open_files(rig, full.address.shown) <= descriptors + 1
        ballast.unlink()
        before = full.status.frames
        took = wait_for(lambda: full.status.frames > before + 15, RECOVERY, str(full.status))
        wait_for(lambda: len(list(disk.glob("rec-*"))) > len(names), 5, "no new file")
    finally:
        rig.stop()
    judge = Judge()
    for path in sorted(disk.glob("rec-*.mp4")):
        scenes = judge.scenes
        # The very last picture of the one that met the full disk may be cut off.
        with suppress(av.error.InvalidDataError):
            judge.look_at_file(path)
        assert judge.scenes > scenes, path.name
    judge.look_at_file(other)
    recovered("disk full while recording", took, judge)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 12))


def open_files(rig: Rig, sink: str) -> int:
    pid = next(pid for name, pid in rig.camera.pids.items() if sink in name)
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
