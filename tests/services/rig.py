"""Real RTSP servers, publishers and readers, all on loopback, each in a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import pytest
from live_kit import PARTS, Judge, source_graph

from streamguard.relay.plan import CameraPlan
from streamguard.relay.supervisor import Camera, Supervisor

_SYSTEM_PYTHON = "/usr/bin/python3"
_SERVER = Path(__file__).with_name("rtsp_server.py")
_CHECK = "import gi; gi.require_version('GstRtspServer', '1.0')"


def need_servers() -> None:
    """Skip where GStreamer's RTSP server or FFmpeg's own program is missing."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("the program ffmpeg is not installed")
    if not Path(_SYSTEM_PYTHON).exists():
        pytest.skip("the system has no Python of its own")
    check = subprocess.run([_SYSTEM_PYTHON, "-c", _CHECK], check=False, capture_output=True)
    if check.returncode:
        pytest.skip("GStreamer's RTSP server is not installed")


class Process:
    """A program that can be killed, frozen, resumed and started again."""

    def __init__(self, command: list[str], *, ready: bytes = b"") -> None:
        self._command = command
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        if self._ready:
            assert self.says(self._ready)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def says(self, words: bytes) -> bool:
        """Wait for a line; return whether it begins with some words."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline().startswith(words)

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(5)
            if process.stdout is not None:
                process.stdout.close()

    def restart(self) -> None:
        self.kill()
        self.start()


def rtsp_server(port: int, name: str, login: str = "", log: Path | None = None) -> Process:
    """Start a server; the log, if there is one, gets a line for every client that connects."""
    command = [_SYSTEM_PYTHON, str(_SERVER), str(port), name]
    command += ["--login", login] if login else []
    return Process(command + (["--log", str(log)] if log else []), ready=b"ready")


def camera_program(
    url: str,
    *,
    size: tuple[int, int] = (320, 240),
    bsf: str = "",
    rate: int = 25,
    speed: float = 1.0,
) -> Process:
    """Publish the marked scene for ever, as a camera does.

    Args:
        url: Where to.
        size: Width and height in pixels.
        bsf: Bitstream filters, which do damage.
        rate: Frames a second that the stream promises.
        speed: How many of them it sends for each that it promises.
    """
    graph = source_graph(*size, rate=rate) + f",realtime=speed={speed}"
    words = f"-loglevel error -f lavfi -i {graph} -c:v libx264 -preset ultrafast -tune zerolatency"
    words += " -g 25 -crf 18"
    command = ["ffmpeg", *words.split(), *(["-bsf:v", bsf] if bsf else [])]
    return Process([*command, "-f", "rtsp", "-rtsp_transport", "tcp", url])


class Reader:
    """Plays a stream, again and again, and judges every picture of it."""

    def __init__(self, url: str) -> None:
        self.judge = Judge()
        self._url = url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(12)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            with suppress(av.FFmpegError, OSError):
                self._play()

    def _play(self) -> None:
        options = {"rtsp_transport": "tcp", "timeout": "1500000", "analyzeduration": "300000"}
        with av.open(self._url, options=options, timeout=(3, 1)) as container:
            for packet in container.demux(video=0):
                if self._stop.is_set():
                    return
                with suppress(av.error.InvalidDataError):
                    for picture in packet.decode():
                        self.judge.look(picture)


class Rig:
    """A relay that runs beside the test."""

    def __init__(self, plan: CameraPlan) -> None:
        self.supervisor = Supervisor([plan], PARTS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.supervisor.run, args=(self._stop,))
        self._thread.start()

    @property
    def camera(self) -> Camera:
        return next(iter(self.supervisor.cameras.values()))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(15)
        assert not self._thread.is_alive()


@contextmanager
def black_hole() -> Iterator[int]:
    """Accept connections, and never say a word; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@contextmanager
def stopping(*things: Process) -> Iterator[tuple[Process, ...]]:
    try:
        yield things
    finally:
        for thing in things:
            thing.send(signal.SIGCONT)
            thing.kill()
