"""What lies between camera and sink: redacted frames with a stamp, and nothing else comes out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest
from live_kit import ROOT, source_graph

from streamguard.frames import RedactedFrame
from streamguard.handoff.mailbox import Mailbox
from streamguard.redaction import blank_slate
from streamguard.redaction.slots import Slot, slot_size
from streamguard.relay.states import Freshness
from streamguard.relay.view import View
from streamguard.sinks.arrays import array_of

SIZE = 64, 48
NOTHING_OF = ("streamguard.detection", "streamguard.tracking", "streamguard.judges.anonymizer")
NO_LIBRARY = ("mediapipe", "onnxruntime")
REPORT = """
import multiprocessing, os, sys, threading, time
def report():
    while True:
        name = multiprocessing.current_process().name
        words = "\\n".join([name, *sorted(sys.modules.copy())])
        path = os.path.join(os.environ["MODULES_OF"], str(os.getpid()))
        with open(path + ".part", "w") as file:
            file.write(words)
        os.replace(path + ".part", path)
        time.sleep(0.3)
threading.Thread(target=report, daemon=True).start()
"""


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with closing(Mailbox.create(*SIZE)) as mailbox:
        yield mailbox


def scene(words: str = "") -> RedactedFrame:
    slate = blank_slate(*SIZE, text="x")
    return RedactedFrame(slate.picture, 0, (), words)


def view_of(box: Mailbox) -> View:
    return View(box, Freshness(patience=0.2, interval=0.05))


def memory_of(box: Mailbox) -> SharedMemory:
    return box._memory


def test_a_frame_comes_out_as_it_was_put_in(box: Mailbox) -> None:
    assert box.read() is None
    box.write(scene(), 12_500_000_001)
    held = box.read()
    assert held is not None
    assert (held.sequence, held.captured, held.frame.slate) == (1, 12_500_000_001, "")
    assert np.array_equal(array_of(held.frame), array_of(scene()))


def test_why_it_is_a_slate_comes_along(box: Mailbox) -> None:
    box.write(scene("damaged"), 1)
    held = box.read()
    assert held is not None
    assert held.frame.slate == "damaged"
    assert held.frame.boxes
    due = view_of(box).next()
    assert due is not None
    assert due.slate == "damaged"


@pytest.mark.parametrize("offset", [0, 8, 16, 64, 128, 192, -1])
def test_whatever_is_changed_the_frame_is_left_out(
    box: Mailbox, offset: int, caplog: pytest.LogCaptureFixture
) -> None:
    box.write(scene(), 1)
    room = np.frombuffer(memory_of(box).buf, np.uint8)  # type: ignore[arg-type]
    start = 256 + slot_size(*SIZE)
    room[start + (offset if offset >= 0 else 192 + SIZE[0] * SIZE[1] * 3 // 2 - 1)] ^= 1
    assert box.read() is None
    assert "without a valid stamp" in caplog.text
    del room


def test_pixels_that_redaction_did_not_stamp_never_leave(box: Mailbox) -> None:
    """The memory holds a bare picture, by whatever mistake; viewers are shown a slate."""
    view = view_of(box)
    box.write(scene(), time.monotonic_ns())
    first = view.next()
    assert first is not None
    assert not first.slate
    shown = []
    for _ in range(8):
        box.write(scene(), time.monotonic_ns())
        room = np.frombuffer(memory_of(box).buf, np.uint8)  # type: ignore[arg-type]
        start = 256 + (box.newest % 3) * slot_size(*SIZE) + 192
        room[start : start + SIZE[0] * SIZE[1]] = np.arange(SIZE[0] * SIZE[1]) % 251
        del room
        shown.append(view.next())
        time.sleep(0.05)
    due = [each for each in shown if each is not None]
    assert due
    assert all(each.slate and each.frame.slate for each in due)


def test_a_stamp_counts_in_its_own_memory_and_for_its_own_size_only() -> None:
    room = memoryview(bytearray(slot_size(*SIZE)))
    Slot(room, 0, SIZE, "one").write(scene(), 1, 0)
    assert Slot(room, 0, SIZE, "one").read(1) is not None
    assert Slot(room, 0, SIZE, "one").read(2) is None
    assert Slot(room, 0, SIZE, "other").read(1) is None
    assert Slot(room, 0, SIZE[::-1], "one").read(1) is None


def test_the_process_of_a_sink_knows_nothing_of_detection(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(REPORT)
    folder = tmp_path / "modules"
    folder.mkdir()
    paths = os.pathsep.join([str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH", "")])
    words = ["relay", f"lavfi:{source_graph()}", str(tmp_path / "out.mp4"), "--quality", "fast"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamguard", *words],
        env=os.environ | {"MODULES_OF": str(folder), "PYTHONPATH": paths},
        stderr=subprocess.DEVNULL,
    )
    try:
        part = tmp_path / "out.part.mp4"
        deadline = time.monotonic() + 90
        while not (part.exists() and part.stat().st_size > 3_000):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(0.7)
        found = [path.read_text().splitlines() for path in folder.iterdir() if not path.suffix]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    loaded = {name: set(modules) for name, *modules in found}
    sink = next(modules for name, modules in loaded.items() if "out.mp4" in name)
    camera = next(modules for name, modules in loaded.items() if name.endswith(": camera"))
    assert "streamguard.handoff.mailbox" in sink
    assert not [m for m in sink if m.startswith(NOTHING_OF) or m.split(".")[0] in NO_LIBRARY]
    # Else the report itself would be at fault.
    assert "streamguard.detection" in camera
    assert "onnxruntime" in camera
