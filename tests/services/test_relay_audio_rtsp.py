"""Sound from a real RTSP server to another, in step with the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from live_kit import free_port, plan_of, relaying, slowness, until, written
from rig import Process, need_servers, stopping
from sound_kit import COPY, offsets, tracks, write_clip

from streamguard.settings import Settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    need_servers()
    port, program = free_port(), Path(__file__).with_name("sound_server.py")
    clip = write_clip(tmp_path / "clip.mp4", seconds=40)
    words = [str(program), str(port), str(clip), str(tmp_path / "served.mkv")]
    with stopping(Process(["/usr/bin/python3", *words], ready=b"ready")):
        yield f"rtsp://127.0.0.1:{port}"


def test_camera_server_to_target_server(server: str, tmp_path: Path) -> None:
    settings = Settings(lookahead=0.4)
    recording = tmp_path / "out.mp4"
    plan = plan_of(f"{server}/cam", f"{server}/out", recording, live=COPY, settings=settings)
    with relaying(plan) as supervisor:
        until(supervisor, written(350), 40)
        for output in supervisor.cameras["cam"].outputs:
            assert output.status.frames > 100
    for path in (recording, tmp_path / "served.mkv"):
        found = offsets(path)
        assert len(found) >= 3
        assert median(map(abs, found)) < 0.1 * slowness(), f"{path.name}: {found}"


def test_without_being_asked_no_sound_passes(server: str, tmp_path: Path) -> None:
    plan = plan_of(f"{server}/cam", tmp_path / "out.mp4")
    with relaying(plan) as supervisor:
        until(supervisor, written(30), 30)
    assert tracks(tmp_path / "out.mp4") == ["h264"]


def test_a_target_that_takes_no_sound_gets_the_pictures(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    with relaying(plan_of(f"{server}/cam", f"{server}/mute", live=COPY)) as supervisor:
        until(supervisor, written(30), 30)
    assert "the sound is left out" in caplog.text
