"""RTSP with what pip installs: PyAV itself, in another process, is the server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from live_kit import free_port, plan_of, relaying, source_graph, until

SOURCE = f"lavfi:{source_graph()}"
SECRET = "hunter2-pass"

LISTENER = """
import json, sys
sys.path.insert(0, sys.argv[2])
import av
from live_kit import Judge
judge = Judge()
options = {"rtsp_flags": "listen", "listen_timeout": "20", "rtsp_transport": "tcp"}
with av.open(sys.argv[1], format="rtsp", timeout=(25, 5), options=options) as container:
    for picture in container.decode(video=0):
        judge.look(picture)
        if judge.scenes >= 25:
            break
print(json.dumps([judge.raw, judge.scenes]))
"""


def has_ended(server: subprocess.Popen[bytes], _camera: object) -> bool:
    return server.poll() is not None


def listener(port: int) -> subprocess.Popen[bytes]:
    words = ["-c", LISTENER, f"rtsp://127.0.0.1:{port}/x", str(Path(__file__).parent)]
    command = [sys.executable, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def test_a_listener_gets_the_scene_covered_and_so_does_the_next() -> None:
    port = free_port()
    with relaying(plan_of(SOURCE, f"rtsp://127.0.0.1:{port}/x", retry_interval=0.5)) as supervisor:
        for _ in range(2):
            server = listener(port)
            try:
                until(supervisor, partial(has_ended, server), 40)
                answer, _ = server.communicate(timeout=5)
            finally:
                server.kill()
                server.wait(5)
            raw, scenes = json.loads(answer)
            assert (raw, scenes) == (0, 25)


def test_no_password_in_the_process_list_or_the_log(tmp_path: Path) -> None:
    environment = os.environ | {"CAM_PASSWORD": SECRET}
    command = [sys.executable, "-m", "streamguard", "relay", "--size", "320x240", "-vv"]
    source = f"rtsp://viewer:${{CAM_PASSWORD}}@127.0.0.1:{free_port()}/x"
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, source, str(tmp_path / "out.mp4")], env=environment, stderr=output
        )
    try:
        deadline = time.monotonic() + 30
        while b"refuses" not in log.read_bytes() and time.monotonic() < deadline:
            time.sleep(0.2)
        processes = subprocess.run(["ps", "-efww"], check=True, capture_output=True).stdout
    finally:
        process.terminate()
        assert process.wait(15) == 0
    assert b"streamguard" in processes
    assert SECRET.encode() not in processes
    assert b"refuses the connection" in log.read_bytes()
    assert SECRET.encode() not in log.read_bytes()


def test_only_the_named_source_is_connected_to(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    port, trace = free_port(), tmp_path / "trace"
    # -D makes the relay itself our child, so that it gets our signal.
    watch = [strace, "-f", "-D", "-qq", "-e", "trace=connect", "-o", str(trace)]
    command = [sys.executable, "-m", "streamguard", "relay", "--size", "320x240"]
    process = subprocess.Popen(
        [*watch, *command, f"rtsp://127.0.0.1:{port}/x", str(tmp_path / "out.mp4")],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            time.sleep(0.5)
            if trace.exists() and trace.read_text("utf-8", "replace").count(f"htons({port})") >= 3:
                break
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
    connects = [
        line for line in trace.read_text("utf-8", "replace").splitlines() if "AF_INET" in line
    ]
    assert len(connects) >= 3
    assert all(f"htons({port})" in line and "127.0.0.1" in line for line in connects)
