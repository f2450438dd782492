"""What several test modules share: the face, a clip of it, the annotated media if there are any."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

ROOT = Path(__file__).resolve().parent.parent
FACE = (173, 62, 271, 190)
"""The astronaut's face from brow to chin, ``xyxy`` in pixels of the 512 by 512 photograph."""

_MEDIA = "annotated media"
# What a machine may lack and still count: media nobody may publish, rights that a container
# withholds. Anything else that is missing on CI, CI has to install.
_ALLOWED_SKIPS = (_MEDIA, "network namespaces", "mounts are not permitted")


@pytest.fixture(autouse=True)
def own_logging() -> Generator[None]:
    """Undo what a command run in this process does to our logger: `caplog` needs it open."""
    logger = logging.getLogger("streamguard")
    before = logger.level, logger.propagate, logger.handlers[:]
    yield
    logger.setLevel(before[0])
    logger.propagate, logger.handlers[:] = before[1:]


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """A public-domain photograph with one face at `FACE`: RGB, shape ``(512, 512, 3)``."""
    photo = np.asarray(data.astronaut(), np.uint8)
    photo.flags.writeable = False
    return photo


@pytest.fixture(scope="session")
def face_clip(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """Two seconds of 320 by 240 at 25 Hz, H.264 with AAC sound: the face moves to the right.

    In frame ``n`` the photograph is drawn at half size with its left edge at ``2 * n`` pixels,
    so the face is at ``FACE / 2 + (2 * n, 0)``. Read only.
    """
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    small = astronaut[::2, ::2]
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "fast"})
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio = container.add_stream("aac", rate=44_100, layout="mono")
        for number in range(50):
            canvas = np.full((240, 320, 3), 90, np.uint8)
            canvas[:, 2 * number :][:, :256] = small[:240, : 320 - 2 * number]
            frame = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        noise = rng.uniform(-0.1, 0.1, (1, 2 * 44_100)).astype(np.float32)
        sound = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
        sound.sample_rate, sound.pts = 44_100, 0
        container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of annotated media that may not be published; skips where there is none."""
    folder = Path(os.environ.get("STREAMGUARD_MEDIA", ROOT.parent / "shared" / "media"))
    if not (folder / "gt.json").is_file():
        pytest.skip(f"{_MEDIA} not found: set STREAMGUARD_MEDIA to their folder")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let no test skip for want of a service where STREAMGUARD_NO_SKIP is set, as it is on CI."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("STREAMGUARD_NO_SKIP"):
        reason = str(call.excinfo.value) if call.excinfo else ""
        if not reason.startswith(_ALLOWED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"skipped, which is not allowed here: {reason}"
    return report
