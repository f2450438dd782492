"""Whole relays into files: every frame that ever left is looked at for the raw mark."""

from __future__ import annotations

import itertools
import multiprocessing
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
    keep,
    luma_of,
    plan_of,
    recovered,
    relaying,
    shown,
    slowness,
    source_graph,
    until,
    wait_for,
    written,
)

from streamguard.relay.states import DropReason, State
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


def steps(judge: Judge) -> list[float]:
    """Return the seconds between one picture and the next."""
    return [b - a for a, b in itertools.pairwise(judge.times)]


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
    assert min(steps(judge)) > 0
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
        assert judge.scenes > 5


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


@pytest.mark.parametrize("sinks", [0, 1])
def test_a_camera_is_ready_while_frames_are_shown(tmp_path: Path, faults: Path, sinks: int) -> None:
    (faults / "error").touch()
    plan = plan_of(SOURCE, *[tmp_path / "out.mp4"][:sinks])
    with relaying(plan) as supervisor:
        camera = supervisor.cameras["cam"]
        until(supervisor, lambda camera: camera.status.errors >= 2)
        # Frames come in, yet none has left.
        assert camera.status.state is State.LIVE
        assert not camera.ready
        (faults / "error").unlink()
        until(supervisor, lambda camera: camera.ready)
        assert camera.mailbox is not None
        assert camera.mailbox.shown
        assert all(shown(output) for output in camera.outputs)
        (faults / "error").touch()
        until(supervisor, lambda camera: not camera.ready)
        assert camera.status.dropped[DropReason.DETECTOR] > 0


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
    assert max(steps(judge)) < 1.5 * slowness()


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
    assert judge.scenes >= 30
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


def test_another_look_ahead_leaves_no_gap_at_the_sink(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    plan = plan_of(SOURCE, out)
    with relaying(plan) as supervisor:
        until(supervisor, written(40))
        camera = supervisor.cameras["cam"]
        before, (output,) = camera.pids, camera.outputs
        for lookahead in (1.0, 0.4):
            settings = replace(plan.settings, lookahead=lookahead)
            assert supervisor.reload([replace(plan, settings=settings)]) == ["cam"]
            pid = camera.pids["cam: camera"]
            until(supervisor, lambda camera, pid=pid: camera.pids["cam: camera"] != pid)  # type: ignore[misc]
            until(supervisor, written(40))
        assert supervisor.cameras == {"cam": camera}
        assert camera.plan.lookahead == 0.4
        # The sink was never closed, and nothing counts as a fault.
        assert camera.pids[f"cam: {out}"] == before[f"cam: {out}"]
        assert camera.restarts == output.status.reconnects == 0
        assert camera.status.captured > 100
        pids = camera.pids.values()
    assert alive(pids) == []
    judge = Judge()
    judge.look_at_file(out)
    assert judge.raw == 0
    assert judge.times == sorted(judge.times)
    assert max(steps(judge)) < 2 * slowness()
    assert judge.slates < 20 * slowness()


def test_a_change_of_plan_while_one_is_under_way(tmp_path: Path) -> None:
    plan = plan_of(SOURCE, tmp_path / "out.mp4")
    with relaying(plan) as supervisor:
        until(supervisor, written(10))
        camera = supervisor.cameras["cam"]
        pid = camera.pids["cam: camera"]
        for lookahead in (0.5, 0.6, 0.7):
            settings = replace(plan.settings, lookahead=lookahead)
            supervisor.reload([replace(plan, settings=settings)])
            keep(supervisor, 0.2)
        until(supervisor, lambda camera: camera.pids["cam: camera"] != pid)
        until(supervisor, written(20))
        # One that is not ready yet ends with the others.
        supervisor.reload([plan])
        keep(supervisor, 0.3)
        pids = {child.pid for child in multiprocessing.active_children() if child.pid}
        assert len(pids) == 3
    assert alive(pids) == []


def test_reloading_touches_only_what_changed(tmp_path: Path) -> None:
    one, two = (plan_of(SOURCE, tmp_path / f"out-{name}.mp4", name=name) for name in ("one", "two"))
    with relaying(one, two) as supervisor:
        until(supervisor, written(20))
        untouched = supervisor.cameras["one"]
        pids = untouched.pids
        assert supervisor.reload([one, replace(two, patience=0.7)]) == ["two"]
        reached = written(20)
        until(supervisor, lambda _camera: reached(supervisor.cameras["two"]))
        assert supervisor.cameras["one"].pids == pids
        assert supervisor.reload([one]) == ["two"]
        until(supervisor, written(10))
        assert supervisor.cameras == {"one": untouched}
        assert untouched.pids == pids
        (output,) = untouched.outputs
        assert untouched.restarts == untouched.status.reconnects == 0
        assert output.status.reconnects == 0
    # A busy machine may owe it a slate; but all that it ever wrote is in one file, in order.
    assert [path.name for path in tmp_path.glob("out-one*")] == ["out-one.mp4"]
    judge = Judge()
    judge.look_at_file(tmp_path / "out-one.mp4")
    assert len(judge.times) >= output.status.frames
    assert min(steps(judge)) > 0
    assert judge.scenes >= 30
    assert judged(tmp_path).raw == 0


def test_time_stamps_that_jump_by_an_hour(tmp_path: Path) -> None:
    pieces = []
    for hours in (1, 2, 0):
        path = tmp_path / f"{hours}.ts"
        write_clip(path, source_graph(), 1.6, options={"output_ts_offset": str(3600 * hours)})
        pieces.append(path.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as server:
        camera = threading.Thread(target=send_at_its_pace, args=(server, pieces, 1.6))
        camera.start()
        source = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with relaying(plan_of(source, tmp_path / "out.mp4")) as supervisor:
            until(supervisor, written(100))
            status = supervisor.cameras["cam"].status
            assert (status.reconnects, status.errors) == (0, 0)
        camera.join(10)
    judge = judged(tmp_path)
    assert min(steps(judge)) > 0
    # The viewer sees nothing of it: no gap, and no slate but at the very beginning.
    longest = max(steps(judge)[20:])
    recovered("time stamps jump an hour ahead, and two back", longest, judge)
    assert longest < 0.6 * slowness()


def send_at_its_pace(server: socket.socket, pieces: list[bytes], seconds: float) -> None:
    """Send pieces of some seconds each, again and again, until nobody listens any more."""
    connection, _ = server.accept()
    parts = 25
    with connection, suppress(OSError):
        for piece in itertools.cycle(pieces):
            step = -(-len(piece) // parts)
            for at in range(0, len(piece), step):
                connection.sendall(piece[at : at + step])
                time.sleep(seconds / parts)


def test_children_die_with_their_supervisor(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            from streamguard.relay.supervisor import Supervisor

            supervisor = Supervisor([plan_of(SOURCE, tmp_path / "out.mp4")], PARTS)
            until(supervisor, written(5))
            words = " ".join(map(str, supervisor.cameras["cam"].pids.values()))
            (tmp_path / "words").write_text(words)
            (tmp_path / "words").rename(tmp_path / "pids")
            time.sleep(60)
        finally:
            os._exit(1)
    wait_for((tmp_path / "pids").exists, 30, "it did not start")
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert len(alive(pids)) == 2
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    wait_for(lambda: alive(pids) == [], 5, "they live on")
