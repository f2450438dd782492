"""Opening ends in time whatever is opened, and asks for no more memory than it may."""

from __future__ import annotations

import os
import resource
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import ROOT

from streamguard.api import anonymize
from streamguard.errors import (
    CancelledError,
    SourceDamagedError,
    SourceError,
    SourceLostError,
    StalledError,
)
from streamguard.faults import watched
from streamguard.frames import Frame
from streamguard.media.address import parse_address
from streamguard.memory import bounded_memory, lift_bound
from streamguard.settings import InputSettings
from streamguard.sources import FileSource, open_source
from streamguard.sources.live import LiveSource
from streamguard.sources.options import LiveOptions
from streamguard.verification.second_look import verify

SEGMENT = "#EXTINF:1,\n{}\n"
HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-VERSION:3\n"
VARIANT = "#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n"
TRACK = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="n",URI="{}"\n'
END = "#EXT-X-ENDLIST\n"


def playlist(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text(HEAD + "".join(lines))
    return path


@pytest.fixture
def segments(tmp_path: Path, face_clip: Path) -> list[str]:
    """Two segments of a second each, in ``tmp_path``."""
    with (
        av.open(str(face_clip)) as source,
        av.open(
            str(tmp_path / "whole.m3u8"), "w", format="hls", options={"hls_time": "1"}
        ) as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    return sorted(path.name for path in tmp_path.glob("*.ts"))


def frames(path: Path) -> int:
    with closing(open_source(path)) as opened:
        return sum(isinstance(item, Frame) for item in opened.read())


def test_a_playlist_without_an_end_is_refused_with_what_to_do(
    tmp_path: Path, segments: list[str]
) -> None:
    lines = [SEGMENT.format(name) for name in segments]
    endless = playlist(tmp_path, "endless.m3u8", *lines)
    with pytest.raises(SourceDamagedError, match="#EXT-X-ENDLIST"):
        open_source(endless)
    # To FFmpeg, which knows fewer line ends than Python, this is no line of its own.
    endless.write_text(endless.read_text() + "\x85" + END)
    with pytest.raises(SourceDamagedError, match="no end"):
        open_source(endless)
    assert frames(playlist(tmp_path, "whole.m3u8", *lines, END)) == 50


def test_a_playlist_of_playlists_is_read(tmp_path: Path, segments: list[str]) -> None:
    playlist(tmp_path, "low.m3u8", *[SEGMENT.format(name) for name in segments], END)
    assert frames(playlist(tmp_path, "master.m3u8", VARIANT.format("low.m3u8"))) == 50


@pytest.mark.parametrize("line", [VARIANT, TRACK, SEGMENT])
def test_a_playlist_that_names_itself_is_refused(tmp_path: Path, line: str) -> None:
    path = playlist(tmp_path, "itself.m3u8", line.format("itself.m3u8"), END)
    with pytest.raises(SourceDamagedError, match="playlist"):
        open_source(path)


@pytest.mark.parametrize("line", [VARIANT, TRACK, SEGMENT])
def test_playlists_that_name_each_other_are_refused(tmp_path: Path, line: str) -> None:
    path = playlist(tmp_path, "a.m3u8", VARIANT.format("b.m3u8"))
    playlist(tmp_path, "b.m3u8", line.format("a.m3u8"), END)
    with pytest.raises(SourceDamagedError, match="playlist"):
        open_source(path)


def test_a_segment_that_is_a_playlist_is_not_followed(tmp_path: Path, segments: list[str]) -> None:
    path = playlist(tmp_path, "outer.m3u8", SEGMENT.format("inner.ts"), END)
    playlist(tmp_path, "inner.ts", SEGMENT.format("inner.ts"), END)
    with pytest.raises(SourceError):
        open_source(path)
    # Behind a tag, where FFmpeg finds it too.
    inner = (tmp_path / "inner.ts").read_bytes()
    (tmp_path / "inner.ts").write_bytes(b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + inner)
    with pytest.raises(SourceError):
        open_source(path)


@pytest.mark.parametrize(
    ("count", "line", "words"),
    [
        (100_001, SEGMENT, "entries"),
        (101, VARIANT, "100 playlists"),
        (200_000, "# {}\n" * 5, "MiB"),
    ],
)
def test_playlists_are_bounded(tmp_path: Path, count: int, line: str, words: str) -> None:
    if line == VARIANT:
        for number in range(count):
            playlist(tmp_path, f"{number}.ts", SEGMENT.format("a.ts"), END)
    many = "".join(line.replace("{}", f"{number}.ts") for number in range(count))
    with pytest.raises(SourceDamagedError, match=words):
        open_source(playlist(tmp_path, "many.m3u8", many, END))


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="not a regular file"):
        open_source(pipe)
    path = playlist(tmp_path, "list.m3u8", SEGMENT.format("pipe.mp4"), END)
    began = time.monotonic()
    with pytest.raises(SourceError):
        open_source(path)
    assert time.monotonic() - began < 10


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_a_device_is_refused() -> None:
    with pytest.raises(SourceError, match="not a regular file"):
        open_source("/dev/zero")


@pytest.mark.parametrize(
    "head", [b"", b"\x47", b"\0\0\1\xba", b"\x1a\x45\xdf\xa3", b"ID3\4\0\0\x7f"]
)
def test_a_hundred_gigabytes_of_zeros_are_refused(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "zeros.mp4"
    path.write_bytes(head)
    os.truncate(path, 100 * 10**9)
    began = time.monotonic()
    with pytest.raises((SourceError, SourceLostError, StalledError)):
        open_source(path, InputSettings(open_timeout=3))
    assert time.monotonic() - began < 8


class Stuck:
    """Hangs until it is let go, as a call into native code may."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.closed = threading.Event()

    def open(self, *_: object) -> Stuck:
        self.free.wait(30)
        return self

    def close(self) -> None:
        self.closed.set()


def test_opening_that_hangs_is_given_up_and_what_it_opens_later_is_closed() -> None:
    stuck = Stuck()
    with pytest.raises(StalledError, match=r"opening it took longer than 0\.2 s"):
        watched(stuck.open, "opening it", timeout=0.2, discard=Stuck.close)
    assert not stuck.closed.is_set()
    stuck.free.set()
    assert stuck.closed.wait(5)


def opening(path: Path, stop: threading.Event) -> object:
    return open_source(path, cancelled=stop)


def verifying(path: Path, stop: threading.Event) -> object:
    return verify(path, cancelled=stop)


def anonymizing(path: Path, stop: threading.Event) -> object:
    return anonymize(path, path.with_name("never.mp4"), cancelled=stop)


@pytest.mark.parametrize("action", [opening, verifying, anonymizing])
def test_cancelling_ends_opening_at_once(
    action: Callable[[Path, threading.Event], object],
    face_clip: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stuck, stop = Stuck(), threading.Event()
    monkeypatch.setattr("streamguard.sources.registry._open", stuck.open)
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        action(face_clip, stop)
    assert time.monotonic() - began < 1.3
    stuck.free.set()


def test_verifying_ends_at_once_while_reading_hangs(
    face_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, stop = Stuck(), threading.Event()
    monkeypatch.setattr(FileSource, "read", lambda _self: iter([stuck.open()]))
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(CancelledError):
        verify(face_clip, cancelled=stop)
    assert not stuck.free.is_set()
    stuck.free.set()


def clip(path: Path, *sizes: tuple[int, int]) -> Path:
    """Write MJPEG whose pictures have these sizes; the container tells that of the first."""
    with av.open(str(path), "w", format="matroska") as output:
        stream = output.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = *sizes[0], "yuvj420p"
        for number, (width, height) in enumerate(sizes):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
            encoder.time_base = Fraction(1, 10)
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8))
            for packet in [*encoder.encode(frame.reformat(format="yuvj420p")), *encoder.encode()]:
                packet.stream, packet.pts, packet.dts = stream, number, number
                packet.time_base = Fraction(1, 10)
                output.mux(packet)
    return path


def test_a_video_beyond_the_limit_on_pixels_is_refused_and_can_be_allowed(tmp_path: Path) -> None:
    path = clip(tmp_path / "large.mkv", (640, 480), (640, 480))
    with pytest.raises(SourceError, match=r"640 x 480 pixels.*--max-pixels"):
        open_source(path, InputSettings(max_pixels=300_000))
    open_source(path, InputSettings(max_pixels=400_000)).close()


def test_a_picture_that_grows_beyond_the_limit_is_damage(tmp_path: Path) -> None:
    path = clip(tmp_path / "grows.mkv", (64, 48), (640, 480), (64, 48))
    with closing(open_source(path, InputSettings(max_pixels=10_000))) as opened:
        sizes = [item.picture.width for item in opened.read() if isinstance(item, Frame)]
    assert 640 not in sizes
    assert opened.damage


PEAK = """
import sys
from streamguard.settings import InputSettings
from streamguard.sources import open_source
try: open_source(sys.argv[1], {})
except OSError as error: print(error)
print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
BOMB = bytes.fromhex("474946383961803e803e800000000000ffffff2c00000000010001000002024401003b")


def open_apart(path: Path, options: str) -> list[str]:
    """Open a file in a process of its own; return the error, and the most memory it held."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK.format(options), path],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()[:2]


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gif"
    path.write_bytes(BOMB)
    words, highest = open_apart(path, "InputSettings()")
    assert "--max-pixels" in words
    assert int(highest.split()[1]) < 300_000


def test_a_gif_without_a_picture_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "empty.gif"
    path.write_bytes(BOMB.replace(b"\x80\x3e\x80\x3e", bytes(4)))
    with pytest.raises(SourceError):
        open_source(path)


def full_box(kind: bytes, *words: int, before: bytes = b"", after: bytes = b"") -> bytes:
    return box(kind, bytes(4), before, struct.pack(f">{len(words)}I", *words), after)


def box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I", 8 + len(data)) + kind + data


def test_an_index_bomb_is_refused_within_a_bound_on_memory(tmp_path: Path) -> None:
    """1.5 KB that declare 80 million frames of a byte each."""
    count, matrix = 80_000_000, (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    entry = box(
        b"avc1", bytes(6), b"\0\1", bytes(16), struct.pack(">HH", 64, 64), bytes(12), b"\0\1",
        bytes(32), b"\0\x18\xff\xff",
    )  # fmt: skip
    table = box(
        b"stbl",
        full_box(b"stsd", 1, after=entry),
        full_box(b"stts", 1, count, 1),
        full_box(b"stsc", 1, 1, count, 1),
        full_box(b"stsz", 1, count),
        full_box(b"stco", 1, 600),
    )
    media = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, 1000, 1000, 0),
        full_box(b"hdlr", 0, before=b"", after=b"vide" + bytes(13)),
        box(b"minf", full_box(b"vmhd", 0, 0), table),
    )
    track = box(
        b"trak", full_box(b"tkhd", 0, 0, 1, 0, 1000, 0, 0, 0, 0, *matrix, 64 << 16, 64 << 16), media
    )
    head = full_box(b"mvhd", 0, 0, 1000, 1000, 0x10000, 0x1000000, 0, 0, *matrix, *bytes(6), 2)
    path = tmp_path / "bomb.mp4"
    path.write_bytes(
        box(b"ftyp", b"isom\0\0\2\0isom") + box(b"moov", head, track) + box(b"mdat", bytes(999))
    )
    words, highest = open_apart(path, "InputSettings(open_memory=2**28)")
    assert "bomb.mp4" in words
    assert int(highest.split()[1]) < 500_000


def test_a_bound_on_memory_ends_with_the_block(face_clip: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    open_source(face_clip, InputSettings(open_memory=2**30)).close()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    with bounded_memory(2**30):
        assert resource.getrlimit(resource.RLIMIT_DATA) != before
        lift_bound()
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp", "bmp"])
def test_a_picture_with_gigabytes_behind_it_is_refused_before_they_are_read(
    tmp_path: Path, kind: str
) -> None:
    from PIL import Image

    path = tmp_path / f"a.{kind}"
    Image.new("RGB", (64, 64)).save(path)
    os.truncate(path, 20 * 10**9)
    with pytest.raises(SourceError, match="bytes"):
        open_source(path)
    os.truncate(path, 10**6)
    open_source(path).close()


def test_a_server_that_trickles_is_given_up_in_time() -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        client, _ = server.accept()
        with client, suppress(OSError):
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n")
            while True:
                client.sendall(b"G")
                time.sleep(0.05)

    threading.Thread(target=trickle, daemon=True).start()
    address = parse_address(f"http://127.0.0.1:{server.getsockname()[1]}/a.ts")
    began = time.monotonic()
    with server, pytest.raises(SourceLostError):
        LiveSource(address, LiveOptions(open_timeout=2.0))
    assert time.monotonic() - began < 10
