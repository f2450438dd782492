"""What lies where in a picture's memory, for every pixel format worked on in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import av
import numpy as np
from av.video.format import VideoFormat
from numpy.typing import NDArray

from streamguard.errors import RedactionError

Samples = NDArray[Any]
"""Samples of a plane, ``uint8`` or ``uint16``: ``(rows, columns)``, with a third axis for
channels if there is more than one."""

# PyAV does not say in which order a packed format stores its components, so they are listed.
_PACKED = {
    **{name: name for name in ("rgba", "bgra", "argb", "abgr", "rgb0", "bgr0", "0rgb", "0bgr")},
    **dict.fromkeys(("rgb24", "rgb48le"), "rgb"),
    **dict.fromkeys(("bgr24", "bgr48le"), "bgr"),
    **dict.fromkeys(("ya8", "ya16le"), "ya"),
    "rgba64le": "rgba",
    "bgra64le": "bgra",
}
_SEMI_PLANAR = {
    **dict.fromkeys(("nv12", "nv16", "nv24"), "uv"),
    **dict.fromkeys(("nv21", "nv42"), "vu"),
    **{f"p{kind}{bits}le": "uv" for kind in (0, 2, 4) for bits in (10, 12, 16)},
}
_PROBE_SIZE = 64  # divides by every chroma subsampling there is


@dataclass(frozen=True, slots=True)
class PlaneLayout:
    """One plane.

    Attributes:
        index: Position among the picture's planes.
        roles: One letter per interleaved channel: of ``yuvrgb``, ``a`` for alpha, ``0`` for
            a byte without meaning.
        sub_x: Columns of the picture that share one sample.
        sub_y: Rows of the picture that share one sample.
    """

    index: int
    roles: str
    sub_x: int = 1
    sub_y: int = 1

    @property
    def kind(self) -> tuple[int, int, int]:
        """Equal for planes of the same shape, such as the two chroma planes."""
        return len(self.roles), self.sub_x, self.sub_y

    def cut(self, rect: tuple[int, int, int, int]) -> tuple[slice, slice]:
        """Return the slices of the samples that a rectangle of the picture touches."""
        x1, y1, x2, y2 = rect
        return (
            slice(y1 // self.sub_y, -(-y2 // self.sub_y)),
            slice(x1 // self.sub_x, -(-x2 // self.sub_x)),
        )


@dataclass(frozen=True, slots=True)
class PictureLayout:
    """All planes of a pixel format.

    Attributes:
        planes: Every plane, in memory order.
        bits: Bits of one sample.
        shift: Unused low bits below a sample in its word (P010 and its kin).
        full_range: Whether the format's very name says that samples use the full range.
    """

    planes: tuple[PlaneLayout, ...]
    bits: int
    shift: int = 0
    full_range: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of one word."""
        return np.dtype("<u2" if self.bits > 8 else "u1")

    @property
    def alignment(self) -> tuple[int, int]:
        """Columns and rows a rectangle must start on to hold whole chroma samples."""
        return max(p.sub_x for p in self.planes), max(p.sub_y for p in self.planes)

    def views(self, picture: av.VideoFrame) -> list[Samples]:
        """Return a writable view on each plane, without copying.

        Raises:
            RedactionError: The planes are not stored as the format says.
        """
        return [self._view(picture, plane) for plane in self.planes]

    def _view(self, picture: av.VideoFrame, layout: PlaneLayout) -> Samples:
        plane, channels, size = picture.planes[layout.index], len(layout.roles), self.dtype.itemsize
        if plane.line_size < plane.width * channels * size:
            raise RedactionError(f"a plane of {picture.format.name} is stored in an unknown order")
        shape: tuple[int, ...] = (plane.height, plane.width)
        strides: tuple[int, ...] = (plane.line_size, channels * size)
        if channels > 1:
            shape, strides = (*shape, channels), (*strides, size)
        return np.ndarray(shape, self.dtype, buffer=memoryview(plane), strides=strides)


@lru_cache(maxsize=64)
def layout_of(pix_fmt: str) -> PictureLayout | None:
    """Return the layout of a pixel format, or None if it cannot be worked on in place."""
    probe = VideoFormat(pix_fmt, _PROBE_SIZE, _PROBE_SIZE)
    parts = probe.components
    bits = parts[0].bits if parts else 0
    if pix_fmt in _PACKED:
        return PictureLayout((PlaneLayout(0, _PACKED[pix_fmt]),), bits, full_range=True)
    if pix_fmt in _SEMI_PLANAR:
        sub = _PROBE_SIZE // parts[1].width, _PROBE_SIZE // parts[1].height
        pair = PlaneLayout(0, "y"), PlaneLayout(1, _SEMI_PLANAR[pix_fmt], *sub)
        return PictureLayout(pair, bits, shift=16 - bits if bits > 8 else 0)
    if not _is_plain_planar(probe):
        return None
    roles = "rgba" if probe.is_rgb else "yuva" if len(parts) > 2 else "ya"
    planes = tuple(
        PlaneLayout(part.plane, role, _PROBE_SIZE // part.width, _PROBE_SIZE // part.height)
        for role, part in zip(roles, parts, strict=False)
    )
    full = probe.is_rgb or pix_fmt.startswith(("yuvj", "gray"))
    return PictureLayout(tuple(sorted(planes, key=lambda p: p.index)), bits, full_range=full)


def native_layout(pix_fmt: str) -> PictureLayout:
    """Return the layout of a pixel format that can be worked on in place.

    Raises:
        RedactionError: It cannot; see `nearest_native`.
    """
    layout = layout_of(pix_fmt)
    if layout is None:
        raise RedactionError(f"pictures of the pixel format {pix_fmt} cannot be covered in place")
    return layout


def _is_plain_planar(probe: VideoFormat) -> bool:
    """Whether each component has its own plane of little-endian whole numbers, low bits used."""
    bits = [part.bits for part in probe.components]
    return (
        len({part.plane for part in probe.components}) == len(bits) > 0
        and len(set(bits)) == 1
        and 8 <= bits[0] <= 16
        and not (probe.is_big_endian or probe.has_palette or probe.is_bayer)
        and not any(mark in probe.name for mark in ("f16", "f32", "msb", "xyz"))
    )


@lru_cache(maxsize=64)
def nearest_native(pix_fmt: str) -> str:
    """Return the format to convert to, so that a picture can be worked on in place.

    It is the format itself where possible, else one of no less depth, chroma or alpha.

    Raises:
        RedactionError: There is none; the picture cannot be redacted.
    """
    if layout_of(pix_fmt):
        return pix_fmt
    probe = VideoFormat(pix_fmt, _PROBE_SIZE, _PROBE_SIZE)
    for name in _candidates(probe):
        try:
            if layout_of(name):
                return name
        except ValueError:  # FFmpeg has no format of this name
            continue
    raise RedactionError(
        f"pictures of the pixel format {pix_fmt} cannot be covered",
        "Convert the video to yuv420p first",
    )


def _candidates(probe: VideoFormat) -> Sequence[str]:
    parts = probe.components
    depth = max((part.bits for part in parts), default=8)
    alpha = any(part.is_alpha for part in parts) or probe.has_palette
    twin = f"{probe.name[:-2]}le" if probe.is_big_endian else probe.name
    if probe.is_rgb or probe.has_palette or probe.is_bayer or "xyz" in probe.name:
        packed = ("rgba64le" if alpha else "rgb48le") if depth > 8 else "rgba" if alpha else "rgb24"
        return twin, packed
    if len(parts) < 3:
        return twin, ("ya8" if depth <= 8 else "ya16le") if alpha else "gray", "gray16le"
    sub = _PROBE_SIZE // parts[1].width, _PROBE_SIZE // parts[1].height
    chroma = {(1, 1): "444", (2, 1): "422", (2, 2): "420", (4, 1): "411"}.get(sub, "444")
    stem = f"yuv{'a' if alpha else ''}{chroma}p"
    if depth <= 8:
        return twin, stem
    return twin, f"{stem}{depth}le", f"{stem}16le"
