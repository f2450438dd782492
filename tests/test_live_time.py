"""Live time is counted in whole numbers: nothing drifts, however long a relay runs."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamguard.frames import RedactedFrame
from streamguard.handoff.mailbox import Mailbox
from streamguard.media.timing import NANOSECOND, SECOND, converted
from streamguard.relay.states import Freshness
from streamguard.relay.view import View
from streamguard.sinks.livemux import TIME_BASE, LiveFormat, LiveMuxer

RATE = Fraction(30_000, 1001)
WEEK = round(7 * 24 * 3600 * RATE)
"""Frames of a week."""
TICKS = 3003
"""Units of 1/90000 s from one frame to the next."""


def grey(number: int) -> RedactedFrame:
    picture = av.VideoFrame(64, 64, "yuv420p")
    for plane in picture.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    return RedactedFrame(picture, number)


def captured(number: int) -> int:
    """When a frame comes in by a camera's own clock, in whole nanoseconds; up for a year before."""
    return 365 * 24 * 3600 * SECOND + round(number * SECOND / RATE)


def test_nothing_drifts_in_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames go the way of the relay: into shared memory, out of it, into the muxer."""
    mailbox = Mailbox.create(64, 64)
    view = View(mailbox, Freshness(0.5, 0.1))
    form = LiveFormat(width=64, height=64, frame_rate=float(RATE))
    clock = [0]
    monkeypatch.setattr("streamguard.redaction.slots.time.monotonic_ns", lambda: clock[0])
    with av.open(io.BytesIO(), "w", format="matroska") as output:
        muxer = LiveMuxer(output, form)
        for number in (0, 1, 2, WEEK // 2, WEEK - 1, WEEK, WEEK + 1):
            clock[0] = captured(number)
            mailbox.write(grey(number), clock[0])
            due = view.next()
            assert due is not None
            muxer.write(due.frame, due.at)
            assert due.frame.picture.time_base == TIME_BASE
            assert due.frame.picture.pts == number * TICKS
        muxer.flush()
    mailbox.close()


def test_a_slate_goes_on_with_the_time_of_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox.create(64, 64)
    view = View(mailbox, Freshness(0.5, 0.1))
    clock = [captured(WEEK)]
    monkeypatch.setattr("streamguard.redaction.slots.time.monotonic_ns", lambda: clock[0])
    mailbox.write(grey(0), clock[0] - 40_000_000)
    assert view.next() is not None
    clock[0] += SECOND
    slate = view.next()
    assert slate is not None
    assert slate.slate
    assert slate.at == captured(WEEK) + SECOND - 40_000_000
    mailbox.close()


@given(st.integers(0, 10**18))
def test_a_time_comes_back_from_nanoseconds_as_it_was(ticks: int) -> None:
    assert converted(converted(ticks, TIME_BASE, NANOSECOND), NANOSECOND, TIME_BASE) == ticks
