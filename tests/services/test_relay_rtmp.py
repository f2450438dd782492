"""Publishing over RTMP: the program ffmpeg listens and records, goes away, and comes back.

As a server it takes one publisher, then ends, and has to be started again.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from live_kit import RECOVERY, Judge, free_port, plan_of, recovered, shown, source_graph, wait_for
from rig import Process, Rig, black_hole, need_servers, stopping

from streamguard.relay.process import Output
from streamguard.relay.states import State
from streamguard.settings import EncodingSettings, Settings


def listener(url: str, recording: Path) -> Process:
    words = "ffmpeg -loglevel error -analyzeduration 300000 -listen 1"
    words += f" -i {url} -c copy -f mpegts -flush_packets 1 -y"
    return Process([*words.split(), str(recording)])


def test_an_rtmp_target_that_goes_and_comes_back(tmp_path: Path) -> None:
    need_servers()
    url = f"rtmp://127.0.0.1:{free_port()}/live/stream-key-1"
    rig = Rig(plan_of(f"lavfi:{source_graph()}", url, retry_interval=1.0))
    output = rig.camera.outputs[0]
    try:
        wait_for(lambda: "refuses the connection" in output.status.reason, 15, str(output.status))
        assert "stream-key" not in output.status.reason
        served(output, url, tmp_path / "first.ts", "RTMP target refused, then there")
        served(output, url, tmp_path / "second.ts", "RTMP target killed and restarted")
    finally:
        rig.stop()


def served(output: Output, url: str, recording: Path, fault: str) -> None:
    """Let a target be there for a while; check what it got."""
    before = output.status.frames
    with stopping(listener(url, recording)):
        took = wait_for(lambda: output.status.frames > before + 50, RECOVERY, fault)
    wait_for(lambda: output.status.state is not State.LIVE, 8, "its end is not noticed")
    assert "stream-key" not in output.status.reason
    judge = Judge()
    judge.look_at_file(recording)
    recovered(fault, took, judge)
    assert judge.scenes > 25


def test_an_rtmp_target_that_freezes(tmp_path: Path) -> None:
    need_servers()
    url = f"rtmp://127.0.0.1:{free_port()}/live/x"
    # So many bytes that the system soon takes no more for a server that does not read.
    noisy = source_graph().replace(",", ",noise=c0s=25:c0f=t,", 1)
    settings = Settings(lookahead=0.4, encoding=EncodingSettings(crf=1))
    rig = Rig(
        plan_of(f"lavfi:{noisy}", url, tmp_path / "o.mp4", settings=settings, retry_interval=1.0)
    )
    output, other = rig.camera.outputs
    try:
        with stopping(listener(url, tmp_path / "first.ts")) as (server,):
            wait_for(lambda: shown(output) > 25, 20, output.status)
            pids, memory, frames = others(rig), resident(rig), shown(other)
            server.send(signal.SIGSTOP)
            wait_for(lambda: output.outages == 1, 20, output.status)
            # Nobody else has noticed: neither waits nor grows.
            assert others(rig) == pids
            assert shown(other) > frames + 10
            assert resident(rig) < memory + 30 * 2**20
        back(output, url, tmp_path / "second.ts", "RTMP target frozen, and back")
    finally:
        rig.stop()
    judge = Judge()
    judge.look_at_file(tmp_path / "o.mp4")
    assert judge.raw == 0


def test_an_rtmp_target_that_never_answers(tmp_path: Path) -> None:
    need_servers()
    with black_hole() as port:
        url = f"rtmp://127.0.0.1:{port}/live/x"
        rig = Rig(plan_of(f"lavfi:{source_graph()}", url, tmp_path / "o.mp4", retry_interval=1.0))
        output, other = rig.camera.outputs
        try:
            wait_for(lambda: shown(other) > 25, 20, other.status)
            pids, memory, frames = others(rig), resident(rig), shown(other)
            wait_for(lambda: output.child and output.child.restarts >= 2, 45, output.status)
            assert others(rig) == pids
            assert shown(other) > frames + 25
            assert resident(rig) < memory + 30 * 2**20
        except BaseException:
            rig.stop()
            raise
    try:
        back(output, url, tmp_path / "out.ts", "RTMP target a black hole, then there")
    finally:
        rig.stop()


def back(output: Output, url: str, recording: Path, fault: str) -> None:
    """Start a target; check that the scene is there in time."""
    before = shown(output)
    with stopping(listener(url, recording)):
        took = wait_for(lambda: shown(output) > before + 15, RECOVERY, output.status)
        # What a server has not read yet is not in its recording.
        wait_for(lambda: shown(output) > before + 75, 20, output.status)
    judge = Judge()
    judge.look_at_file(recording)
    recovered(fault, took, judge)
    assert judge.scenes > 15


def others(rig: Rig) -> dict[str, int]:
    """Return the processes that have nothing to do with the target."""
    return {name: pid for name, pid in rig.camera.pids.items() if "rtmp" not in name}


def resident(rig: Rig) -> int:
    """Return the bytes that they and this process have in memory."""
    pages = 0
    for pid in (*others(rig).values(), os.getpid()):
        pages += int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
