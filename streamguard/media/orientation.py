"""Turning and mirroring the pixels themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamguard.media.filters import chain
from streamguard.media.traits import Orientation

if TYPE_CHECKING:
    import av
    from av.filter import Graph

_TURNS = ("", "transpose=clock", "hflip,vflip", "transpose=cclock")


class Turner:
    """Brings pictures upright, one by one, whatever their time stamps.

    Args:
        orientation: How.
    """

    def __init__(self, orientation: Orientation) -> None:
        names = (_TURNS[orientation.quarter_turns], "hflip" if orientation.mirrored else "")
        self._filters = [name for names in names if names for name in names.split(",")]
        self._swaps = bool(orientation.quarter_turns % 2)
        self._graph: Graph | None = None
        self._like: tuple[int, int, str] | None = None

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """Return the size of a picture once it is upright."""
        return (height, width) if self._swaps else (width, height)

    def __call__(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return the picture upright; the one given is not written to."""
        if not self._filters:
            return picture
        like = (picture.width, picture.height, picture.format.name)
        if self._graph is None or like != self._like:
            # Turning 4:2:2 would otherwise end in 4:4:0, which no encoder takes.
            same = f"format=pix_fmts={picture.format.name}"
            self._graph, self._like = chain(picture, *self._filters, same), like
        self._graph.vpush(picture)
        turned = self._graph.vpull()
        if picture.time_base:
            turned.time_base = picture.time_base
        turned.pts = picture.pts
        return turned


def upright(picture: av.VideoFrame, orientation: Orientation) -> av.VideoFrame:
    """Return one picture turned and mirrored as told."""
    return Turner(orientation)(picture)
