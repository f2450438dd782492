"""The threads: order, what passes through, watching, and what the type checker forbids."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from conftest import ROOT

from streamguard.detection.looks import Role
from streamguard.errors import (
    CancelledError,
    DetectionError,
    SinkError,
    SourceDamagedError,
    StalledError,
    TrackingError,
)
from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict, VideoInfo
from streamguard.geometry import Box, Detection
from streamguard.judges.anonymizer import FrameAnonymizer
from streamguard.pipeline import Parts, decide, run
from streamguard.protocols import Image, Sink, Source
from streamguard.redaction import MaskRedactor
from streamguard.settings import Settings

WIDTH, HEIGHT, RATE = 64, 48, 25
INFO = VideoInfo(
    width=WIDTH,
    height=HEIGHT,
    pix_fmt="yuv420p",
    time_base=Fraction(1, RATE),
    frame_rate=Fraction(RATE),
)


def packet_of(number: int) -> PassthroughPacket:
    packet = av.Packet(bytes([number]))
    packet.pts = number
    return PassthroughPacket(cast("av.Packet[av.AudioStream]", packet))


def frame_of(index: int, side: int = 1) -> Frame:
    picture = av.VideoFrame(WIDTH * side, HEIGHT * side, "yuv420p")
    for plane in picture.planes:
        plane.update(np.full(plane.buffer_size, 40 + index, np.uint8).tobytes())
    picture.pts, picture.time_base = index, INFO.time_base
    return Frame(picture, index, 1000.0 * index / RATE)


class ListSource:
    """Yields what it was given."""

    info = INFO

    def __init__(self, items: Sequence[Frame | PassthroughPacket]) -> None:
        self._items = items

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        yield from self._items

    def close(self) -> None:
        pass


class ListSink:
    """Keeps what it is given."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.frames: list[RedactedFrame] = []
        self.packets: list[int | None] = []
        self.ends: list[str] = []
        self._seconds = seconds

    def write(self, frame: RedactedFrame) -> None:
        time.sleep(self._seconds)
        self.frames.append(frame)

    def passthrough(self, packet: PassthroughPacket) -> None:
        self.packets.append(packet.packet.pts)

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("aborted")


class Corner:
    """A detector that sees a face in the upper left corner."""

    name = "corner"

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        return [Detection(Box(4, 4, 20, 20), 0.9)]

    def close(self) -> None:
        pass


def carry(
    source: Source,
    sink: Sink,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    cancelled: threading.Event | None = None,
    observed: list[int] | None = None,
) -> None:
    anonymizer = FrameAnonymizer(
        INFO, settings, {"face": {Role.SECOND: Corner(), Role.PRIMARY: Corner()}}
    )

    def observe(verdict: Verdict, redacted: RedactedFrame) -> None:
        assert verdict.frame.index == redacted.index
        if observed is not None:
            observed.append(redacted.index)

    parts = Parts(source, anonymizer, MaskRedactor(settings.redaction), sink)
    run(parts, settings=settings, observe=observe, cancelled=cancelled or threading.Event())


def test_every_frame_arrives_once_in_order_covered_at_its_own_time() -> None:
    sink, observed = ListSink(), list[int]()
    carry(ListSource([frame_of(i) for i in range(60)]), sink, observed=observed)
    assert [frame.index for frame in sink.frames] == observed == list(range(60))
    assert [frame.picture.pts for frame in sink.frames] == list(range(60))
    assert all(frame.boxes for frame in sink.frames)
    assert sink.ends == ["closed"]


@pytest.mark.parametrize("lookahead", [0.0, 0.1, 5.0])
@pytest.mark.parametrize("count", [1, 2, 30])
def test_whatever_the_look_ahead_all_frames_come_out(lookahead: float, count: int) -> None:
    sink = ListSink()
    carry(ListSource([frame_of(i) for i in range(count)]), sink, Settings(lookahead=lookahead))
    assert [frame.index for frame in sink.frames] == list(range(count))
    assert all(frame.boxes for frame in sink.frames)


def test_packets_pass_in_order_all_of_them() -> None:
    items: list[Frame | PassthroughPacket] = []
    for index in range(40):
        items += [packet_of(2 * index), frame_of(index), packet_of(2 * index + 1)]
    sink = ListSink()
    carry(ListSource(items), sink)
    assert sink.packets == list(range(80))
    assert len(sink.frames) == 40


def test_a_video_that_is_only_packets_ends() -> None:
    sink = ListSink()
    carry(ListSource([packet_of(i) for i in range(5)]), sink)
    assert (sink.packets, sink.ends) == (list(range(5)), ["closed"])


def test_nothing_at_all_ends() -> None:
    sink = ListSink()
    carry(ListSource([]), sink)
    assert sink.ends == ["closed"]


def test_a_new_resolution_midway_loses_no_frame() -> None:
    sink = ListSink()
    carry(ListSource([frame_of(i, side=1 + (i > 20)) for i in range(40)]), sink)
    assert [frame.index for frame in sink.frames] == list(range(40))
    assert [frame.picture.width for frame in sink.frames] == [64] * 21 + [128] * 19
    assert all(frame.boxes for frame in sink.frames)


def test_a_slow_sink_holds_the_source_back() -> None:
    # Large frames, so that the queues between the threads hold but a few of them.
    taken: list[int] = []
    most = 0

    class Watching(ListSource):
        def read(self) -> Iterator[Frame | PassthroughPacket]:
            for index in range(40):
                taken.append(index)
                yield frame_of(index, side=40)

    class Slow(ListSink):
        def write(self, frame: RedactedFrame) -> None:
            nonlocal most
            most = max(most, len(taken) - len(self.frames))
            super().write(RedactedFrame(av.VideoFrame(2, 2, "yuv420p"), frame.index, frame.boxes))

    sink = Slow(0.02)
    carry(Watching([]), sink, Settings(lookahead=0.0))
    assert len(sink.frames) == 40
    # Two queues of 24 MB, 7.4 MB a frame, and one in every hand.
    assert most <= 12


def test_a_stall_shorter_than_the_timeout_is_none() -> None:
    class Pausing(ListSource):
        def read(self) -> Iterator[Frame | PassthroughPacket]:
            for index in range(10):
                time.sleep(0.15)
                yield frame_of(index)

    sink = ListSink()
    carry(Pausing([]), sink, Settings(stall_timeout=1.0))
    assert len(sink.frames) == 10


def test_a_source_that_falls_silent_is_named() -> None:
    woken = threading.Event()

    class Silent(ListSource):
        def read(self) -> Iterator[Frame | PassthroughPacket]:
            yield frame_of(0)
            woken.wait(60)

    sink = ListSink()
    began = time.monotonic()
    threading.Timer(2.0, woken.set).start()
    with pytest.raises(StalledError, match=r"reading and decoding gave no sign of life for 0\.3 s"):
        carry(Silent([]), sink, Settings(stall_timeout=0.3))
    assert time.monotonic() - began < 20
    assert sink.ends == ["aborted"]


def test_the_first_error_is_the_one_reported() -> None:
    class Failing(ListSource):
        def read(self) -> Iterator[Frame | PassthroughPacket]:
            yield frame_of(0)
            raise SourceDamagedError("first")

    class FailingToo(ListSink):
        def abort(self) -> None:
            super().abort()
            raise OSError("second")

    with pytest.raises(OSError, match="second") as caught:
        carry(Failing([]), FailingToo())
    assert isinstance(caught.value.__context__, SourceDamagedError)
    with pytest.raises(SourceDamagedError, match="first"):
        carry(Failing([]), ListSink())


def test_cancelled_before_it_starts() -> None:
    stop = threading.Event()
    stop.set()

    class Endless(ListSource):
        def read(self) -> Iterator[Frame | PassthroughPacket]:
            for index in range(10**9):
                yield frame_of(index)

    sink = ListSink()
    with pytest.raises(CancelledError):
        carry(Endless([]), sink, cancelled=stop)
    assert sink.ends == ["aborted"]
    written = len(sink.frames)
    time.sleep(0.2)
    assert len(sink.frames) == written


def test_a_thread_that_cannot_start_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    start, started = threading.Thread.start, []

    def fails(self: threading.Thread) -> None:
        if "redaction" in self.name:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", fails)
    sink = ListSink()
    with pytest.raises(RuntimeError, match="can't start"):
        carry(ListSource([frame_of(i) for i in range(5)]), sink)
    assert sink.ends == ["aborted"]
    for thread in started:
        thread.join(10)
        assert not thread.is_alive()


def test_the_switch_interval_is_put_back() -> None:
    before = sys.getswitchinterval()
    carry(ListSource([frame_of(0)]), ListSink())
    assert sys.getswitchinterval() == before


def decided(
    source: Source,
    settings: Settings = Settings(),  # noqa: B008 - frozen
    cancelled: threading.Event | None = None,
    detector: Corner | None = None,
) -> list[Verdict]:
    found: list[Verdict] = []
    detector = detector or Corner()
    judge = FrameAnonymizer(
        INFO, settings, {"face": {Role.SECOND: detector, Role.PRIMARY: detector}}
    )
    stop = cancelled or threading.Event()
    decide(source, judge, found.append, settings=settings, cancelled=stop)
    return found


class Forgetful(FrameAnonymizer):
    """A judge that gives one verdict too few, or too many."""

    def __init__(self, keep: slice, more: int) -> None:
        detectors = {"face": {Role.SECOND: Corner(), Role.PRIMARY: Corner()}}
        super().__init__(INFO, Settings(), detectors)
        self._keep, self._more = keep, more

    def finish(self) -> list[Verdict]:
        verdicts = super().finish()
        return verdicts[self._keep] + verdicts[-1:] * self._more


@pytest.mark.parametrize(("keep", "more"), [(slice(1, None), 0), (slice(None), 1)])
def test_every_frame_gets_one_verdict_or_the_run_fails(keep: slice, more: int) -> None:
    source = ListSource([frame_of(index) for index in range(9)])
    sink, stop = ListSink(), threading.Event()
    parts = Parts(source, Forgetful(keep, more), MaskRedactor(Settings().redaction), sink)
    with pytest.raises(TrackingError, match="have no verdict, or more than one"):
        run(parts, settings=Settings(), observe=lambda *_: None, cancelled=stop)
    assert sink.ends == ["aborted"]


def test_deciding_alone_gives_the_verdicts_of_a_run_and_passes_over_packets() -> None:
    items: list[Frame | PassthroughPacket] = []
    for index in range(60):
        items += [frame_of(index, side=1 + (index > 40)), packet_of(index)]
    seen: list[Verdict] = []
    judge = FrameAnonymizer(
        INFO, Settings(), {"face": {Role.SECOND: Corner(), Role.PRIMARY: Corner()}}
    )
    parts = Parts(ListSource(items), judge, MaskRedactor(Settings().redaction), ListSink())
    stop = threading.Event()
    run(parts, settings=Settings(), observe=lambda v, _: seen.append(v), cancelled=stop)
    found = decided(ListSource(items))
    assert [verdict.frame.index for verdict in found] == list(range(60))
    assert all(verdict.covers for verdict in found)
    assert [verdict.covers for verdict in found] == [verdict.covers for verdict in seen]


def test_deciding_that_fails_hangs_or_is_cancelled_ends() -> None:
    class Broken(Corner):
        def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
            raise RuntimeError("broken")

    class Hanging(Corner):
        def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
            time.sleep(1.5)
            return []

    frames = [frame_of(index) for index in range(60)]
    with pytest.raises(DetectionError, match="broken"):
        decided(ListSource(frames), detector=Broken())
    with pytest.raises(StalledError, match="detection gave no sign of life"):
        decided(ListSource(frames), Settings(stall_timeout=0.3), detector=Hanging())
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        decided(ListSource(frames), cancelled=stop)


def test_what_the_callers_own_code_raises_while_deciding_reaches_the_caller() -> None:
    def fail(_verdict: Verdict) -> None:
        raise KeyError("mine")

    judge = FrameAnonymizer(
        INFO, Settings(), {"face": {Role.SECOND: Corner(), Role.PRIMARY: Corner()}}
    )
    source, stop = ListSource([frame_of(index) for index in range(9)]), threading.Event()
    with pytest.raises(KeyError, match="mine"):
        decide(source, judge, fail, settings=Settings(), cancelled=stop)


def test_what_comes_before_closing_leaves_no_result_where_it_fails() -> None:
    def fail() -> None:
        raise SinkError("the analysis cannot be written")

    sink = ListSink()
    judge = FrameAnonymizer(
        INFO, Settings(), {"face": {Role.SECOND: Corner(), Role.PRIMARY: Corner()}}
    )
    redactor = MaskRedactor(Settings().redaction)
    parts = Parts(ListSource([frame_of(0)]), judge, redactor, sink, before_close=fail)
    with pytest.raises(SinkError, match="the analysis"):
        run(parts, settings=Settings(), observe=lambda *_: None, cancelled=threading.Event())
    assert sink.ends == ["aborted"]


_SNIPPET = """
from streamguard.frames import Frame, RedactedFrame, Verdict
from streamguard.protocols import Redactor, Sink
from streamguard.redaction.slots import Slot
from streamguard.relay.preview import Screen
from streamguard.sinks import AnimationSink, FileSink, GifSink, PhotoSink
from streamguard.sinks.arrays import array_of
from streamguard.sinks.jpeg import jpeg_of
from streamguard.sinks.kinds import LiveSink
from streamguard.sinks.stream import Stream
from streamguard.sinks.livemux import LiveMuxer
from streamguard.handoff.mailbox import Mailbox
from streamguard.sinks.recording import Recording
from streamguard.relay.window import Window
"""
_LEAK = """
def leak_{number}({place}frame: Frame, verdict: Verdict, redactor: Redactor) -> None:
    {call}({what}{more})
"""
_PLACES = (
    *((f"place: {sink}, ", "place.write", "") for sink in ("Sink", "FileSink", "GifSink")),
    *((f"place: {sink}, ", "place.write", "") for sink in ("PhotoSink", "AnimationSink")),
    *((f"place: {sink}, ", "place.write", ", 0") for sink in ("LiveSink", "Stream", "Recording")),
    *((f"place: {sink}, ", "place.write", ", 0") for sink in ("LiveMuxer", "Mailbox")),
    ("place: Slot, ", "place.write", ", 1, 0"),
    *((f"place: {screen}, ", "place.show", ', "", ""') for screen in ("Screen", "Window")),
    ("", "jpeg_of", ""),
    ("", "array_of", ""),
)
"""Every place that takes a picture: its type, what it is given the picture by, what else."""


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("redactor.redact(verdict)", ""),
        ("frame", 'has incompatible type "Frame"; expected "RedactedFrame"'),
        ("verdict", 'has incompatible type "Verdict"; expected "RedactedFrame"'),
        ("frame.picture", 'has incompatible type "VideoFrame"; expected "RedactedFrame"'),
        ("verdict.frame", 'has incompatible type "Frame"; expected "RedactedFrame"'),
    ],
)
def test_the_type_checker_guards_the_leak(what: str, error: str, tmp_path: Path) -> None:
    from mypy import api

    snippet = tmp_path / "snippet.py"
    leaks = [
        _LEAK.format(number=number, place=place, call=call, what=what, more=more)
        for number, (place, call, more) in enumerate(_PLACES)
    ]
    snippet.write_text(_SNIPPET + "".join(leaks))
    config = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir"]
    out, problems, code = api.run([*config, str(ROOT / ".mypy_cache"), str(snippet)])
    assert not problems
    found = [line for line in out.splitlines() if "snippet.py" in line and "error:" in line]
    assert len(found) == (len(_PLACES) if error else 0), out
    assert all(error in line for line in found)
    assert code == 0 or error
