"""A clip of two faces whose ways cross, with the place of each face in every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from conftest import FACE
from numpy.typing import NDArray

from streamguard.geometry import Box

FRAMES = 75
WIDTH, HEIGHT = 640, 360
_SIZE = 0.55
_HEAD = (140, 10, 300, 230)
"""The astronaut's head with hair and neck, in the photograph."""

Way = Callable[[float], float]
"""Where the middle of a head is from left to right, 0 to 1, by the time from 0 to 1."""


@dataclass(frozen=True)
class Crossing:
    """Two ways and who is in front.

    Attributes:
        first: Way of the first face.
        second: Way of the second face.
        is_first_in_front: Whether the first face hides the second where they meet.
        lower: Pixels by which the second face is lower.
    """

    first: Way
    second: Way
    is_first_in_front: bool = True
    lower: int = 12


def _there(t: float) -> float:
    return 0.15 + 0.7 * t


def _back(t: float) -> float:
    return 0.85 - 0.7 * t


CROSSINGS = {
    "in front": Crossing(_there, _back),
    "behind": Crossing(_there, _back, is_first_in_front=False),
    "turning back": Crossing(
        lambda t: 0.15 + 0.8 * min(t, 1 - t), lambda t: 0.85 - 0.8 * min(t, 1 - t), lower=0
    ),
    "overtaking": Crossing(lambda t: 0.1 + 0.8 * t, lambda t: 0.4 + 0.2 * t, lower=0),
    "apart": Crossing(lambda t: 0.1 + 0.1 * t, lambda t: 0.9 - 0.1 * t),
}


@dataclass(frozen=True)
class Shown:
    """What one frame of the clip shows.

    Attributes:
        faces: Where both faces are, the hidden part of one included.
        visible: Which pixels of each face can be seen, ``bool``, shape ``(HEIGHT, WIDTH)``.
    """

    faces: tuple[Box, Box]
    visible: tuple[NDArray[np.bool_], NDArray[np.bool_]]


def draw(path: Path, photo: NDArray[np.uint8], crossing: Crossing) -> list[Shown]:
    """Write the clip, 3 s at 25 Hz; return what each frame shows."""
    x1, y1, x2, y2 = _HEAD
    size = round((x2 - x1) * _SIZE), round((y2 - y1) * _SIZE)
    head = np.asarray(cv2.resize(photo[y1:y2, x1:x2], size, interpolation=cv2.INTER_AREA), np.uint8)
    other = np.ascontiguousarray(head[:, ::-1, ::-1])
    rng = np.random.default_rng(3)
    noise = rng.integers(40, 200, (18, 32, 3), np.uint8)
    ground = np.asarray(cv2.resize(noise, (WIDTH, HEIGHT)), np.uint8)
    shown = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            t = number / (FRAMES - 1)
            places = [(crossing.first(t), 0, head), (crossing.second(t), crossing.lower, other)]
            canvas = ground.copy()
            owner = np.full((HEIGHT, WIDTH), -1, np.int8)
            for who in (1, 0) if crossing.is_first_in_front else (0, 1):
                _paste(canvas, owner, who, *places[who])
            faces = _face(*places[0]), _face(*places[1], is_mirrored=True)
            visible = _inside(faces[0]) & (owner == 0), _inside(faces[1]) & (owner == 1)
            shown.append(Shown(faces, visible))
            frame = av.VideoFrame.from_ndarray(canvas, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return shown


def _corner(place: float, lower: int, head: NDArray[np.uint8]) -> tuple[int, int]:
    height, width = head.shape[:2]
    return round(place * WIDTH - width / 2), round((HEIGHT - height) / 2) + lower


def _paste(
    canvas: NDArray[np.uint8],
    owner: NDArray[np.int8],
    who: int,
    place: float,
    lower: int,
    head: NDArray[np.uint8],
) -> None:
    x, y = _corner(place, lower, head)
    height, width = head.shape[:2]
    shape = np.zeros((height, width), np.uint8)
    cv2.ellipse(shape, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 1, -1)
    part = slice(y, y + height), slice(x, x + width)
    np.copyto(canvas[part], head, where=shape[..., None] > 0)
    owner[part][shape > 0] = who


def _inside(box: Box) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    x1, y1, x2, y2 = box.pixels(WIDTH, HEIGHT)
    mask[y1:y2, x1:x2] = True
    return mask


def _face(place: float, lower: int, head: NDArray[np.uint8], *, is_mirrored: bool = False) -> Box:
    """Return where the face is in the picture when the head is at a place."""
    x, y = _corner(place, lower, head)
    left, top, right, bottom = (
        _SIZE * (v - o) for v, o in zip(FACE, (_HEAD[0], _HEAD[1]) * 2, strict=True)
    )
    if is_mirrored:
        left, right = head.shape[1] - right, head.shape[1] - left
    return Box(x + left, y + top, x + right, y + bottom)
