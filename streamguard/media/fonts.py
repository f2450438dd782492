"""Fonts that are attached to a file for its subtitles; nothing else that is attached is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

_KINDS = {
    b"\0\1\0\0": ("ttf", "application/x-truetype-font"),
    b"true": ("ttf", "application/x-truetype-font"),
    b"OTTO": ("otf", "application/vnd.ms-opentype"),
    b"ttcf": ("ttc", "application/x-truetype-font"),
    b"wOFF": ("woff", "font/woff"),
    b"wOF2": ("woff2", "font/woff2"),
}
_NEEDED = (b"cmap", b"name")
"""Tables that a font with an outline has (ISO/IEC 14496-22)."""


@dataclass(frozen=True, slots=True)
class Font:
    """One font.

    Attributes:
        name: Name of its file, by which subtitles may ask for it.
        mimetype: What it is.
        data: The file.
    """

    name: str
    mimetype: str
    data: bytes


def fonts_of(container: InputContainer) -> tuple[Font, ...]:
    """Return what is attached to a file and is a font by its own content."""
    fonts = (font_of(stream) for stream in container.streams)
    return tuple(font for font in fonts if font is not None)


def font_of(stream: Stream) -> Font | None:
    """Return the font that a stream is, or None if it is anything else."""
    if stream.type != "attachment":
        return None
    data = bytes(getattr(stream, "data", b"") or b"")
    kind = _KINDS.get(data[:4])
    packed = data[:4] in (b"wOFF", b"wOF2", b"ttcf")
    if kind is None or not (packed or all(table in data[:4096] for table in _NEEDED)):
        return None
    ending, mimetype = kind
    return Font(stream.metadata.get("filename") or f"font.{ending}", mimetype, data)
