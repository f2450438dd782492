"""The preview: pictures, words, keys, and a window on a screen that nobody watches."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from live_kit import PARTS, ROOT, Judge, is_raw, luma_of, plan_of, source_graph

from streamguard.frames import Frame, RedactedFrame, VideoInfo
from streamguard.media.timing import NANOSECOND
from streamguard.relay.mapping import tell_mapped
from streamguard.relay.preview import Preview
from streamguard.settings import Settings

SOURCE = f"lavfi:{source_graph()}"


class FakeScreen:
    """Judges what it is shown; presses keys one by one, a few pictures apart, then quits."""

    def __init__(self, keys: str, until: int = 60, alarm: str = "") -> None:
        self.judge = Judge()
        self.alarms: list[str] = []
        self.words: list[str] = []
        self.closed = False
        self._keys = list(keys)
        self._until = until
        self._alarm = alarm

    def show(self, frame: RedactedFrame, words: str, alarm: str) -> None:
        self.judge.look(frame.picture)
        self.words.append(words)
        self.alarms.append(alarm)

    def key(self, seconds: float) -> str:
        time.sleep(seconds)
        if self.judge.scenes > self._until or self.alarms[-1] == (self._alarm or None):
            return "q"
        if self._keys and self.judge.scenes > 5:
            return self._keys.pop(0)
        return ""

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("keys", ["", "beeebs"])
def test_a_preview_shows_the_scene_covered_whatever_is_pressed(tmp_path: Path, keys: str) -> None:
    screen = FakeScreen(keys)
    plan = plan_of(SOURCE, settings=Settings(lookahead=0))
    preview = Preview(plan, screen, tmp_path, PARTS)
    preview.run(threading.Event())
    assert screen.closed
    assert screen.judge.raw == 0
    assert screen.judge.scenes > 60
    assert screen.alarms[0] in ("starting", "waiting for a verdict")
    assert screen.alarms[-1] == ""
    assert screen.words[-1].endswith("1 face")
    snapshots = list(tmp_path.glob("snapshot-*.jpg"))
    assert len(snapshots) == keys.count("s")
    for path in snapshots:
        with av.open(str(path)) as photo:
            assert not is_raw(luma_of(next(photo.decode(video=0))))


def test_a_source_that_is_not_there_shows_a_slate(tmp_path: Path) -> None:
    screen = FakeScreen("", alarm="no signal")
    plan = plan_of("/dev/video-of-nobody", settings=Settings(lookahead=0))
    Preview(plan, screen, tmp_path, PARTS).run(threading.Event())
    assert screen.judge.scenes == 0
    assert screen.alarms[-1] == "no signal"
    assert screen.words[-1] == "/dev/video-of-nobody does not exist"


class Hanging:
    """A camera that neither sends anything nor lets go."""

    info = VideoInfo(width=64, height=64, pix_fmt="yuv420p", time_base=NANOSECOND, live=True)

    def __init__(self) -> None:
        self.reading, self.woken = threading.Event(), threading.Event()

    def read(self) -> Iterator[Frame]:
        self.reading.set()
        self.woken.wait(60)
        yield from ()

    def close(self) -> None:
        self.woken.wait(60)


def test_a_preview_ends_within_a_second_while_its_camera_hangs(tmp_path: Path) -> None:
    camera, stop, screen = Hanging(), threading.Event(), FakeScreen("")
    preview = Preview(plan_of(SOURCE), screen, tmp_path, replace(PARTS, source=lambda _: camera))
    shown = threading.Thread(target=preview.run, args=(stop,))
    shown.start()
    try:
        assert camera.reading.wait(30)
        began = time.monotonic()
        stop.set()
        shown.join(30)
        # The machine may be busy.
        assert time.monotonic() - began < 3
        assert screen.closed
    finally:
        camera.woken.set()


def preview_command(*words: str) -> list[str]:
    return [sys.executable, "-m", "streamguard", "preview", *words]


def test_the_window_is_there_before_pyav() -> None:
    # With PyAV's libxcb loaded first, OpenCV's window never opens.
    code = (
        "import sys, streamguard.cli.preview, streamguard.relay.window; print('av' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=100
    )
    assert ended.stdout == "False\n"


def test_without_a_display_there_is_a_hint() -> None:
    hidden = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
    ended = subprocess.run(
        preview_command(SOURCE),
        check=False,
        capture_output=True,
        text=True,
        env=hidden,
        timeout=100,
    )
    assert ended.returncode == 1
    assert "there is no display" in ended.stderr
    assert "--http" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    words = [server, "-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp"]
    # Else it starts anew after each screenshot before the window is there, and refuses the window.
    words += ["-noreset"]
    process = subprocess.Popen(words, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as number:
            yield f":{number.readline().strip()}"
    finally:
        process.terminate()
        process.wait(5)


def test_a_window_on_a_screen(display: str, tmp_path: Path) -> None:
    clip = ROOT / "samples" / "astronaut.mp4"
    environment = os.environ | {"DISPLAY": display}
    process = subprocess.Popen(
        preview_command(str(clip)), env=environment, cwd=tmp_path, stderr=subprocess.PIPE
    )
    try:
        # An empty window is of one colour, a slate nearly so; the clip has all shades.
        deadline = time.monotonic() + 90
        while np.unique(luma_of(screenshot(display))[60:340, 20:460]).size < 150:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.5)
        screenshot(display).save(str(tmp_path / "screen.png"))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()
        sys.stderr.write(errors.decode())
    assert b"Traceback" not in errors
    assert process.returncode == 0


_TOLD = """
import sys
from streamguard.relay.mapping import tell_mapped
from streamguard.relay.window import Window
window = Window("a window")
for _ in range(20):
    window.key(0.02)
sys.stderr.write("TELLING\\n")
assert tell_mapped()
for _ in range(20):
    window.key(0.02)
"""


def test_qt_hears_again_that_its_window_is_on_the_screen(display: str) -> None:
    # It loses events now and then; of a window that it does not know to be mapped it paints none.
    environment = os.environ | {"DISPLAY": display, "QT_LOGGING_RULES": "qt.qpa.events=true"}
    ended = subprocess.run(
        [sys.executable, "-c", _TOLD],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        timeout=100,
    )
    assert "XCB_MAP_NOTIFY" in ended.stderr.split("TELLING")[1]


def test_without_an_x_server_there_is_no_window_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    assert not tell_mapped()


def screenshot(display: str) -> av.VideoFrame:
    size = {"video_size": "1024x768"}
    with av.open(display, format="x11grab", options=size) as screen:
        return next(screen.decode(video=0))
