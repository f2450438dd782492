"""What cannot be read or written is told in one line, and leaves nothing behind."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamguard.errors import (
    NoVideoError,
    OutputExistsError,
    SinkError,
    SourceDamagedError,
    SourceError,
    SourceNotFoundError,
    StreamguardError,
    UsageError,
)
from streamguard.settings import Settings
from streamguard.sinks import open_sink
from streamguard.sources import open_source

ROOT = Path(__file__).resolve().parent.parent


def make(folder: Path, name: str, content: bytes | None) -> Path:
    path = folder / name
    if content is not None:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("missing.mp4", None, SourceNotFoundError),
        ("empty.mp4", b"", SourceDamagedError),
        ("text.mp4", b"This is no video.\n" * 100, SourceDamagedError),
        ("noise.mp4", bytes(range(256)) * 40, SourceDamagedError),
        ("broken.jpg", b"\xff\xd8\xff\xe0 and then nothing", SourceDamagedError),
        ("broken.png", b"\x89PNG\r\n\x1a\n", SourceDamagedError),
        ("list.txt", b"ffconcat version 1.0\nfile /etc/passwd\n", SourceDamagedError),
        ("list.mpd", b'<?xml version="1.0"?><MPD></MPD>', SourceDamagedError),
    ],
)
def test_unreadable_files_are_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, error: type[SourceError]
) -> None:
    path = make(tmp_path, name, content)
    with pytest.raises(error) as caught:
        open_source(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folder_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder"):
        open_source(tmp_path)


def test_sound_alone_is_no_video(tmp_path: Path, face_clip: Path) -> None:
    import av

    path = tmp_path / "sound.m4a"
    with av.open(str(face_clip)) as source, av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    with pytest.raises(NoVideoError, match="audio track"):
        open_source(path)


def test_cut_file_gives_what_is_left(tmp_path: Path, face_clip: Path) -> None:
    import av

    whole = tmp_path / "whole.ts"
    with av.open(str(face_clip)) as source, av.open(str(whole), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    data = bytearray(whole.read_bytes())
    for place in range(len(data) // 2, len(data), 301):
        data[place] ^= 0x55
    hurt = make(tmp_path, "hurt.ts", bytes(data))
    with closing(open_source(hurt)) as opened:
        frames = sum(1 for _ in opened.read())
        assert 5 < frames <= 50
        assert opened.damage > 0
        assert opened.damage_notes


def test_a_picture_the_decoder_patched_up_is_counted(tmp_path: Path, face_clip: Path) -> None:
    """Every container field stays whole, so only the decoder can notice."""
    import av

    hurt = tmp_path / "hurt.mkv"
    with av.open(str(face_clip)) as source, av.open(str(hurt), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for number, packet in enumerate(source.demux(video=0)):
            if packet.dts is None:
                continue
            data = bytearray(bytes(packet))
            # Several: threads of the decoder now and then lose the word about a single one.
            if number % 4 == 2 and not packet.is_keyframe:
                data[len(data) // 2 :: 40] = bytes(len(data[len(data) // 2 :: 40]))
            broken = av.Packet(bytes(data))
            broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
            broken.is_keyframe = packet.is_keyframe
            broken.stream = stream
            output.mux(broken)
    with closing(open_source(hurt)) as opened:
        assert sum(1 for _ in opened.read()) >= 45
        assert opened.damage > 0
        assert opened.damage_notes


def test_cut_file_with_its_index_is_told(tmp_path: Path) -> None:
    import av
    import numpy as np

    whole = tmp_path / "whole.mp4"
    noise = np.random.default_rng(1)
    with av.open(str(whole), "w", options={"movflags": "+faststart"}) as output:
        stream = output.add_stream("mpeg4", rate=25, options={"g": "1"})
        stream.width, stream.height = 64, 48
        for number in range(50):
            picture = noise.integers(0, 255, (48, 64, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    data = whole.read_bytes()
    with closing(open_source(make(tmp_path, "cut.mp4", data[: len(data) * 2 // 3]))) as opened:
        frames = sum(1 for _ in opened.read())
        assert 0 < frames < 45
        assert any("of 50 frames" in note for note in opened.damage_notes)


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A loopback server that writes down what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, asked
        server.shutdown()
        thread.join()


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    "how", ["{}", "file:{}", "file://{}", "../secret.ts", "sub/../../secret.ts"]
)
def test_playlist_cannot_name_files_outside_its_folder(
    tmp_path: Path, face_clip: Path, how: str
) -> None:
    secret = make(tmp_path, "secret.ts", face_clip.read_bytes())
    folder = tmp_path / "list"
    folder.mkdir()
    playlist = make(folder, "list.m3u8", PLAYLIST.format(how.format(secret)).encode())
    with pytest.raises(SourceDamagedError, match="outside its own folder"):
        open_source(playlist)


def test_playlist_cannot_reach_out_through_a_link(tmp_path: Path, face_clip: Path) -> None:
    folder = tmp_path / "list"
    folder.mkdir()
    (folder / "inside.mp4").symlink_to(face_clip)
    playlist = make(folder, "list.m3u8", PLAYLIST.format("inside.mp4").encode())
    with pytest.raises(SourceDamagedError):
        open_source(playlist)


@pytest.mark.parametrize("extension", ["m3u8", "mp4", "txt"])
def test_playlist_cannot_name_a_host(
    tmp_path: Path, listener: tuple[int, list[str]], extension: str
) -> None:
    port, asked = listener
    text = PLAYLIST.format(f"http://user:word@127.0.0.1:{port}/a.ts?key=word")
    with pytest.raises(SourceDamagedError) as caught:
        open_source(make(tmp_path, f"list.{extension}", text.encode()))
    assert asked == []
    assert "word" not in str(caught.value)


def test_playlist_of_its_own_segments_is_read(tmp_path: Path, face_clip: Path) -> None:
    import av

    with (
        av.open(str(face_clip)) as source,
        av.open(str(tmp_path / "list.m3u8"), "w", format="hls") as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    with closing(open_source(tmp_path / "list.m3u8")) as opened:
        assert sum(1 for _ in opened.read()) == 50


def test_existing_output_is_kept(tmp_path: Path, face_clip: Path) -> None:
    output = make(tmp_path, "there.mp4", b"mine")
    with closing(open_source(face_clip)) as opened, pytest.raises(OutputExistsError):
        open_sink(output, opened, Settings())
    assert output.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("kind", ["same", "symlink", "hardlink"])
def test_input_is_never_the_output(tmp_path: Path, face_clip: Path, kind: str) -> None:
    source = make(tmp_path, "in.mp4", face_clip.read_bytes())
    output = source if kind == "same" else tmp_path / "other.mp4"
    if kind == "symlink":
        output.symlink_to(source)
    if kind == "hardlink":
        output.hardlink_to(source)
    with closing(open_source(source)) as opened, pytest.raises(UsageError, match="input"):
        open_sink(output, opened, Settings(overwrite=True))
    assert source.read_bytes() == face_clip.read_bytes()


@pytest.mark.parametrize(
    ("output", "error"),
    [("no/such/folder.mp4", SinkError), ("odd.xyz", UsageError), ("photo.jpg", UsageError)],
)
def test_impossible_outputs_are_refused_before_any_work(
    tmp_path: Path, face_clip: Path, output: str, error: type[StreamguardError]
) -> None:
    with closing(open_source(face_clip)) as opened, pytest.raises(error):
        open_sink(tmp_path / output, opened, Settings())
    assert list(tmp_path.iterdir()) == []


FULL = """
import resource, signal, sys
from streamguard.errors import SinkError
from streamguard.frames import Frame, RedactedFrame
from streamguard.settings import Settings
from streamguard.sinks import open_sink
from streamguard.sources import open_source
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
source = open_source(sys.argv[1])
sink = open_sink(sys.argv[2], source, Settings())
try:
    for item in source.read():
        if isinstance(item, Frame):
            sink.write(RedactedFrame(item.picture, item.index))
    sink.close()
except SinkError as error:
    sink.abort()
    print(error)
    sys.exit(3)
"""


def test_full_disk_leaves_nothing(tmp_path: Path, face_clip: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, face_clip, tmp_path / "out.mp4"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "out.mp4" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can become somebody else")
@pytest.mark.parametrize("what", ["source", "folder"])
def test_missing_permission_is_told(tmp_path: Path, face_clip: Path, what: str) -> None:
    source = make(tmp_path, "in.mp4", face_clip.read_bytes())
    tmp_path.chmod(0o755)
    source.chmod(0o600 if what == "source" else 0o644)
    for parent in tmp_path.parents[:3]:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    code = (
        "import os, sys; from streamguard.sources import open_source;"
        " from streamguard.sinks import open_sink; from streamguard.settings import Settings;"
        " import av.video, av.container; os.setuid(65534)\n"
        "try: open_sink(sys.argv[2], open_source(sys.argv[1]), Settings())\n"
        "except PermissionError as error: print(type(error).__name__); sys.exit(3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, source, tmp_path / "out.mp4"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    expected = "SourcePermissionError" if what == "source" else "SinkPermissionError"
    assert done.stdout.strip() == expected
