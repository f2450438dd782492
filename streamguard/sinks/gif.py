"""Animated GIFs."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from streamguard.media.medium import Medium
from streamguard.media.orientation import Turner
from streamguard.settings import Settings
from streamguard.sinks.animation import animation_notes
from streamguard.sinks.fitting import PtsFitter, fit_size
from streamguard.sinks.kinds import FileSinkKind
from streamguard.sinks.local import LocalSink
from streamguard.sources import LocalSource

if TYPE_CHECKING:
    import av
    from av.filter import Graph

_UNIT = Fraction(1, 100)
_DEFAULT_DELAY = 10
_KEEP, _CLEAR = 1, 2
"""What becomes of a frame before the next is drawn, as GIF89a numbers it (its section 23)."""


@dataclass(frozen=True, slots=True)
class _Indexed:
    """A frame of at most 256 colours.

    Attributes:
        colors: Number of each pixel's colour, shape ``(height, width)``.
        palette: Alpha, red, green, blue of each colour, shape ``(256, 4)``.
        pts: Time stamp in hundredths of a second.
        duration: Likewise; 0 when unknown.
    """

    colors: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    pts: int
    duration: int

    @property
    def clear(self) -> int | None:
        """Number of the transparent colour that is in use, or None."""
        numbers = np.flatnonzero(self.palette[:, 0] == 0)
        return int(numbers[0]) if len(numbers) and (self.colors == numbers[0]).any() else None

    def shown(self) -> NDArray[np.uint8]:
        """Return what is seen, shape ``(height, width, 4)``."""
        return np.asarray(self.palette[self.colors])


class GifSink(LocalSink):
    """Encodes redacted frames as a GIF, each frame with its own best 256 colours."""

    def _start(self, source: LocalSource, settings: Settings) -> None:
        self.notes += animation_notes(source)
        if source.traits.codec != "gif":
            self.notes.append("GIF: 256 colours a frame, times in hundredths of a second")
        self._turn = Turner(source.traits.orientation)
        self._clock = PtsFitter(_UNIT)
        self._graphs: dict[tuple[int, int, str], Graph] = {}
        self._waiting: _Indexed | None = None
        self._before: NDArray[np.uint8] | None = None
        self._size = self._turn.size_of(source.info.width, source.info.height)
        self._file = self._target.part.open("wb")
        self._ending.callback(self._file.close)
        self._file.write(_header(self._size, source.traits.plays))

    def _encode(self, picture: av.VideoFrame) -> None:
        new = self._index(self._clock.fit(fit_size(self._turn(picture), self._size)))
        if (old := self._waiting) is not None:
            # What lies below a transparent pixel has to go first.
            self._write(old, new.pts - old.pts, _KEEP if new.clear is None else _CLEAR)
        self._waiting = new

    def _finish(self) -> None:
        if (last := self._waiting) is not None:
            self._write(last, last.duration or _DEFAULT_DELAY, _KEEP)
        self._file.write(b";")
        self._file.close()

    def _index(self, picture: av.VideoFrame) -> _Indexed:
        key = picture.width, picture.height, picture.format.name
        if key not in self._graphs:
            self._graphs[key] = _palette_graph(picture)
        graph = self._graphs[key]
        graph.vpush(picture)
        pts, duration = picture.pts or 0, picture.duration
        colors, palette = graph.vpull().to_ndarray()
        return _Indexed(colors, palette, pts, duration)

    def _write(self, frame: _Indexed, delay: int, disposal: int) -> None:
        """Write one frame: the part that differs from what is on the canvas already."""
        shown = frame.shown()
        x1, y1, x2, y2 = _changed(self._before, shown)
        block = _block(frame, (x1, y1, x2, y2), delay, disposal)
        self._file.write(block)
        self._before = shown if disposal == _KEEP else None


GIFS = FileSinkKind(opens=GifSink, suffixes=frozenset((".gif",)), takes=frozenset(Medium))


def _changed(
    before: NDArray[np.uint8] | None, after: NDArray[np.uint8]
) -> tuple[int, int, int, int]:
    """Return the smallest rectangle that holds every difference; at least one pixel."""
    height, width = after.shape[:2]
    if before is None:
        return 0, 0, width, height
    differs = (before != after).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _header(size: tuple[int, int], plays: int) -> bytes:
    """Return the screen, without a palette of its own, and how often the animation is shown."""
    screen = b"GIF89a" + struct.pack("<HHBBB", *size, 0x70, 0, 0)
    if plays == 1:
        return screen
    return screen + b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", max(0, plays - 1), 0)


def _block(frame: _Indexed, rect: tuple[int, int, int, int], delay: int, disposal: int) -> bytes:
    from PIL import GifImagePlugin, Image

    x1, y1, x2, y2 = rect
    image = Image.fromarray(np.ascontiguousarray(frame.colors[y1:y2, x1:x2]), "P")
    image.putpalette(frame.palette[:, 1:].tobytes())
    clear = frame.clear
    if clear is None and disposal == _CLEAR:
        # Some viewers clear to the background's colour unless the frame names a clear one.
        unused = np.setdiff1d(np.arange(256), frame.colors)
        clear = int(unused[-1]) if len(unused) else None
    parts = GifImagePlugin.getdata(
        image,
        (x1, y1),
        duration=10 * min(delay, 0xFFFF),
        disposal=disposal,
        include_color_table=True,
        **({} if clear is None else {"transparency": clear}),
    )
    return b"".join(parts)


def _palette_graph(picture: av.VideoFrame) -> Graph:
    from av.filter import Graph

    has_alpha = any(part.is_alpha for part in picture.format.components)
    graph = Graph()
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=picture.time_base or _UNIT,
    )
    split = graph.add("split")
    reserve = int(has_alpha)
    generate = graph.add("palettegen", f"stats_mode=single:reserve_transparent={reserve}")
    use = graph.add("paletteuse", "new=1:dither=sierra2_4a")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(generate, 1, 0)
    generate.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph
