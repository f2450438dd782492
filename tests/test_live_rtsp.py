"""RTSP with what pip installs: PyAV itself, in another process, is the server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import av
import pytest
from live_kit import free_port, plan_of, relaying, slowness, source_graph, until, wait_for

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


def test_no_credential_in_log_metrics_pages_or_process_list(tmp_path: Path) -> None:
    secrets = {"CAM": SECRET, "RTSP": "tr0ub4dor/&3", "RTMP": "c0rrect-horse", "KEY": "stream-k3y"}
    port, web = free_port(), free_port()
    places = [
        f"rtsp://viewer:${{CAM}}@127.0.0.1:{port}/x",
        f"rtsp://publisher:${{RTSP}}@127.0.0.1:{port}/out",
        f"rtmp://publisher:${{RTMP}}@127.0.0.1:{port}/live/${{KEY}}",
        str(tmp_path / "out.mp4"),
    ]
    command = [sys.executable, "-m", "streamguard", "relay", *places, "--size", "320x240", "-vv"]
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--http", str(web)], env=os.environ | secrets, stdout=output, stderr=output
        )
    try:
        # One warning a second in the log; this page tells of source and sinks at once.
        wait_until(lambda: page(web, "cameras.json").count(b"refuses the connection") >= 3, 40, log)
        shown = [
            page(web, path)
            for path in ("", "metrics", "cameras.json", "readyz", "status", "nothing")
        ]
        shown += [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if gone(path)]
        shown.append(subprocess.run(["ps", "-efww"], check=True, capture_output=True).stdout)
    finally:
        process.terminate()
        assert process.wait(40) == 0
    shown.append(log.read_bytes())
    everything = b"\n".join(shown)
    assert b"refuses the connection" in log.read_bytes()
    assert b"streamguard_up" in everything
    for secret in secrets.values():
        for form in (secret, quote(secret, safe="")):
            assert form.encode() not in everything


def gone(path: Path) -> bool:
    """Whether a file of a process can still be read; processes come and go."""
    with suppress(OSError):
        return bool(path.read_bytes())
    return False


def page(port: int, path: str) -> bytes:
    try:
        with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
            return bytes(answer.read())
    except HTTPError as error:
        with error:
            return error.read() + str(error).encode()
    except OSError:
        return b""


def test_signals_reload_what_changed_and_finish_recordings(tmp_path: Path) -> None:
    config = tmp_path / "cameras.yaml"
    entry = "  {}: {{source: 'lavfi:testsrc2=size=320x240:rate=15', sinks: [{}/{}-%H%M%S.mp4]{}}}\n"
    one, two = (entry.format(name, tmp_path, name, "") for name in ("one", "two"))
    config.write_text("cameras:\n" + one + two)
    log = tmp_path / "log"
    command = [sys.executable, "-m", "streamguard", "relay", "--config", str(config)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stderr=output)
    try:
        wait_until(lambda: len(list(tmp_path.glob("*.part.mp4"))) == 2, 60, log)
        before = children(process.pid)
        slower = entry.format("two", tmp_path, "two", ", quality: fast")
        config.write_text("cameras:\n" + one + slower)
        process.send_signal(signal.SIGHUP)
        # Source and sinks stay as they are: the camera's process is replaced, its output is not.
        wait_until(lambda: b"changed: two" in log.read_bytes(), 15, log)
        wait_until(lambda: len(before - children(process.pid)) == 1, 60, log)
        wait_until(lambda: len(children(process.pid)) == len(before), 10, log)
        assert len(list(tmp_path.glob("two-*.mp4"))) == 1
        before = children(process.pid)
        smaller = entry.format("two", tmp_path, "two", ", quality: fast, crf: 30")
        config.write_text("cameras:\n" + one + smaller)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(list(tmp_path.glob("two-*.mp4"))) == 2, 60, log)
        # Camera and output of one, and the tracker of shared memory.
        assert len(before & children(process.pid)) == len(before) - 2
        assert len(children(process.pid)) == len(before)
        # A file in which there is nothing yet would not be kept.
        parts = list(tmp_path.glob("*.part.mp4"))
        wait_until(lambda: all(path.stat().st_size > 3_000 for path in parts), 30, log)
        began = time.monotonic()
        process.terminate()
        assert process.wait(40) == 0
        assert time.monotonic() - began < 5 * slowness()
    finally:
        process.kill()
        process.wait(5)
    recordings = list(tmp_path.glob("*.mp4"))
    assert len(recordings) == 3
    for path in recordings:
        assert ".part." not in path.name
        with av.open(str(path)) as container:
            assert next(container.decode(video=0)).width == 320


def wait_until(condition: Callable[[], bool], seconds: float, log: Path) -> None:
    try:
        wait_for(condition, seconds, "see the log")
    except AssertionError:
        raise AssertionError(log.read_text("utf-8", "replace")) from None


def children(pid: int) -> set[int]:
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return {int(word) for word in words}


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
        words = f"htons({port})"
        wait_for(lambda: trace.exists() and tried(trace).count(words) >= 3, 40, "no tries")
    finally:
        process.terminate()
        try:
            process.wait(40)
        finally:
            process.kill()
    connects = [line for line in tried(trace).splitlines() if "AF_INET" in line]
    assert len(connects) >= 3
    assert all(words in line and "127.0.0.1" in line for line in connects)


def tried(trace: Path) -> str:
    return trace.read_text("utf-8", "replace")
