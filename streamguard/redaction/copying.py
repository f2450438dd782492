"""A copy of a decoded picture that nobody else holds."""

from __future__ import annotations

from fractions import Fraction

import av
from av.filter import Graph
from av.video.frame import PictureType


class PictureCopier:
    """Copies pictures with all that is attached to them. For one thread at a time.

    The decoder may still predict later pictures from the one it handed out, and PyAV's
    ``make_writable`` would swap the memory under that very object. FFmpeg's ``copy`` filter
    makes a new picture instead, lets go of the GIL, reuses memory, and carries over what
    PyAV cannot set: field order, side data, sample aspect ratio.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._graph: Graph | None = None

    def copy(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return a writable copy with the same pixels, time and tags.

        Its ``pict_type`` is reset, so that the encoder chooses its own.
        """
        graph = self._prepare(picture)
        graph.vpush(picture)
        result = graph.vpull()
        result.make_writable()
        if picture.time_base is not None:
            result.time_base = picture.time_base
        # The graph fills in tags that were left open; open is what they were.
        result.colorspace = picture.colorspace
        result.color_range = picture.color_range
        result.pict_type = PictureType.NONE
        return result

    def _prepare(self, picture: av.VideoFrame) -> Graph:
        key = (
            picture.format.name,
            picture.width,
            picture.height,
            picture.time_base,
            int(picture.colorspace),
            int(picture.color_range),
        )
        if self._graph is None or key != self._key:
            self._graph, self._key = _copy_graph(picture), key
        return self._graph


def _copy_graph(picture: av.VideoFrame) -> Graph:
    graph = Graph()
    graph.threads = 1
    tags = {} if picture.format.is_rgb else {"colorspace": str(int(picture.colorspace))}
    entry = graph.add(
        "buffer",
        video_size=f"{picture.width}x{picture.height}",
        pix_fmt=picture.format.name,
        time_base=str(picture.time_base or Fraction(1, 1000)),
        range=str(int(picture.color_range)),
        **tags,
    )
    graph.link_nodes(entry, graph.add("copy"), graph.add("buffersink")).configure()
    return graph
