"""Small files with one face that stays in its place, in every kind of container."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.video.stream import VideoStream

FRAMES = 10
RATE = 10
WIDTH, HEIGHT = 256, 192
FACE = (92, 38, 130, 88)
"""The inner face in every seed, from brow to chin: ``xyxy`` in pixels."""

_VIDEOS = {
    ".mp4": ("libx264", "aac", "yuv420p"),
    ".mkv": ("libx264", "libopus", "yuv420p"),
    ".ts": ("libx264", "mp2", "yuv420p"),
    ".webm": ("libvpx-vp9", "", "yuv420p"),
    ".avi": ("mpeg4", "libmp3lame", "yuv420p"),
    ".mpg": ("mpeg2video", "mp2", "yuv420p"),
    ".mov": ("mjpeg", "", "yuvj420p"),
}
_PHOTOS = (".jpg", ".png", ".bmp", ".tif")
_ANIMATIONS = (".gif", ".webp", ".avif")


def picture(number: int = 0) -> NDArray[np.uint8]:
    """Return one frame, RGB: the photograph at half size, with a bar that moves below it."""
    photo = np.array(data.astronaut()[: 2 * HEIGHT : 2, : 2 * WIDTH : 2])
    photo[-8:, :] = 30
    photo[-8:, 20 * number : 20 * number + 16] = 220
    return photo


def face_template() -> NDArray[np.uint8]:
    """Return the inner face as grey, to look for in outputs."""
    x1, y1, x2, y2 = FACE
    return np.asarray(Image.fromarray(picture()).convert("L"), np.uint8)[y1:y2, x1:x2]


def make_seeds(folder: Path) -> list[Path]:
    """Write every seed into a folder of its own below ``folder``; return the files."""
    return list(_make(folder))


def _make(folder: Path) -> Iterator[Path]:
    for suffix in (*_VIDEOS, *_PHOTOS, *_ANIMATIONS):
        own = folder / suffix.removeprefix(".")
        own.mkdir(parents=True)
        path = own / f"in{suffix}"
        if suffix in _VIDEOS:
            write_video(path, *_VIDEOS[suffix])
        else:
            _write_picture(path)
        yield path
    own = folder / "m3u8"
    own.mkdir()
    write_video(own / "segment.ts", "libx264", "", "yuv420p")
    path = own / "list.m3u8"
    path.write_text(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXTINF:1.0,\nsegment.ts\n#EXT-X-ENDLIST\n"
    )
    yield path


def write_video(path: Path, codec: str, sound: str, pix_fmt: str) -> None:
    """Write a second of video, with sound if a codec for it is named."""
    with av.open(str(path), "w") as container:
        video = cast("VideoStream", container.add_stream(codec, rate=RATE))
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, pix_fmt
        video.bit_rate = 800_000
        if sound:
            audio = cast("AudioStream", container.add_stream(sound, rate=48_000, layout="mono"))
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound:
            container.mux(audio.encode(_noise()))
            container.mux(audio.encode(None))


def _noise() -> av.AudioFrame:
    samples = np.random.default_rng(1).integers(-3000, 3000, (1, 48_000), np.int16)
    sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    sound.sample_rate, sound.pts = 48_000, 0
    return sound


def _write_picture(path: Path) -> None:
    frames = [Image.fromarray(picture(number)) for number in range(FRAMES // 2)]
    if path.suffix in _PHOTOS:
        frames[0].save(path)
    else:
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
