"""FFmpeg's filters in a row, for one kind of picture."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import av
    from av.filter import Graph


def chain(picture: av.VideoFrame, *filters: str) -> Graph:
    """Return a graph that takes pictures like ``picture`` through filters, first to last.

    Args:
        picture: What size and format to expect.
        filters: Each as ``name`` or ``name=options``.
    """
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=picture.time_base or Fraction(1, 1000),
    )
    parts = (name.partition("=") for name in filters)
    nodes = [graph.add(name, options or None) for name, _, options in parts]
    graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
    return graph
