"""Whole relays into files: every frame that ever left is looked at for the raw mark."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import av
import pytest
from live_kit import (
    FAULTS,
    PARTS,
    Judge,
    alive,
    is_raw,
    luma_of,
    plan_of,
    recovered,
    relaying,
    source_graph,
    until,
    written,
)

from streamguard.relay.states import State
from streamguard.settings import Settings

SOURCE = f"lavfi:{source_graph()}"


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "faults"
    folder.mkdir()
    monkeypatch.setenv(FAULTS, str(folder))
    return folder


def judged(folder: Path) -> Judge:
    judge = Judge()
    for path in folder.glob("out*.mp4"):
        judge.look_at_file(path)
    return judge


def test_the_judge_knows_the_raw_mark_when_it_sees_it() -> None:
    with av.open(source_graph(), format="lavfi") as container:
        picture = next(container.decode(video=0))
        assert is_raw(luma_of(picture))
    judge = Judge()
    judge.look(picture)
    assert (judge.raw, judge.scenes, judge.slates) == (1, 0, 0)


@pytest.mark.parametrize("lookahead", [0.0, 0.3])
def test_a_relay_into_a_file(tmp_path: Path, lookahead: float) -> None:
    plan = plan_of(SOURCE, tmp_path / "out.mp4", settings=Settings(lookahead=lookahead))
    with relaying(plan) as supervisor:
        until(supervisor, written(50))
        camera = supervisor.cameras["cam"]
        assert camera.state is State.LIVE
        pids = list(camera.pids.values())
        assert len(alive(pids)) == 2
    assert alive(pids) == []
    judge = judged(tmp_path)
    assert judge.raw == 0
    assert judge.scenes >= 50
    steps = [b - a for a, b in zip(judge.times, judge.times[1:], strict=False)]
    assert min(steps) > 0
    assert not list(tmp_path.glob("*.part.*"))


def test_a_recording_in_segments_that_play_when_cut_off(tmp_path: Path) -> None:
    plan = plan_of(SOURCE, tmp_path / "rec-%Y%m%d-%H%M%S.mp4", record_minutes=4.2 / 60)
    with relaying(plan) as supervisor:
        until(supervisor, lambda _camera: len(recorded(tmp_path)) > 1 and scenes_of_parts(tmp_path))
        # As if the power went: what is there now is all there will be.
        for pid in supervisor.cameras["cam"].pids.values():
            os.kill(pid, signal.SIGKILL)
    files = recorded(tmp_path)
    assert ".part." in files[-1].name
    for path in files:
        judge = Judge()
        judge.look_at_file(path)
        assert judge.raw == 0
        assert judge.scenes > 25


def recorded(folder: Path) -> list[Path]:
    return sorted(folder.glob("rec-*.mp4"), key=lambda path: path.name.replace(".part", ""))


def scenes_of_parts(folder: Path) -> int:
    """Return how many pictures can be seen in unfinished files; a group is written at its end."""
    judge = Judge()
    for path in folder.glob("rec-*.part.mp4"):
        with suppress(OSError, av.FFmpegError):
            judge.look_at_file(path)
    return judge.scenes


def test_errors_of_the_detector_cost_a_slate_and_nothing_else(tmp_path: Path, faults: Path) -> None:
    with relaying(plan_of(SOURCE, tmp_path / "out.mp4")) as supervisor:
        until(supervisor, written(10))
        (faults / "error").touch()
        until(supervisor, lambda camera: camera.outputs[0].status.slates["detector error"] > 3)
        assert supervisor.cameras["cam"].status.errors > 0
        (faults / "error").unlink()
        took = until(supervisor, written(20))
        assert supervisor.cameras["cam"].restarts == 0
    judge = judged(tmp_path)
    recovered("detector fails", took, judge)
    assert judge.slates > 3
    assert judge.scenes >= 30


@pytest.mark.parametrize("fault", ["hang", "native-hang", "crash"])
def test_a_camera_process_that_hangs_or_dies_is_replaced(
    tmp_path: Path, faults: Path, fault: str
) -> None:
    with relaying(plan_of(SOURCE, tmp_path / "out.mp4")) as supervisor:
        until(supervisor, written(10))
        before = supervisor.cameras["cam"].status.captured
        (faults / fault).touch()
        until(supervisor, lambda camera: camera.restarts == 1)
        (faults / fault).unlink()
        took = until(supervisor, written(20))
        camera = supervisor.cameras["cam"]
        assert camera.outputs[0].child is not None
        assert camera.outputs[0].child.restarts == 0
        assert camera.status.captured > before
    judge = judged(tmp_path)
    recovered(f"detector: {fault}", took, judge)
    assert judge.slates > 3
    # One file, and so one timeline, through all of it.
    assert [path.name for path in tmp_path.glob("out*")] == ["out.mp4"]
    assert max(b - a for a, b in zip(judge.times, judge.times[1:], strict=False)) < 1.5


def test_overload_drops_before_detection_and_never_shows_more(tmp_path: Path, faults: Path) -> None:
    (faults / "slow").touch()
    with relaying(plan_of(SOURCE, tmp_path / "out.mp4", budget=0.3)) as supervisor:
        until(supervisor, lambda camera: camera.status.level == 1)
        until(supervisor, lambda camera: camera.status.dropped["newer frame"] > 20)
    assert judged(tmp_path).raw == 0


def test_another_size_midway_keeps_the_outputs_size(tmp_path: Path) -> None:
    small, large = (tmp_path / f"{name}.mkv" for name in ("small", "large"))
    for path, size in ((small, (320, 240)), (large, (640, 480))):
        write_clip(path, source_graph(*size), seconds=2)
    current = tmp_path / "current.mkv"
    current.symlink_to(small)
    with relaying(plan_of(str(current), tmp_path / "out.mp4")) as supervisor:
        until(supervisor, written(10))
        current.unlink()
        current.symlink_to(large)
        until(supervisor, lambda camera: camera.status.width == 640)
        until(supervisor, written(20))
    judge = judged(tmp_path)
    assert judge.raw == 0
    assert judge.scenes > 30
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert {(f.width, f.height) for f in container.decode(video=0)} == {(320, 240)}


def write_clip(
    path: Path, graph: str, seconds: float, options: dict[str, str] | None = None
) -> None:
    """Write a clip of a graph; played again and again, its end is a lost connection."""
    with (
        av.open(graph, format="lavfi") as source,
        av.open(str(path), "w", options=options) as output,
    ):
        stream = source.streams.video[0]
        how = {"preset": "ultrafast", "crf": "10", "tune": "zerolatency"}
        video = output.add_stream("libx264", rate=25, options=how)
        video.width, video.height = stream.codec_context.width, stream.codec_context.height
        for picture in source.decode(video=0):
            if picture.time >= seconds:
                break
            output.mux(video.encode(picture))
        output.mux(video.encode(None))


def test_a_recordings_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out.part.mp4").write_bytes(b"somebody's")
    with relaying(plan_of(SOURCE, tmp_path / "out.mp4")) as supervisor:
        until(supervisor, written(10))
    judge = Judge()
    judge.look_at_file(tmp_path / "out-1.mp4")
    assert judge.raw == 0
    assert judge.scenes >= 10
    assert (tmp_path / "out.part.mp4").read_bytes() == b"somebody's"


def test_reloading_touches_only_what_changed(tmp_path: Path) -> None:
    one, two = (plan_of(SOURCE, tmp_path / f"out-{name}.mp4", name=name) for name in ("one", "two"))
    with relaying(one, two) as supervisor:
        until(supervisor, written(20))
        pids = supervisor.cameras["one"].pids
        assert supervisor.reload([one, replace(two, patience=0.7)]) == ["two"]
        reached = written(20)
        until(supervisor, lambda _camera: reached(supervisor.cameras["two"]))
        assert supervisor.cameras["one"].pids == pids
        assert supervisor.reload([one]) == ["two"]
        until(supervisor, written(10))
        assert supervisor.cameras["one"].pids == pids
    judge = Judge()
    judge.look_at_file(tmp_path / "out-one.mp4")
    assert (judge.raw, judge.slates) == (0, 0)
    assert max(b - a for a, b in zip(judge.times, judge.times[1:], strict=False)) < 0.5
    assert judged(tmp_path).raw == 0


def test_time_stamps_that_jump_by_an_hour(tmp_path: Path) -> None:
    pieces = []
    for hours in (1, 2, 0, 1):
        path = tmp_path / f"{hours}.ts"
        write_clip(path, source_graph(), 1.6, options={"output_ts_offset": str(3600 * hours)})
        pieces.append(path.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as server:
        camera = threading.Thread(target=send_at_its_pace, args=(server, b"".join(pieces), 6.4))
        camera.start()
        source = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with relaying(plan_of(source, tmp_path / "out.mp4")) as supervisor:
            until(supervisor, written(100))
            status = supervisor.cameras["cam"].status
            assert (status.reconnects, status.errors) == (0, 0)
        camera.join(10)
    judge = judged(tmp_path)
    steps = [b - a for a, b in zip(judge.times, judge.times[1:], strict=False)]
    assert min(steps) > 0
    # The viewer sees nothing of it: no gap, and no slate but at the very beginning.
    recovered("time stamps jump an hour ahead, and two back", max(steps[20:]), judge)
    assert max(steps[20:]) < 0.6


def send_at_its_pace(server: socket.socket, data: bytes, seconds: float) -> None:
    connection, _ = server.accept()
    parts = 100
    step = -(-len(data) // parts)
    with connection, suppress(OSError):
        for at in range(0, len(data), step):
            connection.sendall(data[at : at + step])
            time.sleep(seconds / parts)


def test_children_die_with_their_supervisor(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            from streamguard.relay.supervisor import Supervisor

            supervisor = Supervisor([plan_of(SOURCE, tmp_path / "out.mp4")], PARTS)
            until(supervisor, written(5))
            words = " ".join(map(str, supervisor.cameras["cam"].pids.values()))
            (tmp_path / "pids").write_text(words)
            time.sleep(60)
        finally:
            os._exit(1)
    deadline = time.monotonic() + 30
    while not (tmp_path / "pids").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.2)
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert len(alive(pids)) == 2
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    deadline = time.monotonic() + 5
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert alive(pids) == []
