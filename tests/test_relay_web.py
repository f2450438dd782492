"""The relay's web side, asked over HTTP while a relay really runs as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from live_kit import ROOT, free_port, stop
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from streamguard.relay.states import DropReason, Reason

SOURCE = "lavfi:testsrc2=size=320x240:rate=25"
SECRET = "hunter2hunter2"
PROMISED = {
    "streamguard_frames_captured_total",
    "streamguard_frames_dropped_total",
    "streamguard_slate_frames_total",
    "streamguard_reconnects_total",
    "streamguard_latency_seconds_bucket",
    "streamguard_latency_seconds_count",
    "streamguard_faces",
    "streamguard_up",
    "streamguard_last_frame_timestamp_seconds",
}


@dataclass
class Relay:
    """A running relay and how to ask it."""

    port: int
    process: subprocess.Popen[str] | None

    def ask(
        self, path: str, method: str = "GET", host: str | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)
        try:
            connection.request(method, path, headers={"Host": host or f"127.0.0.1:{self.port}"})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def status(self, path: str, method: str = "GET", host: str | None = None) -> int:
        return self.ask(path, method, host)[0].status

    def metrics(self) -> dict[str, float]:
        """Return the sum of all samples of each name."""
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(self.ask("/metrics")[1].decode()):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return sums


def wait_until(condition: Callable[[], object], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    folder = tmp_path_factory.mktemp("relay")
    port = free_port()
    words = ["relay", SOURCE, "out.mp4", f"rtsp://viewer:{SECRET}@127.0.0.1:{free_port()}/x"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamguard", *words, "--http", str(port), "--quality", "fast"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=log,
            text=True,
        )
        running = Relay(port, process)
        try:
            wait_until(lambda: running.metrics().get("streamguard_latency_seconds_count"))
            yield running
        finally:
            stop(process)
    assert process.returncode in (0, 130)
    assert SECRET not in (folder / "log").read_text()
    assert "Traceback" not in (folder / "log").read_text()


def test_every_promised_metric_is_there_and_counts(relay: Relay) -> None:
    before = relay.metrics()
    assert before.keys() >= PROMISED
    assert before["streamguard_up"] == 1
    moving = [
        "streamguard_frames_captured_total",
        "streamguard_frames_written_total",
        "streamguard_latency_seconds_count",
        "streamguard_last_frame_timestamp_seconds",
    ]
    wait_until(lambda: all(relay.metrics()[name] > before[name] for name in moving))


def test_every_reason_is_counted_from_the_start(relay: Relay) -> None:
    text = relay.ask("/metrics")[1].decode()
    for name, reasons in (("frames_dropped", DropReason), ("slate_frames", Reason)):
        lines = [line for line in text.splitlines() if line.startswith(f"streamguard_{name}_total")]
        for reason in reasons:
            assert any(f'reason="{reason}"' in line for line in lines), reason


def test_health_is_not_readiness(relay: Relay) -> None:
    response, body = relay.ask("/healthz")
    assert (response.status, json.loads(body)) == (200, {"ok": True})
    # One of its two sinks refuses connections.
    response, body = relay.ask("/readyz")
    assert (response.status, json.loads(body)) == (503, {"ok": False})


def test_the_states_are_told_with_their_reasons(relay: Relay) -> None:
    (camera,) = json.loads(relay.ask("/cameras.json")[1])["cameras"].values()
    assert camera["source"]["state"] == "live"
    assert "refuses" in camera["words"]["reason"]
    page = relay.ask("/")[1].decode()
    assert camera["words"]["reason"] in page


@pytest.mark.parametrize("path", ["/", "/cameras.json", "/readyz", "/metrics"])
def test_no_answer_holds_a_credential(relay: Relay, path: str) -> None:
    assert SECRET not in relay.ask(path)[1].decode()


def picture_of(data: bytes) -> av.VideoFrame:
    codec = av.CodecContext.create("mjpeg", "r")
    return next(iter(codec.decode(av.Packet(data))))


def test_a_snapshot_is_a_picture(relay: Relay) -> None:
    def is_of_the_scene() -> bool:
        response, data = relay.ask("/camera/snapshot.jpg")
        assert response.getheader("Content-Type") == "image/jpeg"
        picture = picture_of(data)
        assert (picture.width, picture.height) == (320, 240)
        return bool(picture.to_ndarray(format="gray").std() > 20)

    # A busy machine may owe a slate at times.
    wait_until(is_of_the_scene)


def test_the_stream_moves(relay: Relay) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", relay.port, timeout=80)
    connection.request("GET", "/camera/stream.mjpg")
    response = connection.getresponse()
    kind = response.getheader("Content-Type") or ""
    boundary = re.fullmatch(r"multipart/x-mixed-replace; boundary=(\w+)", kind)
    assert boundary
    pictures: list[NDArray[np.uint8]] = []
    deadline = time.monotonic() + 40
    while not pictures or np.abs(pictures[0].astype(int) - pictures[-1]).max() <= 50:
        assert time.monotonic() < deadline
        assert response.readline().strip() == f"--{boundary[1]}".encode()
        lines = iter(lambda: response.readline().strip(), b"")
        head = dict(line.split(b": ") for line in lines)
        data = response.read(int(head[b"Content-Length"]))
        assert response.readline() == b"\r\n"
        pictures.append(picture_of(data).to_ndarray(format="gray").astype(np.uint8))
    connection.close()


@pytest.mark.parametrize(
    "path",
    ["/x", "/camera", "/camera/", "/nobody/snapshot.jpg", "/../etc/passwd", "/camera/../metrics"],
)
def test_other_paths_are_not_found(relay: Relay, path: str) -> None:
    assert relay.status(path) == 404


def test_methods(relay: Relay) -> None:
    for path in ("/", "/healthz", "/metrics", "/camera/snapshot.jpg", "/camera/stream.mjpg"):
        response, body = relay.ask(path, "HEAD")
        assert (response.status, body) == (200, b"")
    for method in ("POST", "PUT", "DELETE", "TRACE", "OPTIONS"):
        assert relay.status("/", method) == 405


def test_pages_of_other_sites_get_nothing(relay: Relay) -> None:
    # What a browser sends once a site's own name was pointed at this machine.
    for host in ("evil.example", f"evil.example:{relay.port}", "localhost.evil.example", ":80"):
        assert relay.status("/camera/snapshot.jpg", host=host) == 403
    for host in (
        "localhost",
        f"LOCALHOST:{relay.port}",
        "127.0.0.1",
        f"[::1]:{relay.port}",
        "[::1]",
    ):
        assert relay.status("/healthz", host=host) == 200
    response, _ = relay.ask("/camera/snapshot.jpg")
    assert response.getheader("Cross-Origin-Resource-Policy") == "same-origin"
    assert response.getheader("Access-Control-Allow-Origin") is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net/tcp")
def test_it_listens_on_loopback_only(relay: Relay) -> None:
    listening = [
        fields[1]
        for name in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{name}").read_text().splitlines()[1:])
        if fields[3] == "0A" and fields[1].endswith(f":{relay.port:04X}")
    ]
    assert listening == [f"0100007F:{relay.port:04X}"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_viewers_that_do_not_read_hold_up_nobody(relay: Relay) -> None:
    assert relay.process is not None
    pid = relay.process.pid
    stuck = [socket.create_connection(("127.0.0.1", relay.port)) for _ in range(12)]
    try:
        for client in stuck:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(b"GET /camera/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        before, resident = relay.metrics(), memory(pid)
        name = "streamguard_frames_written_total"
        wait_until(lambda: relay.metrics()[name] > before[name] + 75)
        assert relay.status("/healthz") == 200
        assert memory(pid) < resident + 20_000_000
    finally:
        for client in stuck:
            client.close()


def memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("http", ["nonsense", "127.0.0.1", "70000", "127.0.0.1:x", ""])
def test_a_wrong_address_to_listen_on_is_named(http: str) -> None:
    words = [sys.executable, "-m", "streamguard", "relay", SOURCE, "--http", http, "--check"]
    ended = subprocess.run(words, check=False, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 2
    assert "--http" in ended.stderr


def test_a_port_that_is_taken_is_named(relay: Relay) -> None:
    words = [sys.executable, "-m", "streamguard", "relay", SOURCE, "--http", str(relay.port)]
    ended = subprocess.run(words, check=False, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 2
    assert f"127.0.0.1:{relay.port} cannot be listened on" in ended.stderr
    assert "Traceback" not in ended.stderr
