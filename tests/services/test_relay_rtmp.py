"""Publishing over RTMP: the program ffmpeg listens and records, goes away, and comes back."""

from __future__ import annotations

from pathlib import Path

from live_kit import RECOVERY, Judge, free_port, plan_of, recovered, source_graph, wait_for
from rig import Process, Rig, need_servers, stopping

from streamguard.relay.process import Output
from streamguard.relay.states import State


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
