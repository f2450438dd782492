"""What Prometheus is told; the names and units follow its own conventions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from streamguard.relay.process import Output
from streamguard.relay.states import DropReason, Reason, State
from streamguard.relay.status import LATENCY_BOUNDS, CameraStatus, Latencies
from streamguard.relay.supervisor import Camera

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS: tuple[tuple[str, str, Callable[[CameraStatus], float]], ...] = (
    ("frames_captured", "Frames that came in.", lambda s: s.captured),
    ("frames_redacted", "Frames that were redacted.", lambda s: s.redacted),
    (
        "packets_damaged",
        "Packets that could not be decoded, pictures patched up.",
        lambda s: s.damage,
    ),
    ("detection_errors", "Errors of detection and redaction.", lambda s: s.errors),
)
_GAUGES: tuple[tuple[str, str, Callable[[CameraStatus], float]], ...] = (
    ("up", "Whether frames come in.", lambda s: s.state is State.LIVE),
    ("faces", "Faces covered in the newest frame.", lambda s: s.faces),
    ("detection_level", "Steps that detection was made sparser by overload.", lambda s: s.level),
)


class _Collector(Collector):
    def __init__(self, cameras: Callable[[], Iterable[Camera]]) -> None:
        self._cameras = cameras

    def collect(self) -> Iterator[Metric]:
        cameras = list(self._cameras())
        for name, words, value in _COUNTERS:
            counter = CounterMetricFamily(f"streamguard_{name}", words, labels=["camera"])
            for camera in cameras:
                counter.add_metric([camera.plan.name], value(camera.status))
            yield counter
        for name, words, value in _GAUGES:
            gauge = GaugeMetricFamily(f"streamguard_{name}", words, labels=["camera"])
            for camera in cameras:
                gauge.add_metric([camera.plan.name], value(camera.status))
            yield gauge
        yield _by_reason(cameras)
        yield from _of_outputs(cameras)
        restarts = CounterMetricFamily(
            "streamguard_process_restarts", "Processes replaced.", labels=["camera"]
        )
        for camera in cameras:
            restarts.add_metric([camera.plan.name], camera.restarts)
        yield restarts


def _by_reason(cameras: list[Camera]) -> Metric:
    dropped = CounterMetricFamily(
        "streamguard_frames_dropped",
        "Frames dropped before detection.",
        labels=["camera", "reason"],
    )
    for camera in cameras:
        counts = camera.status.dropped
        # Every reason from the start: a rate cannot see the step from nothing to one.
        for reason in sorted({*DropReason, *counts}):
            dropped.add_metric([camera.plan.name, reason], counts[reason])
    return dropped


_PER_SINK: tuple[tuple[str, str, Callable[[Output], int]], ...] = (
    ("frames_written", "Frames written, slates included.", lambda output: output.status.frames),
    (
        "frames_skipped",
        "Redacted frames left out, since the sink was behind or a newer one was there.",
        lambda output: output.status.skipped,
    ),
    (
        "sink_outages",
        "Times that a sink took no pictures after it had taken some.",
        lambda output: output.outages,
    ),
)


def _of_outputs(cameras: list[Camera]) -> Iterator[Metric]:
    for name, text, count in _PER_SINK:
        family = CounterMetricFamily(f"streamguard_{name}", text, labels=["camera", "sink"])
        for camera, output in _outputs(cameras):
            family.add_metric([camera.plan.name, output.address.shown], count(output))
        yield family
    yield _slates(cameras)
    yield from _of_both_sides(cameras)
    yield _latency(cameras)


def _outputs(cameras: list[Camera]) -> Iterator[tuple[Camera, Output]]:
    for camera in cameras:
        for output in camera.outputs:
            yield camera, output


def _slates(cameras: list[Camera]) -> Metric:
    family = CounterMetricFamily(
        "streamguard_slate_frames", "Slates written.", labels=["camera", "sink", "reason"]
    )
    for camera, output in _outputs(cameras):
        counts = output.status.slates
        for reason in sorted({*Reason, *counts}):
            family.add_metric([camera.plan.name, output.address.shown, reason], counts[reason])
    return family


def _of_both_sides(cameras: list[Camera]) -> Iterator[Metric]:
    """Yield what is counted of sources and sinks alike."""
    labels = ["camera", "side"]
    reconnects = CounterMetricFamily(
        "streamguard_reconnects", "Connections opened again.", labels=labels
    )
    last = GaugeMetricFamily(
        "streamguard_last_frame_timestamp_seconds",
        "When the newest frame came in or was written.",
        labels=labels,
    )
    for camera in cameras:
        sides = [("source", camera.status.reconnects, camera.status.last_frame)]
        sides += [
            (output.address.shown, output.status.reconnects, output.status.last_frame)
            for output in camera.outputs
        ]
        for side, opened_again, newest in sides:
            reconnects.add_metric([camera.plan.name, side], opened_again)
            last.add_metric([camera.plan.name, side], newest)
    yield from (reconnects, last)


def _latency(cameras: list[Camera]) -> Metric:
    family = HistogramMetricFamily(
        "streamguard_latency_seconds", "Seconds from capture to sink.", labels=["camera", "sink"]
    )
    for camera, output in _outputs(cameras):
        latencies = output.status.latencies
        labels = [camera.plan.name, output.address.shown]
        family.add_metric(labels, _buckets(latencies), latencies.total)
    return family


def _buckets(latencies: Latencies) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in LATENCY_BOUNDS), "+Inf"]
    return list(zip(bounds, accumulate(latencies.counts), strict=True))


def exposition(cameras: Callable[[], Iterable[Camera]]) -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(cameras))
    return generate_latest(registry)
