"""People cut out of photos, who walk before a background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from annotated import Picture
from clips import Boxes
from numpy.typing import NDArray

_HIDDEN = 0.4
"""Share of a face that is hidden, or outside, from which it counts neither way."""
_OPAQUE = 0.5

Where = tuple[int, int]


@dataclass(frozen=True)
class Person:
    """Head and shoulders of somebody.

    Attributes:
        picture: With what is around.
        alpha: What of it is the person, 0 to 1, shape ``(height, width)``.
        face: x, y, width, height of the face in it.
    """

    picture: Picture
    alpha: NDArray[np.float32]
    face: list[float]


def cut_out(photo: Picture, face: Sequence[float], height: float) -> Person:
    """Cut a person out, so large that the face has a height in pixels at most.

    The outline is that of a head on shoulders, whatever lies there.
    """
    scale = min(1.0, height / face[3])
    scaled = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    small = np.asarray(scaled, np.uint8)
    x, y, w, h = (side * scale for side in face)
    left, top = max(0, round(x - 1.1 * w)), max(0, round(y - 0.6 * h))
    right, bottom = round(x + 2.1 * w), round(y + 3.2 * h)
    part = small[top:bottom, left:right]
    alpha = np.zeros(part.shape[:2], np.float32)
    center = round(x + w / 2) - left, round(y + h * 0.42) - top
    cv2.ellipse(alpha, center, (round(0.72 * w), round(0.85 * h)), 0, 0, 360, 1.0, -1)
    neck = round(y + 1.15 * h) - top
    axes = round(1.1 * w), round(0.5 * h)
    cv2.ellipse(alpha, (center[0], neck + axes[1]), axes, 0, 0, 360, 1.0, -1)
    alpha[neck + axes[1] :, max(0, center[0] - axes[0]) : center[0] + axes[0]] = 1
    soft = cv2.GaussianBlur(alpha, (5, 5), 0).astype(np.float32)
    return Person(part, soft, [x - left, y - top, w, h])


def walked(
    background: Picture, people: Sequence[Person], kind: str, time: float
) -> tuple[Picture, Boxes, Boxes]:
    """Return a frame in which people walk, the faces in it, and those that are hidden.

    Args:
        background: What is behind them.
        people: The last is nearest.
        kind: How they walk, one of those in `place`.
        time: 0 to 1.
    """
    picture = background.copy()
    height, width = picture.shape[:2]
    seen: list[tuple[list[float], NDArray[np.bool_]]] = []
    for number, person in enumerate(people):
        left, top = place(kind, number, time, person, (width, height))
        hides = pasted(picture, person, left, top)
        seen = [(box, parts | hides) for box, parts in seen]
        x, y, w, h = person.face
        box = [round(float(v), 1) for v in (x + left, y + top, w, h)]
        seen.append((box, np.zeros((height, width), np.bool_)))
    faces: Boxes = []
    hidden: Boxes = []
    for box, hides in seen:
        share = hidden_share(box, hides)
        if share < 1:
            (faces if share < _HIDDEN else hidden).append(box)
    return picture, faces, hidden


def place(kind: str, number: int, time: float, person: Person, size: tuple[int, int]) -> Where:
    """Return where a person is: the left and top of the cut-out."""
    width, height = size
    tall, wide = person.picture.shape[:2]
    far = width - wide
    ways = {
        "cross": (far * time, far * (1 - time)),
        "enter": (-wide + (far / 2 + wide) * min(1, 1.5 * time), far * 0.9),
        "leave": (far * 0.1, far / 2 + (width - far / 2) * min(1, 1.3 * time)),
        "pass": (far * 0.5, -wide + (width + wide) * time),
        "behind": (far * (0.25 + 0.5 * np.sin(np.pi * time)), far * 0.5),
    }
    step = 0.01 * height * abs(np.sin(6 * np.pi * time + number))
    return round(ways[kind][number % 2]), round(height - tall + (number == 0) * 4 + step)


def pasted(picture: Picture, person: Person, left: int, top: int) -> NDArray[np.bool_]:
    """Lay a person over a picture; return what that hides."""
    height, width = picture.shape[:2]
    move = np.array([[1.0, 0, left], [0, 1, top]])
    alpha = cv2.warpAffine(person.alpha, move, (width, height))
    shown = cv2.warpAffine(person.picture, move, (width, height))
    picture[:] = picture + (shown.astype(np.float32) - picture) * alpha[..., None]
    hides: NDArray[np.bool_] = alpha > _OPAQUE
    return hides


def hidden_share(box: Sequence[float], hides: NDArray[np.bool_]) -> float:
    """Return the share of a box that is hidden or outside the picture."""
    x, y, w, h = box
    x1, y1, x2, y2 = max(0, round(x)), max(0, round(y)), round(x + w), round(y + h)
    part = hides[y1 : max(0, y2), x1 : max(0, x2)]
    return 1 - float((~part).sum()) / max(1.0, w * h)
