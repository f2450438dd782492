"""Recordings by the clock of their pictures, not by that on the wall, nor by a promised rate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from live_kit import ROOT

from streamguard.frames import RedactedFrame
from streamguard.media.timing import SECOND
from streamguard.sinks.livemux import LiveFormat
from streamguard.sinks.recording import Recording

NOON = datetime(2026, 3, 29, 12)


def record(recording: Recording, seconds: float, rate: float) -> None:
    for number in range(round(seconds * rate)):
        shade = np.full((96, 64), 40 + number % 100, np.uint8)
        picture = av.VideoFrame.from_ndarray(shade, format="gray").reformat(format="yuv420p")
        recording.write(
            RedactedFrame(picture, number), 5000 * SECOND + round(number * SECOND / rate)
        )
    recording.close()


def keyframes(path: Path) -> Iterator[float]:
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.is_keyframe and packet.pts is not None:
                yield float(packet.pts * packet.time_base)


def form(minutes: float = 10.0) -> LiveFormat:
    return LiveFormat(width=64, height=64, frame_rate=25, record_minutes=minutes)


def test_keyframes_come_by_time_whatever_rate_was_promised(tmp_path: Path) -> None:
    record(Recording(tmp_path / "out.mp4", form()), 9, rate=5)
    assert list(keyframes(tmp_path / "out.mp4")) == [0, 2, 4, 6, 8]


def test_a_clock_on_the_wall_that_jumps(tmp_path: Path) -> None:
    # An hour ahead, then two back, to where the first file was begun.
    clock = iter([NOON, NOON + timedelta(hours=1), NOON, NOON - timedelta(hours=1)])
    recording = Recording(tmp_path / "rec-%H%M%S.mp4", form(2 / 60), now=lambda: next(clock))
    record(recording, 8, rate=10)
    names = ["rec-110000.mp4", "rec-120000-1.mp4", "rec-120000.mp4", "rec-130000.mp4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        with av.open(str(tmp_path / name)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 20


def test_memory_goes_back_after_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished: list[int] = []

    def count() -> None:
        finished.append(len([path for path in tmp_path.iterdir() if ".part." not in path.name]))

    monkeypatch.setattr("streamguard.sinks.recording.give_back", count)
    clock = (datetime(2026, 1, 1) + timedelta(seconds=n) for n in range(100))
    recording = Recording(tmp_path / "rec-%H%M%S.mp4", form(2 / 60), now=lambda: next(clock))
    record(recording, 5, rate=5)
    assert finished == [1, 2, 3]


def test_nothing_but_names_and_reports_looks_at_the_clock_on_the_wall() -> None:
    folders = ("relay", "sinks", "sources", "detection", "tracking", "redaction")
    lines = [
        line.strip()
        for folder in folders
        for path in (ROOT / "streamguard" / folder).glob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"time\.time\(|datetime\.now|localtime|strftime\(", line)
    ]
    assert lines
    allowed = r"status\.last_frame = |now: Callable|name = now\.strftime|path = self\._folder"
    assert [line for line in lines if not re.match(allowed, line)] == []
