"""A viewer over RTSP has each picture as soon as it was sent, as one over RTMP has."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import av
import numpy as np
import pytest
from live_kit import free_port, stamp

from streamguard.frames import RedactedFrame
from streamguard.media.address import parse_address
from streamguard.settings import Codec, EncodingSettings
from streamguard.sinks import open_live_sink
from streamguard.sinks.kinds import LiveSink
from streamguard.sinks.livemux import LiveFormat

EVERY = 0.3
READER = """
import sys, av, numpy as np
from live_kit import age
url, form, *options = sys.argv[1:]
options = dict(option.split("=") for option in options)
print("ready", flush=True)
with av.open(url, format=form, options=options, timeout=(20, 20)) as source:
    source.streams.video[0].thread_type = "SLICE"
    for picture in source.decode(video=0):
        print(age(picture.to_ndarray(format="gray").astype(np.uint8)), flush=True)
"""
COMMON = ["fflags=nobuffer", "flags=low_delay", "analyzeduration=100000"]
RTSP = ["rtsp", "rtsp_flags=listen", "listen_timeout=15", "rtsp_transport=tcp", *COMMON]
RTMP = ["flv", "listen=1", "probesize=5000", *COMMON]


def opened(url: str, form: LiveFormat) -> LiveSink:
    """Open a sink once its target listens."""
    for _ in range(100):
        try:
            return open_live_sink(parse_address(url), form)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("nobody listens")


@pytest.mark.parametrize(
    ("scheme", "reader", "codec"),
    [("rtsp", RTSP, Codec.H264), ("rtsp", RTSP, Codec.HEVC), ("rtmp", RTMP, Codec.H264)],
)
def test_no_picture_waits_for_the_next(scheme: str, reader: list[str], codec: Codec) -> None:
    url = f"{scheme}://127.0.0.1:{free_port()}/live/x"
    process = subprocess.Popen(
        [sys.executable, "-c", READER, url, *reader],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        form = LiveFormat(
            width=640, height=96, frame_rate=1 / EVERY, encoding=EncodingSettings(codec=codec)
        )
        sink = opened(url, form)
        for number in range(20):
            canvas = np.full((96, 640, 3), 96, np.uint8)
            stamp(canvas)
            picture = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            frame = RedactedFrame(picture.reformat(format="yuv420p"), number)
            sink.write(frame, time.monotonic_ns())
            time.sleep(EVERY)
    finally:
        process.kill()
        output, _ = process.communicate(timeout=10)
    ages = [float(line) for line in output.split()]
    assert len(ages) > 8
    assert np.median(ages[-8:]) < EVERY / 2
