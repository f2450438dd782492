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

from streamguard.relay.states import Drop, Reason, State
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
        for reason in sorted({*Drop, *counts}):
            dropped.add_metric([camera.plan.name, reason], counts[reason])
    return dropped


def _of_outputs(cameras: list[Camera]) -> Iterator[Metric]:
    labels = ["camera", "sink"]
    frames = CounterMetricFamily(
        "streamguard_frames_written", "Frames written, slates included.", labels=labels
    )
    slates = CounterMetricFamily(
        "streamguard_slate_frames", "Slates written.", labels=[*labels, "reason"]
    )
    reconnects = CounterMetricFamily(
        "streamguard_reconnects", "Connections opened again.", labels=["camera", "side"]
    )
    skipped = CounterMetricFamily(
        "streamguard_frames_skipped",
        "Redacted frames left out, since the sink was behind or a newer one was there.",
        labels=labels,
    )
    outages = CounterMetricFamily(
        "streamguard_sink_outages",
        "Times that a sink took no pictures after it had taken some.",
        labels=labels,
    )
    latency = HistogramMetricFamily(
        "streamguard_latency_seconds", "Seconds from capture to sink.", labels=labels
    )
    last = GaugeMetricFamily(
        "streamguard_last_frame_timestamp_seconds",
        "When the newest frame came in or was written.",
        labels=["camera", "side"],
    )
    for camera in cameras:
        name = camera.plan.name
        reconnects.add_metric([name, "source"], camera.status.reconnects)
        last.add_metric([name, "source"], camera.status.last_frame)
        for output in camera.outputs:
            sink, status = output.address.shown, output.status
            frames.add_metric([name, sink], status.frames)
            for reason in sorted({*Reason, *status.slates}):
                slates.add_metric([name, sink, reason], status.slates[reason])
            skipped.add_metric([name, sink], status.skipped)
            outages.add_metric([name, sink], output.outages)
            reconnects.add_metric([name, sink], status.reconnects)
            last.add_metric([name, sink], status.last_frame)
            latency.add_metric([name, sink], _buckets(status.latencies), status.latencies.total)
    yield from (frames, slates, skipped, outages, reconnects, latency, last)


def _buckets(latencies: Latencies) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in LATENCY_BOUNDS), "+Inf"]
    return list(zip(bounds, accumulate(latencies.counts), strict=True))


def exposition(cameras: Callable[[], Iterable[Camera]]) -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(cameras))
    return generate_latest(registry)
