# ruff: noqa: E402, PERF401
"""Measures, not a test: camera server → relay → target server → reader, time coded in the picture.

    python tests/services/latency.py [LOOKAHEAD [SECONDS]]

Every picture carries the time it was made as 24 black and white squares along its lower edge.
The reader compares it with its own clock; both clocks are that of this machine.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

from live_kit import age, free_port, stamp
from rig import rtsp_server, stopping
from skimage import data

from streamguard.media.address import parse_address
from streamguard.relay.plan import CameraPlan
from streamguard.relay.supervisor import Supervisor
from streamguard.settings import Settings

_RATE = 30
_WIDTH, _HEIGHT = 1280, 720


def publish(url: str, stop: threading.Event) -> None:
    """Be a camera: a person in front of it, 720p at 30 Hz."""
    canvas = np.full((_HEIGHT, _WIDTH, 3), 96, np.uint8)
    canvas[100:612, 400:912] = data.astronaut()
    began, count = time.monotonic(), 0
    with av.open(url, "w", format="rtsp", options={"rtsp_transport": "tcp"}) as output:
        options = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}
        video = output.add_stream("libx264", rate=_RATE, options=options)
        video.width, video.height, video.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        video.codec_context.gop_size = _RATE
        while not stop.wait(max(0.0, began + count / _RATE - time.monotonic())):
            stamp(canvas)
            frame = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            frame.pts, frame.time_base = count, Fraction(1, _RATE)
            output.mux(video.encode(frame))
            count += 1


def play(url: str, stop: threading.Event, ages: list[float]) -> None:
    """Be a viewer who notes how old every picture is."""
    options = {"rtsp_transport": "tcp", "fflags": "nobuffer", "analyzeduration": "100000"}
    while not stop.wait(0.2):
        with suppress(av.FFmpegError, OSError), av.open(url, options=options, timeout=5) as source:
            source.streams.video[0].thread_type = "SLICE"
            for packet in source.demux(video=0):
                if stop.is_set():
                    return
                for picture in packet.decode():
                    ages.append(age(picture.to_ndarray(format="gray").astype(np.uint8)))


def main(lookahead: float, seconds: float) -> None:
    """Measure and print."""
    ports = free_port(), free_port()
    source, target = rtsp_server(ports[0], "cam"), rtsp_server(ports[1], "out")
    stop = threading.Event()
    ages: list[float] = []
    plan = CameraPlan(
        name="cam",
        source=parse_address(f"rtsp://127.0.0.1:{ports[0]}/cam"),
        sinks=(parse_address(f"rtsp://127.0.0.1:{ports[1]}/out/publish"),),
        settings=Settings(lookahead=lookahead),
    )
    with stopping(source, target):
        camera = f"rtsp://127.0.0.1:{ports[0]}/cam/publish"
        threading.Thread(target=publish, args=(camera, stop), daemon=True).start()
        viewer = f"rtsp://127.0.0.1:{ports[1]}/out"
        threading.Thread(target=play, args=(viewer, stop, ages), daemon=True).start()
        supervisor = Supervisor([plan])
        threading.Timer(seconds, stop.set).start()
        supervisor.run(stop)
    # The first seconds are those of a reader that catches up.
    shown = np.array([a for a in ages[3 * _RATE :] if a < 30])
    status = supervisor.cameras["cam"].status
    inside = supervisor.cameras["cam"].outputs[0].status.latencies
    dropped = status.dropped.total()
    print(f"look-ahead {lookahead} s: {len(shown)} pictures, {dropped} dropped")  # noqa: T201
    print(f"capture to sink: median <= {inside.quantile(0.5)}, p95 <= {inside.quantile(0.95)}")  # noqa: T201
    if len(shown):
        median, late = np.percentile(shown, [50, 95])
        print(f"camera to reader: median {median * 1000:.0f} ms, p95 {late * 1000:.0f} ms")  # noqa: T201


if __name__ == "__main__":
    main(*(float(word) for word in (*sys.argv[1:], *("0.4", "20")[len(sys.argv) - 1 :])))
