"""Things that the picture's edge cuts."""

from __future__ import annotations

from streamguard.geometry import Box

_EDGE_NEAR = 0.1
"""Share of its size from the edge within which it may cut a thing."""


def at_edge(box: Box, shape: tuple[int, ...]) -> bool:
    """Return whether the picture's edge cuts a box, or nearly so."""
    near = box.pad(_EDGE_NEAR)
    return near.x1 < 0 or near.y1 < 0 or near.x2 > shape[1] or near.y2 > shape[0]


def beyond_edges(mask: Box, box: Box, shape: tuple[int, ...]) -> Box:
    """Move a mask off the picture where its thing is cut by the edge: the rest is out there."""
    near = _EDGE_NEAR * box.height
    dx = (box.x2 > shape[1] - near) - (box.x1 < near)
    dy = (box.y2 > shape[0] - near) - (box.y1 < near)
    return mask.shift(
        dx * max(0.0, mask.width - box.width) / 2, dy * max(0.0, mask.height - box.height) / 2
    )
