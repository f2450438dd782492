"""The promise kept under faults: whatever breaks in a run, there is an error and no output."""

from __future__ import annotations

import math
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import pytest
from conftest import ROOT

import streamguard
from streamguard.detection import weights
from streamguard.detection.looks import Role
from streamguard.errors import (
    CancelledError,
    DetectionError,
    ModelError,
    RedactionError,
    SinkError,
    SourceDamagedError,
    SourceError,
    StalledError,
    StreamguardError,
    TrackingError,
)
from streamguard.faults import let_go
from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict
from streamguard.geometry import Box, Detection
from streamguard.judges.anonymizer import FrameAnonymizer
from streamguard.pipeline import Parts, run
from streamguard.protocols import Image
from streamguard.redaction import MaskRedactor
from streamguard.settings import Settings
from streamguard.sinks import FileSink
from streamguard.sources import FileSource
from streamguard.tracking.tracker import Tracker

Detect = Callable[[Image, int], Sequence[Detection]]

FACE = Box(100, 40, 140, 90)


class FakeDetector:
    """Says what it is told to say."""

    name = "fake"

    def __init__(self, detect: Detect) -> None:
        self._detect = detect
        self.calls = 0

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        self.calls += 1
        return self._detect(image, time_ms)

    def close(self) -> None:
        pass


def sees_a_face(_image: Image, _time_ms: int) -> list[Detection]:
    return [Detection(FACE, 0.9)]


def fails_late(error: BaseException, after: int = 2) -> Detect:
    """Return a detector's work that is well until, in the middle of the clip, it is not."""
    calls = 0

    def detect(image: Image, time_ms: int) -> list[Detection]:
        nonlocal calls
        calls += 1
        if calls > after:
            raise error
        return sees_a_face(image, time_ms)

    return detect


class FailingRedactor:
    """Redacts ten frames, then raises."""

    def __init__(self, error: BaseException) -> None:
        self._redactor = MaskRedactor(Settings().redaction)
        self._error = error

    def redact(self, verdict: Verdict) -> RedactedFrame:
        if verdict.frame.index == 10:
            raise self._error
        return self._redactor.redact(verdict)


class FailingSource(FileSource):
    """Reads ten frames, then raises."""

    error: BaseException = SourceDamagedError("the cable was pulled")

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        for item in super().read():
            if isinstance(item, Frame) and item.index == 10:
                raise self.error
            yield item


class Counting:
    """Stands before a real sink and counts."""

    def __init__(self, sink: FileSink) -> None:
        self.sink = sink
        self.written = self.aborted = self.closed = 0

    def write(self, frame: RedactedFrame) -> None:
        assert not self.aborted
        self.written += 1
        self.sink.write(frame)

    def passthrough(self, packet: PassthroughPacket) -> None:
        self.sink.passthrough(packet)

    def close(self) -> None:
        self.closed += 1
        self.sink.close()

    def abort(self) -> None:
        self.aborted += 1
        self.sink.abort()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Every test lets its hanging threads go; then all of them end."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive(), thread.name


def carry(
    clip: Path,
    output: Path,
    detect: Detect = sees_a_face,
    *,
    source: type[FileSource] = FileSource,
    redactor: FailingRedactor | MaskRedactor | None = None,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    observe: Callable[[Verdict, RedactedFrame], None] = lambda _verdict, _redacted: None,
    cancelled: threading.Event | None = None,
) -> Counting:
    """Run the real pipeline from file to file, with what is given in place of the real part."""
    with closing(source(clip)) as opened:
        sink = Counting(FileSink(output, opened, settings))
        detector = FakeDetector(detect)
        anonymizer = FrameAnonymizer(
            opened.info, settings, {"face": {Role.SECOND: detector, Role.PRIMARY: detector}}
        )
        parts = Parts(opened, anonymizer, redactor or MaskRedactor(settings.redaction), sink)
        stop = cancelled or threading.Event()
        try:
            run(parts, settings=settings, observe=observe, cancelled=stop)
        except BaseException:
            assert sink.aborted
            raise
        return sink


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_without_a_fault_there_is_a_whole_output(face_clip: Path, tmp_path: Path) -> None:
    sink = carry(face_clip, tmp_path / "out.mp4")
    assert (sink.written, sink.closed, sink.aborted) == (50, 1, 0)
    assert frames_in(tmp_path / "out.mp4") == 50
    assert names_in(tmp_path) == ["out.mp4"]


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (DetectionError("the model is tired"), DetectionError, "tired"),
        (ValueError("bad"), DetectionError, "the detector fake failed: ValueError: bad"),
        (MemoryError(), DetectionError, "MemoryError"),
        # A thread that dies of these must not end the program as if all were well.
        (SystemExit(0), DetectionError, "SystemExit"),
        (KeyboardInterrupt(), DetectionError, "KeyboardInterrupt"),
        (GeneratorExit(), DetectionError, "GeneratorExit"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.parametrize("after", [0, 3])
def test_detector_raises(
    face_clip: Path,
    tmp_path: Path,
    error: BaseException,
    expected: type[StreamguardError],
    words: str,
    after: int,
) -> None:
    with pytest.raises(expected, match=words):
        carry(face_clip, tmp_path / "out.mp4", fails_late(error, after))
    assert not names_in(tmp_path)


@pytest.mark.parametrize(
    ("box", "confidence"),
    [
        (Box(math.nan, 0, 10, 10), 0.9),
        (Box(0, 0, math.inf, 10), 0.9),
        (Box(50, 50, 10, 10), 0.9),
        (Box(0, 20, 10, 10), 0.9),
        (Box(-1e9, -1e9, 1e9, 1e9), 0.9),
        (FACE, math.nan),
        (FACE, -0.1),
        (FACE, 1.5),
    ],
)
def test_detector_returns_garbage(
    face_clip: Path, tmp_path: Path, box: Box, confidence: float
) -> None:
    with pytest.raises(DetectionError, match="the detector fake returned"):
        carry(face_clip, tmp_path / "out.mp4", lambda _i, _t: [Detection(box, confidence)])
    assert not names_in(tmp_path)


@pytest.mark.parametrize("garbage", [None, 7, [None], ["face"], [(1, 2, 3, 4)]], ids=repr)
def test_detector_returns_something_else(face_clip: Path, tmp_path: Path, garbage: Any) -> None:
    with pytest.raises(DetectionError, match="the detector fake"):
        carry(face_clip, tmp_path / "out.mp4", lambda _i, _t: garbage)
    assert not names_in(tmp_path)


@pytest.mark.parametrize("place", ["detector", "redactor", "source", "sink"])
def test_a_part_hangs(
    face_clip: Path, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamguard.faults.PATIENCE", 0.2)
    woken = threading.Event()

    def hangs(*_: object) -> Any:
        woken.wait(60)
        return []

    class HangingSource(FileSource):
        def read(self) -> Iterator[Frame | PassthroughPacket]:
            yield from (item for item, _ in zip(super().read(), range(20), strict=False))
            hangs()

    redactor = MaskRedactor(Settings().redaction)
    if place == "redactor":
        monkeypatch.setattr(redactor, "redact", hangs)
    elif place == "sink":
        monkeypatch.setattr(FileSink, "write", hangs)
    began = time.monotonic()
    names = {"source": "reading", "detector": "detection", "redactor": "redaction"}
    try:
        with pytest.raises(StalledError, match=names.get(place, "encoding")):
            carry(
                face_clip,
                tmp_path / "out.mp4",
                hangs if place == "detector" else sees_a_face,
                source=HangingSource if place == "source" else FileSource,
                redactor=redactor,
                settings=Settings(stall_timeout=0.5),
            )
        assert time.monotonic() - began < 20
        assert not names_in(tmp_path)
    finally:
        woken.set()


def test_a_sink_that_hangs_in_giving_up_does_not_hang_the_program() -> None:
    woken = threading.Event()

    def hangs() -> None:
        woken.wait(60)

    began = time.monotonic()
    let_go(hangs, 0.1)
    assert time.monotonic() - began < 20
    woken.set()


def test_what_closing_raises_is_raised() -> None:
    def fails() -> None:
        raise SinkError("the disk is full")

    with pytest.raises(SinkError, match="full"):
        let_go(fails)


def test_the_output_can_be_given_up_while_its_encoder_hangs(
    face_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamguard.faults.PATIENCE", 3.0)
    woken = threading.Event()

    def hangs(_self: FileSink, _picture: av.VideoFrame) -> av.VideoFrame:
        woken.wait(60)
        raise SinkError("woken")

    # Within `write`, so that the sink's own lock is held.
    monkeypatch.setattr(FileSink, "_fit", hangs)
    try:
        with pytest.raises(StalledError, match="encoding"):
            carry(face_clip, tmp_path / "out.mp4", settings=Settings(stall_timeout=0.5))
        assert not names_in(tmp_path)
    finally:
        woken.set()


def test_a_slow_detector_makes_a_run_slow_and_no_frame_bare(
    face_clip: Path, tmp_path: Path
) -> None:
    uncovered: list[int] = []

    def slow(image: Image, time_ms: int) -> list[Detection]:
        time.sleep(0.1)
        return sees_a_face(image, time_ms)

    def observe(verdict: Verdict, redacted: RedactedFrame) -> None:
        if not redacted.boxes:
            uncovered.append(verdict.frame.index)

    # Slower than all that waits for it together, but never silent for as long as the timeout.
    sink = carry(
        face_clip,
        tmp_path / "out.mp4",
        slow,
        observe=observe,
        settings=Settings(stall_timeout=2.0),
    )
    assert sink.written == 50
    assert not uncovered


@pytest.mark.parametrize("error", [RuntimeError("flow"), MemoryError(), SystemExit(0)], ids=repr)
def test_tracker_raises(
    face_clip: Path, tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    advance = Tracker.advance

    def fails(self: Tracker, moment: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == 30:
            raise error
        advance(self, moment)

    monkeypatch.setattr(Tracker, "advance", fails)
    with pytest.raises(TrackingError, match="tracking"):
        carry(face_clip, tmp_path / "out.mp4")
    assert not names_in(tmp_path)


@pytest.mark.parametrize(
    "error", [RedactionError("no"), ValueError("no"), MemoryError(), SystemExit(0)], ids=repr
)
def test_redactor_raises(face_clip: Path, tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(RedactionError):
        carry(face_clip, tmp_path / "out.mp4", redactor=FailingRedactor(error))
    assert not names_in(tmp_path)


@pytest.mark.parametrize("error", [SourceDamagedError("no"), OSError(5, "no"), SystemExit(0)])
def test_source_fails_midway(
    face_clip: Path, tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FailingSource, "error", error)
    with pytest.raises(SourceError):
        carry(face_clip, tmp_path / "out.mp4", source=FailingSource)
    assert not names_in(tmp_path)


@pytest.mark.parametrize("method", ["write", "passthrough", "close"])
@pytest.mark.parametrize("error", [SinkError("no"), MemoryError(), SystemExit(0)], ids=repr)
def test_sink_raises(
    face_clip: Path,
    tmp_path: Path,
    method: str,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(FileSink, method, fails)
    with pytest.raises(SinkError):
        carry(face_clip, tmp_path / "out.mp4")
    assert not names_in(tmp_path)


def test_what_the_callers_own_code_raises_reaches_the_caller(
    face_clip: Path, tmp_path: Path
) -> None:
    def observe(_verdict: Verdict, _redacted: RedactedFrame) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        carry(face_clip, tmp_path / "out.mp4", observe=observe)
    assert not names_in(tmp_path)


def test_no_frame_is_written_after_an_error(face_clip: Path, tmp_path: Path) -> None:
    failed = threading.Event()

    def fails(image: Image, time_ms: int) -> list[Detection]:
        if time_ms > 1500:
            failed.set()
            raise DetectionError("the model is tired")
        return sees_a_face(image, time_ms)

    class Waiting(MaskRedactor):
        """Redacts only once the other thread has failed."""

        def redact(self, verdict: Verdict) -> RedactedFrame:
            failed.wait(20)
            time.sleep(0.2)
            return super().redact(verdict)

    written: list[int] = []
    with pytest.raises(DetectionError, match="tired"):
        carry(
            face_clip,
            tmp_path / "out.mp4",
            fails,
            redactor=Waiting(Settings().redaction),
            observe=lambda _verdict, redacted: written.append(redacted.index),
        )
    assert not written


def test_cancelled(face_clip: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def slow(image: Image, time_ms: int) -> list[Detection]:
        stop.set()
        time.sleep(0.2)
        return sees_a_face(image, time_ms)

    with pytest.raises(CancelledError):
        carry(face_clip, tmp_path / "out.mp4", slow, cancelled=stop)
    assert not names_in(tmp_path)


def test_damaged_model(face_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for model in weights.MODELS.values():
        data = bytearray((weights.FOLDER / model.file).read_bytes())
        data[len(data) // 2] ^= 1
        (models / model.file).write_bytes(data)
    monkeypatch.setattr(weights, "FOLDER", models)
    results = tmp_path / "results"
    results.mkdir()
    with pytest.raises(ModelError, match="damaged"):
        streamguard.anonymize(face_clip, results / "out.mp4")
    assert not names_in(results)


def in_a_process(code: str, *args: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        **more,
    )


CLOSED_BETWEEN = """
import sys
from streamguard.errors import SourceLostError
from streamguard.media.address import parse_address
from streamguard.sources import open_source
from streamguard.sources.live import LiveSource

live = sys.argv[2] == "live"
source = LiveSource(parse_address(sys.argv[1])) if live else open_source(sys.argv[1])
packets = source._packets if live else source._demux
def closed_at_the_third():
    for number, packet in enumerate(packets()):
        if number == 2:
            source.close()
        yield packet
if live:
    source._packets = closed_at_the_third
else:
    source._demux = closed_at_the_third
try:
    print(len(list(source.read())) < 5)
except SourceLostError:
    print(True)
"""


@pytest.mark.parametrize("kind", ["file", "live"])
def test_a_source_closed_while_a_packet_is_on_its_way_ends(face_clip: Path, kind: str) -> None:
    # In a process of its own: FFmpeg crashes when it is asked for a stream of a closed file.
    done = in_a_process(CLOSED_BETWEEN, face_clip, kind)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_disk_full(face_clip: Path, tmp_path: Path) -> None:
    # A limit on the size of files stands in for a full disk: writing fails in the same call.
    code = (
        "import signal, sys; from streamguard.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); main()"
    )
    done = in_a_process(
        code,
        "anonymize",
        face_clip,
        "-o",
        tmp_path / "out.mp4",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )
    assert done.returncode == 1, done.stderr
    assert "out.mp4" in done.stderr
    assert "Traceback" not in done.stderr
    assert not names_in(tmp_path)


_OUT_OF_MEMORY = """
import resource, sys
import streamguard
from streamguard import api
from streamguard.cli import main
from streamguard.tracking.tracker import Tracker

advance, steps = Tracker.advance, 0

def hungry(self, moment):
    # In the middle of the run, all that is left is what is mapped already.
    global steps
    steps += 1
    if steps == 20:
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**20, resource.RLIM_INFINITY))
        self.hoard = [bytearray(2**26) for _ in range(2)]
    advance(self, moment)

Tracker.advance = hungry
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and a limit on address space")
def test_out_of_memory(face_clip: Path, tmp_path: Path) -> None:
    done = in_a_process(_OUT_OF_MEMORY, "anonymize", face_clip, "-o", tmp_path / "out.mp4")
    # The exit code of an abort in native code, which may find no memory first, is negative.
    assert done.returncode != 0, done.stderr
    assert not [name for name in names_in(tmp_path) if not name.startswith(".")]
    if done.returncode == 1:
        assert "memory" in done.stderr.lower()
        assert not names_in(tmp_path)


def test_killed(face_clip: Path, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, streamguard\n"
        "def kill(progress):\n"
        "    if progress.frames > 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "import streamguard.progress; streamguard.progress.INTERVAL = 0\n"
        "streamguard.anonymize(sys.argv[1], sys.argv[2], progress=kill)"
    )
    done = in_a_process(code, face_clip, tmp_path / "out.mp4")
    assert done.returncode == -9, done.stderr
    left = names_in(tmp_path)
    assert all(name.startswith(".") and ".part" in name for name in left), left


def test_a_detector_that_never_returns_does_not_keep_the_process_alive(
    face_clip: Path, tmp_path: Path
) -> None:
    code = (
        "import sys, time, streamguard.pipeline, streamguard.cli.options as options\n"
        "from dataclasses import replace\n"
        "from streamguard.cli import main\n"
        "from streamguard.detection.centerface import CenterFaceDetector\n"
        "import streamguard.cli.anonymize as command\n"
        "CenterFaceDetector.detect = lambda *_: time.sleep(1000)\n"
        "streamguard.faults.PATIENCE = 0.3\n"
        "settings_of = command.settings_of\n"
        "command.settings_of = lambda o: replace(settings_of(o), stall_timeout=1.0)\n"
        "main()"
    )
    done = in_a_process(code, "anonymize", face_clip, "-o", tmp_path / "out.mp4")
    assert done.returncode == 1, done.stderr
    assert "detection gave no sign of life for 1 s" in done.stderr
    assert not names_in(tmp_path)
