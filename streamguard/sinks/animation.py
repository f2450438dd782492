"""Animated PNG and WebP."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from streamguard.media.medium import Medium
from streamguard.media.orientation import Turner
from streamguard.settings import Settings
from streamguard.sinks.fitting import PtsFitter, fit_size
from streamguard.sinks.kinds import FileSinkKind
from streamguard.sinks.local import LocalSink
from streamguard.sources import LocalSource

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

_MILLISECOND = Fraction(1, 1000)
_WEBP_QUALITY = "95"
_DEFAULT_MS = 100
_LONGEST_MS = 0xFFFF


class AnimationSink(LocalSink):
    """Encodes redacted frames as an animated PNG, without loss, or as an animated WebP."""

    def _start(self, source: LocalSource, settings: Settings) -> None:
        self.notes += animation_notes(source)
        self._turn = Turner(source.traits.orientation)
        self._clock = PtsFitter(_MILLISECOND)
        self._last = self._end = 0
        self._size = self._turn.size_of(source.info.width, source.info.height)
        self._is_webp = self.path.suffix.lower() == ".webp"
        plays = str(source.traits.plays)
        if self._is_webp:
            self._output = self._container("webp", {"loop": plays})
        else:
            self._output = self._container("apng", {"plays": plays})
        self._stream = self._add_stream()

    def _add_stream(self) -> VideoStream:
        width, height = self._size
        encoder = "libwebp_anim" if self._is_webp else "apng"
        added = self._output.add_stream(encoder, time_base=_MILLISECOND, width=width, height=height)
        stream = cast("VideoStream", added)
        stream.codec_context.pix_fmt = "bgra" if self._is_webp else "rgba"
        stream.codec_context.time_base = _MILLISECOND
        if self._is_webp:
            stream.codec_context.options = {"quality": _WEBP_QUALITY}
        return stream

    def _encode(self, picture: av.VideoFrame) -> None:
        fitted = self._clock.fit(fit_size(self._turn(picture), self._size))
        packed = fitted.reformat(format=self._stream.codec_context.pix_fmt)
        duration = fitted.duration or _DEFAULT_MS
        self._last, self._end = duration, (fitted.pts or 0) + duration
        self._output.mux(self._stream.encode(packed))

    def _finish(self) -> None:
        self._output.mux(self._stream.encode(None))
        self._output.close()
        # FFmpeg gives the last frame the delay of the one before.
        if self._is_webp:
            _set_last_webp_delay(self._target.part, self._end)
        else:
            _set_last_apng_delay(self._target.part, self._last)


ANIMATIONS = FileSinkKind(
    opens=AnimationSink,
    suffixes=frozenset((".png", ".apng", ".webp")),
    takes=frozenset((Medium.ANIMATION, Medium.VIDEO)),
    only_if_asked=frozenset((Medium.VIDEO,)),
)


def animation_notes(source: LocalSource) -> list[str]:
    """Say in words what no animation can keep."""
    notes = []
    if source.traits.tracks:
        notes.append("sound and subtitles dropped: an animation cannot hold them")
    if not source.traits.orientation.is_identity:
        notes.append("rotation baked in: an animation cannot hold it")
    return notes


def _set_last_apng_delay(path: Path, milliseconds: int) -> None:
    """Write the delay into the last frame control chunk (PNG, third edition, 11.3.6.2)."""
    with path.open("r+b") as file:
        at = None
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"fcTL":
                at = file.tell()
            file.seek(length + 4, 1)
        if at is None:
            return
        file.seek(at)
        data = bytearray(file.read(26))
        data[20:24] = struct.pack(">HH", min(milliseconds, _LONGEST_MS), 1000)
        file.seek(at)
        file.write(data + struct.pack(">I", zlib.crc32(b"fcTL" + data)))


def _set_last_webp_delay(path: Path, total: int) -> None:
    """Let the last frame (ANMF in the WebP container specification) end at ``total`` ms."""
    with path.open("r+b") as file:
        at, before = None, 0
        for start in _webp_frames(file):
            file.seek(start + 12)
            before += int.from_bytes(file.read(3), "little")
            at = start
        if at is None:
            return
        file.seek(at + 12)
        before -= int.from_bytes(file.read(3), "little")
        file.seek(at + 12)
        file.write(max(1, total - before).to_bytes(3, "little"))


def _webp_frames(file: BinaryIO) -> list[int]:
    """Return where the content of each frame's chunk begins, in bytes."""
    starts = []
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, length = struct.unpack("<4sI", head)
        if kind == b"ANMF":
            starts.append(file.tell())
        file.seek(length + length % 2, 1)
    return starts
