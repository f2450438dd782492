"""Make samples/astronaut.mp4: a moving face with sound, from a photograph in the public domain.

Run it with the ``dev`` extra installed: ``python samples/make_sample.py [OUTPUT]``.
"""

from __future__ import annotations

import math
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

WIDTH, HEIGHT, RATE, SECONDS = 640, 480, 25, 7
SAMPLE_RATE = 44_100

# Second, then the middle of the view and its width, in pixels of the 512 by 512 photograph.
# The face lies about (225, 115). It is there, leaves to the right, comes back, and stays, larger.
PATH = (
    (0.0, 235.0, 200.0, 500.0),
    (1.5, 215.0, 150.0, 330.0),
    (2.5, 440.0, 330.0, 300.0),
    (3.3, 440.0, 330.0, 300.0),
    (4.5, 235.0, 150.0, 340.0),
    (7.0, 225.0, 130.0, 260.0),
)


def view_at(second: float) -> tuple[float, float, float]:
    """Return the view's middle and width, eased between the points of `PATH`."""
    times = [point[0] for point in PATH]
    last = max(i for i, time in enumerate(times) if time <= second)
    if last == len(PATH) - 1:
        return PATH[-1][1:]
    share = (second - times[last]) / (times[last + 1] - times[last])
    share = (1 - math.cos(math.pi * share)) / 2
    pairs = zip(PATH[last][1:], PATH[last + 1][1:], strict=True)
    x, y, width = (a + (b - a) * share for a, b in pairs)
    return x, y, width


def picture_at(photo: NDArray[np.uint8], second: float) -> NDArray[np.uint8]:
    """Cut the view out of the photograph, scaled to the clip's size; beyond its edge it mirrors."""
    x, y, width = view_at(second)
    zoom = WIDTH / width
    matrix = np.array([[zoom, 0, WIDTH / 2 - zoom * x], [0, zoom, HEIGHT / 2 - zoom * y]])
    return np.asarray(
        cv2.warpAffine(
            photo,
            matrix,
            (WIDTH, HEIGHT),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        np.uint8,
    )


def melody() -> NDArray[np.float32]:
    """Return a rising chime, one note every half second: shape ``(1, samples)``, -1 to 1."""
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    note = 220 * 2 ** (np.array([0, 4, 7, 12, 7, 4])[(time * 2).astype(int) % 6] / 12)
    sound = 0.2 * np.sin(2 * np.pi * note * time) * np.exp(-4 * (time % 0.5))
    return np.asarray(sound[np.newaxis], np.float32)


def make(output: Path) -> None:
    """Write the clip: H.264 and AAC in MP4."""
    photo = data.astronaut()
    with av.open(str(output), "w", options={"movflags": "faststart"}) as container:
        video = container.add_stream("libx264", rate=RATE, options={"crf": "24", "preset": "slow"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
        audio.bit_rate = 48_000
        for number in range(RATE * SECONDS):
            frame = av.VideoFrame.from_ndarray(picture_at(photo, number / RATE), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
        sound = av.AudioFrame.from_ndarray(melody(), format="fltp", layout="mono")
        sound.sample_rate, sound.pts = SAMPLE_RATE, 0
        container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("astronaut.mp4"))
