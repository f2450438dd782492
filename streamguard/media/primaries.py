"""Colours that a HEIC or AVIF file names by number, as a profile that any other format can hold."""

from __future__ import annotations

import re
import struct

import numpy as np
from numpy.typing import NDArray

# Chromaticities of red, green and blue by their number in ITU-T H.273, table 2; white is D65.
_CHROMATICITIES = {
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_NAMES = {9: "BT.2020 with the sRGB curve", 12: "Display P3"}
_D65 = (0.3127, 0.3290)
_D50 = np.array((0.9642, 1.0, 0.8249))
# Bradford's cone responses (ICC.1:2010, annex E).
_BRADFORD = np.array(
    ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
)
_BOX = re.compile(rb"colrnclx(..)(..)", re.DOTALL)
_CURVE_POINTS = 1024


def primaries_and_transfer(data: bytes) -> tuple[int, int]:
    """Return the two numbers (ITU-T H.273) that a HEIC or AVIF file names; 2 stands for none.

    Args:
        data: The file.
    """
    found = _BOX.search(data)
    if found is None:
        return 2, 2
    primaries, transfer = (struct.unpack(">H", part)[0] for part in found.groups())
    return primaries, transfer


def depth_of_av1(data: bytes) -> int:
    """Return the bits of each colour of an AVIF file.

    Args:
        data: The file.
    """
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def profile_of(primaries: int) -> bytes:
    """Return an ICC profile for primaries wider than sRGB; nothing for others.

    Args:
        primaries: Their number in ITU-T H.273.
    """
    if primaries not in _CHROMATICITIES:
        return b""
    columns = _matrix(_CHROMATICITIES[primaries]).T
    name = _NAMES[primaries].encode() + b"\0"
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, len(name)) + name + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _xyz(_D50),
        **dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, columns), strict=True)),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve()),
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for key, value in tags.items():
        table += key + struct.pack(">II", start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    size = start + len(body)
    head = struct.pack(">I4xI", size, 0x02400000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + _xyz(_D50)[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _matrix(chromaticities: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """Return what turns linear RGB into XYZ as seen under D50."""
    white = _from_xy(*_D65)
    columns = np.stack([_from_xy(*xy) for xy in chromaticities], axis=1)
    to_xyz = columns * np.linalg.solve(columns, white)
    gain = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ (gain[:, None] * (_BRADFORD @ to_xyz))
    return adapted


def _from_xy(x: float, y: float) -> NDArray[np.float64]:
    return np.array((x / y, 1.0, (1 - x - y) / y))


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve() -> bytes:
    """Return the curve of sRGB, which SDR pictures of wider colours share."""
    coded = np.linspace(0, 1, _CURVE_POINTS)
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    points = np.round(linear * 65535).astype(">u2")
    return b"curv" + struct.pack(">II", 0, _CURVE_POINTS) + points.tobytes()
