"""What a sink's failure is called: what happened, in words, and no secret in them."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import av
import pytest
from live_kit import free_port, slowness

from streamguard.errors import SinkError, SourceError
from streamguard.media.address import parse_address
from streamguard.sinks import open_live_sink, stream
from streamguard.sinks.livemux import LiveFormat
from streamguard.sources.live import LiveSource
from streamguard.sources.options import LiveOptions

FORM = LiveFormat(width=64, height=64, frame_rate=25)
SECRET = "user:pa-ss-wd"
CLOSER = """
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        listener.accept()[0].close()
"""


def failure(url: str) -> str:
    with pytest.raises(SinkError) as caught:
        open_live_sink(parse_address(url), FORM)
    words = str(caught.value)
    assert "pa-ss-wd" not in words
    assert words.count("127.0.0.1") == 1
    return words


def lost(url: str) -> str:
    with pytest.raises(SourceError) as caught:
        LiveSource(parse_address(url), LiveOptions(open_timeout=2.0, read_timeout=2.0))
    words = str(caught.value)
    assert "pa-ss-wd" not in words
    assert words.count("127.0.0.1") == 1
    assert "Invalid data" not in words
    return words


def test_a_camera_that_refuses_freezes_or_goes() -> None:
    for scheme in ("rtsp", "http"):
        assert "refuses the conn" in lost(f"{scheme}://{SECRET}@127.0.0.1:{free_port()}/x")
        with socket.create_server(("127.0.0.1", 0)) as frozen:
            url = f"{scheme}://{SECRET}@127.0.0.1:{frozen.getsockname()[1]}/x"
            assert "sent nothing in time" in lost(url)
        with closer() as port:
            assert "closed the connection" in lost(f"{scheme}://{SECRET}@127.0.0.1:{port}/x")


def test_a_server_that_refuses() -> None:
    for scheme in ("rtsp", "rtmp", "tcp"):
        words = failure(f"{scheme}://{SECRET}@127.0.0.1:{free_port()}/live/x")
        assert "refuses the connection" in words


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_ANSWER", 0.8)
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        began = time.monotonic()
        words = failure(f"rtsp://{SECRET}@127.0.0.1:{frozen.getsockname()[1]}/x")
    assert "did not answer for 0.8 s" in words
    assert time.monotonic() - began < 4 * slowness()


@contextmanager
def closer() -> Iterator[int]:
    """A server that closes every connection at once, as one does that is just being restarted."""
    process = subprocess.Popen([sys.executable, "-c", CLOSER], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait(5)
        process.stdout.close()  # type: ignore[union-attr]


@pytest.mark.parametrize("scheme", ["rtsp", "rtmp"])
def test_a_server_that_closes_the_connection(scheme: str) -> None:
    with closer() as port:
        words = failure(f"{scheme}://{SECRET}@127.0.0.1:{port}/live/x")
    assert "closed the connection" in words
    assert "Invalid data" not in words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (av.error.InvalidDataError(1, "Invalid data found"), "or its answer was no RTSP"),
        (TimeoutError(errno.ETIMEDOUT, "x"), "did not answer for 4 s"),
        (av.error.ExitError(1, "x"), "did not answer for 4 s"),
        (av.error.EOFError(1, "x"), "closed the connection"),
        (BrokenPipeError(errno.EPIPE, "x"), "closed the connection"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "closed the connection"),
        (OSError(errno.EIO, "x"), "closed the connection"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "refuses the connection"),
        (OSError(errno.EHOSTUNREACH, "x"), "no way to its host"),
        (OSError(errno.ENOSPC, "No space left"), "cannot be written to: No space left"),
    ],
)
def test_every_error_of_a_sink_has_words(error: Exception, words: str) -> None:
    said = str(stream._stream_error(parse_address("rtsp://127.0.0.1/x"), error))
    assert words in said
    assert said.count("127.0.0.1") == 1
