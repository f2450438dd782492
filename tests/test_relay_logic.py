"""The pure parts of a relay: waiting, choosing, adapting, counting. No clock, no thread."""

from __future__ import annotations

import json
import logging
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_kit import plan_of

from streamguard.media.address import parse_address, told_apart
from streamguard.plans import Quality
from streamguard.relay.cameras import Camera
from streamguard.relay.logs import JsonFormatter, RepeatFilter
from streamguard.relay.metrics import exposition
from streamguard.relay.overload import Governor
from streamguard.relay.process import Child
from streamguard.relay.states import Backoff, Freshness, State
from streamguard.relay.status import CameraStatus, Latencies, OutputStatus, total


def test_waits_double_up_to_the_limit_and_start_again_after_success() -> None:
    backoff = Backoff(jitter=0)
    assert [backoff.after_failure() for _ in range(7)] == [0.25, 0.5, 1, 2, 4, 5, 5]
    backoff.after_success()
    assert backoff.after_failure() == 0.25


def test_refused_credentials_are_never_hammered() -> None:
    backoff = Backoff(chance=lambda: 1.0)
    assert [backoff.after_failure(hopeless=True) for _ in range(3)] == [30, 30, 30]
    assert backoff.after_failure() < 0.3


@given(st.floats(0, 1), st.integers(1, 40))
def test_jitter_only_shortens_a_wait(chance: float, failures: int) -> None:
    backoff, steady = Backoff(chance=lambda: chance), Backoff(jitter=0)
    for _ in range(failures):
        wait, longest = backoff.after_failure(), steady.after_failure()
        assert 0.8 * longest <= wait <= longest


def test_a_slate_goes_out_when_no_frame_comes_and_stops_when_one_does() -> None:
    fresh = Freshness(patience=0.5, interval=0.1)
    assert fresh.choose(1, 0.0) == "frame"
    seen = [fresh.choose(1, now / 100) for now in range(1, 101)]
    assert set(seen[:49]) == {""}
    assert seen[49:].count("slate") == 6
    assert fresh.choose(2, 1.01) == "frame"
    assert fresh.choose(2, 1.2) == ""
    assert fresh.choose(2, 1.52) == "slate"


def test_before_the_first_frame_there_are_slates_at_once() -> None:
    fresh = Freshness(patience=0.5, interval=0.1)
    assert fresh.choose(0, 100.0) == "slate"
    assert fresh.choose(0, 100.05) == ""
    assert 0.04 < fresh.wait(100.05) <= 0.05
    assert fresh.choose(0, 100.11) == "slate"


def test_slates_do_not_come_in_bursts_after_a_pause() -> None:
    fresh = Freshness(patience=0.5, interval=0.1)
    fresh.choose(1, 0.0)
    assert fresh.choose(1, 30.0) == "slate"
    assert fresh.choose(1, 30.001) == ""


@pytest.mark.parametrize(
    ("wanted", "levels"),
    [
        (Quality.THOROUGH, ["balanced", "fast", "fast"]),
        (Quality.BALANCED, ["fast", "fast", "fast"]),
        (Quality.FAST, ["fast", "fast", "fast"]),
    ],
)
def test_detection_gets_sparser_down_to_a_floor(wanted: Quality, levels: list[str]) -> None:
    governor = Governor(wanted)
    seen = []
    governor.changes(100.0, 0, 0)
    for period in range(1, 4):
        governor.changes(100.0 + 4 * period, 100 * period, 30 * period)
        seen.append(governor.quality.value)
    assert seen == levels


def test_detection_recovers_after_a_long_quiet_time_only() -> None:
    governor = Governor(Quality.BALANCED)
    governor.changes(0.0, 0, 0)
    assert governor.changes(4.0, 100, 50)
    changes = [governor.changes(4.0 * n, 100 * n, 50) for n in range(2, 20)]
    assert changes.index(True) == 14
    assert governor.quality is Quality.BALANCED
    assert changes.count(True) == 1


def test_a_few_drops_change_nothing() -> None:
    governor = Governor(Quality.BALANCED)
    assert not any(governor.changes(4.0 * n, 100 * n, 2 * n) for n in range(100))


def test_latencies_are_counted_in_buckets() -> None:
    latencies = Latencies()
    for seconds in (0.04, 0.12, 0.12, 0.12, 9.0):
        latencies.add(seconds)
    assert sum(latencies.counts) == 5
    assert latencies.quantile(0.5) == 0.15
    assert latencies.quantile(0.99) == float("inf")
    assert Latencies().quantile(0.5) == 0.0


def test_counters_survive_the_process_that_counted() -> None:
    before = CameraStatus(captured=10, faces=3, width=640, dropped=Counter(a=2))
    after = total(before, CameraStatus(captured=5, faces=1, width=320, dropped=Counter(a=1, b=4)))
    assert (after.captured, after.faces, after.width) == (15, 1, 320)
    assert after.dropped == Counter(a=3, b=4)
    old, new = OutputStatus(frames=2), OutputStatus(frames=3, state=State.LIVE)
    old.latencies.add(0.1)
    new.latencies.add(0.1)
    both = total(old, new)
    assert (both.frames, both.state, sum(both.latencies.counts)) == (5, State.LIVE, 2)
    assert sum(new.latencies.counts) == 1


def test_sinks_that_differ_in_a_secret_only_are_told_apart() -> None:
    names = ("rtmp://h/live/key-one", "rtsp://h/x", "rtmp://h/live/key-two", "rtmp://h/app/key-one")
    shown = [str(each) for each in told_apart([parse_address(name) for name in names])]
    assert shown == [
        "rtmp://h/live/*** #1",
        "rtsp://h/x",
        "rtmp://h/live/*** #3",
        "rtmp://h/app/***",
    ]
    sinks = ("rtsp://h/x?token=abcd", "rtsp://h/x?token=efgh", "rtsp://u:pass@h/x?token=ijkl")
    camera = Camera(plan_of("lavfi:color", *sinks))
    text = exposition(lambda: [camera]).decode()
    for metric in ("frames_written_total", "last_frame_timestamp_seconds", "reconnects_total"):
        series = [line for line in text.splitlines() if line.startswith(f"streamguard_{metric}{{")]
        ours = [line for line in series if "rtsp" in line]
        assert len(set(ours)) == 3
    for secret in ("abcd", "efgh", "ijkl", "pass"):
        assert secret not in text + repr(camera.outputs)
    for output in camera.outputs:
        assert output.address.url in sinks


def record(level: int, message: str) -> logging.LogRecord:
    return logging.LogRecord("streamguard.x", level, "x.py", 1, message, (), None)


def test_one_warning_a_second_for_each_cause() -> None:
    now = [0.0]
    filtered = RepeatFilter(lambda: now[0])
    assert filtered.filter(record(logging.WARNING, "front: bad"))
    assert not any(filtered.filter(record(logging.WARNING, "front: bad")) for _ in range(50))
    assert filtered.filter(record(logging.WARNING, "back: bad"))
    # A source that fails all the time hides no sink that is refused, however alike their names.
    assert filtered.filter(record(logging.WARNING, "front: rtsp://10.0.0.1:8554/a1 refuses"))
    assert filtered.filter(record(logging.WARNING, "front: rtsp://10.0.0.1:8554/a2 refuses"))
    assert filtered.filter(record(logging.WARNING, "front: rtmp://h/live/*** #1 refuses"))
    assert filtered.filter(record(logging.WARNING, "front: rtmp://h/live/*** #2 refuses"))
    assert filtered.filter(record(logging.INFO, "front: bad"))
    now[0] = 1.1
    late = record(logging.WARNING, "front: bad")
    assert filtered.filter(late)
    assert late.getMessage() == "front: bad (50 more like this before)"
    other = record(logging.WARNING, "front: rtsp://10.0.0.1:8554/a1 refuses")
    assert filtered.filter(other)
    assert "more" not in other.getMessage()


def test_figures_make_no_new_cause() -> None:
    filtered = RepeatFilter(lambda: 0.0)
    words = "front: its process ended; it is started again in {:.1f} s"
    assert filtered.filter(record(logging.WARNING, words.format(0.2)))
    assert not filtered.filter(record(logging.WARNING, words.format(0.4)))
    assert filtered.filter(record(logging.WARNING, "front: its process ended with code -9"))
    assert filtered.filter(record(logging.WARNING, "front: its process ended with code -11"))


def test_a_log_never_grows_however_many_causes_there_are() -> None:
    filtered = RepeatFilter(lambda: 0.0)
    for number in range(5000):
        filtered.filter(record(logging.WARNING, f"front: x{number}"))
        filtered.filter(record(logging.WARNING, f"front: x{number}"))
    assert len(filtered._last) <= 1000
    assert len(filtered._held) <= 1000


@pytest.mark.parametrize(
    ("name", "words", "line"),
    [
        ("camera: camera", "live: 64x48", "camera: live: 64x48"),
        ("cam: rtsp://h/x", "rtsp://h/x refuses", "cam: rtsp://h/x refuses"),
        ("cam: rtsp://h/x", "the sound is left out", "cam: rtsp://h/x: the sound is left out"),
    ],
)
def test_a_line_names_camera_and_sink_once(
    name: str, words: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    child = Child(name, print, lambda _link: (), 1.0, print)
    child.log(logging.WARNING, words)
    assert caplog.messages == [line]


def test_log_lines_as_json() -> None:
    entry = record(logging.WARNING, "two\nlines")
    entry.camera = "front"
    words = json.loads(JsonFormatter().format(entry))
    assert (words["level"], words["message"], words["camera"]) == ("warning", "two lines", "front")
