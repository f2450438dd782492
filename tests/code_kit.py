"""Pictures of QR codes and EAN-13 bar codes, at rest and moving, and who can read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]

_WIDTHS = ("3211", "2221", "2122", "1411", "1132", "1231", "1114", "1312", "1213", "3112")
"""Widths of the four bars of each digit (ISO/IEC 15420, set A)."""
_SETS = ("000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101")
"""Which of the left six digits are drawn in set B, by the leading digit."""
_FINE = 4
"""Samples per pixel and side that a code is drawn with before it is scaled."""


@cache
def qr_code(text: str = "https://pay.example/t?id=1234567890") -> Gray:
    """Return a QR code, one pixel a module, with its quiet zone."""
    code = cv2.QRCodeEncoder.create().encode(text)
    rows, columns = np.nonzero(code == 0)
    code = code[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return np.asarray(np.pad(code, 4, constant_values=255), np.uint8)


@cache
def bar_code(digits: str = "590123412345") -> Gray:
    """Return an EAN-13 code, one pixel a bar, with its quiet zone."""
    weights = [1, 3] * 6
    digits += str(-sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 10)
    marks = _SETS[int(digits[0])]
    left = "".join(
        _bars(int(d), m == "1", white=True) for d, m in zip(digits[1:7], marks, strict=True)
    )
    right = "".join(_bars(int(d), flipped=False, white=False) for d in digits[7:])
    row = [255 * (bar == "0") for bar in f"101{left}01010{right}101"]
    code = np.tile(np.array(row, np.uint8), (50, 1))
    return np.asarray(np.pad(code, ((4, 4), (9, 9)), constant_values=255), np.uint8)


def _bars(digit: int, flipped: bool, white: bool) -> str:
    widths = _WIDTHS[digit][:: -1 if flipped else 1]
    return "".join(str((n + (not white)) % 2) * int(w) for n, w in enumerate(widths))


def ground(width: int, height: int, seed: int = 3) -> Gray:
    """Return a grey texture that holds no code."""
    rng = np.random.default_rng(seed)
    coarse, fine = (rng.normal(0, s, (height, width)).astype(np.float32) for s in (300, 60))
    picture = 128 + cv2.GaussianBlur(coarse, (0, 0), 4) + cv2.GaussianBlur(fine, (0, 0), 1)
    return np.asarray(np.clip(picture, 20, 235), np.uint8)


@dataclass(frozen=True)
class Place:
    """Where a code lies: its middle and width in pixels, its turn in degrees, its slant."""

    x: float
    y: float
    width: float
    angle: float = 0.0
    slant: float = 0.0

    def corners(self, code: Gray) -> NDArray[np.float32]:
        """Return the four corners in pixels."""
        half_x, half_y = self.width / 2, self.width / 2 * code.shape[0] / code.shape[1]
        square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (half_x, half_y)
        square *= 1 + self.slant * np.array([(0, 1), (1, -1), (-1, 0), (1, 1)])
        cos, sin = np.cos(np.deg2rad(self.angle)), np.sin(np.deg2rad(self.angle))
        turned = square @ np.array([(cos, sin), (-sin, cos)])
        return np.asarray(turned + np.array([self.x, self.y]), np.float32)


def draw(picture: Gray, code: Gray, place: Place) -> None:
    """Draw a code as a camera would see it, also over the edges."""
    height, width = picture.shape
    corners = place.corners(code)
    x1, y1 = np.floor(corners.min(axis=0)).astype(int) - 2
    x2, y2 = np.ceil(corners.max(axis=0)).astype(int) + 2
    rows, columns = code.shape
    source = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    target = ((corners - (x1, y1)) * _FINE).astype(np.float32)
    size = int(x2 - x1) * _FINE, int(y2 - y1) * _FINE
    matrix = cv2.getPerspectiveTransform(source, target)
    layers = [
        cv2.resize(
            cv2.warpPerspective(layer, matrix, size, flags=cv2.INTER_NEAREST),
            (int(x2 - x1), int(y2 - y1)),
            interpolation=cv2.INTER_AREA,
        ).astype(np.float32)
        for layer in (code, np.full_like(code, 255))
    ]
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    if left >= right or top >= bottom:
        return
    cut = slice(top - y1, bottom - y1), slice(left - x1, right - x1)
    shown, share = layers[0][cut], layers[1][cut] / 255
    under = picture[top:bottom, left:right]
    picture[top:bottom, left:right] = np.rint(under * (1 - share) + shown)


MOTIONS = ("still", "moves", "turns", "slanted", "corner", "enters", "grows", "appears")


def clip(
    code: Gray, motion: str, size: tuple[int, int], frames: int, module: float = 3.0
) -> Iterator[Gray]:
    """Yield the pictures of a code that moves, ``module`` pixels a module wide."""
    (width, height), wide = size, module * code.shape[1]
    under, middle = ground(width, height), Place(width / 2, height / 2, wide)
    for n in range(frames):
        share = n / frames
        place = {
            "still": middle,
            "moves": Place(width * (0.2 + 0.6 * share), height * (0.4 + 0.2 * share), wide),
            "turns": Place(middle.x, middle.y, wide, angle=4 * n),
            "slanted": Place(middle.x, middle.y, wide, angle=15, slant=0.1),
            "corner": Place(wide * 0.52, wide * 0.52 * code.shape[0] / code.shape[1], wide),
            "enters": Place(-wide / 2 + (width + wide) * share * 0.6, middle.y, wide),
            "grows": Place(middle.x, middle.y, wide * (0.5 + share)),
            "appears": middle,
        }[motion]
        picture = under.copy()
        if motion != "appears" or n > frames // 2:
            draw(picture, code, place)
        yield np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5), np.uint8)


def is_readable(picture: Gray) -> bool:
    """Whether any of OpenCV's readers reads a code in a picture."""
    for reader in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco(), cv2.barcode.BarcodeDetector()):
        found, words, *_ = reader.detectAndDecodeMulti(picture)
        if found and any(words):
            return True
    return False
