"""What was freed goes back to the system."""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path

import pytest

from streamguard.memory import give_back

BLOCK = 8192
"""Bytes; far below what the C library would ask of the system one by one."""


def resident() -> int:
    """Bytes of memory this process has in hand."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * mmap.PAGESIZE


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is nothing to do")
def test_holes_between_what_is_still_used_are_given_back() -> None:
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    blocks = [library.malloc(ctypes.c_size_t(BLOCK)) for _ in range(10_000)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK)
    # What stays in use between them keeps the library from giving anything back by itself.
    for number, block in enumerate(blocks):
        if number % 10:
            library.free(ctypes.c_void_p(block))
    held = resident()
    give_back()
    given_back = held - resident()
    for block in blocks[::10]:
        library.free(ctypes.c_void_p(block))
    assert given_back > 0.5 * 0.9 * len(blocks) * BLOCK


def test_systems_that_have_no_such_thing_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[None] = []
    monkeypatch.setattr("streamguard.memory.ctypes.CDLL", asked.append)
    give_back()  # a library without it, as musl is
    assert asked == [None] * (sys.platform == "linux")
    monkeypatch.setattr(sys, "platform", "win32")
    give_back()
    assert len(asked) <= 1
