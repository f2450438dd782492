"""What travels with a decoded picture: read with care, or left behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from streamguard.media.filters import chain

if TYPE_CHECKING:
    import av
    from av.sidedata.sidedata import SideData

# Numbers of AVFrameSideDataType (libavutil/frame.h).
_WANTED = {
    1: "A53_CC",
    2: "STEREO3D",
    6: "DISPLAYMATRIX",
    11: "MASTERING_DISPLAY_METADATA",
    13: "SPHERICAL",
    14: "CONTENT_LIGHT_LEVEL",
}
_KINDS = 48


def side_data(picture: av.VideoFrame) -> dict[str, bytes]:
    """Return a picture's matrix, captions, 3D and 360° marks, HDR light levels, by FFmpeg's names.

    All other kinds are filtered out first: PyAV 18 raises on those newer than its own list
    (EXIF) and frees the tags of some (ICC profiles) twice, which ends the process.
    """
    unwanted = (kind for kind in range(_KINDS) if kind not in _WANTED)
    graph = chain(picture, *(f"sidedata=mode=delete:type={kind}" for kind in unwanted))
    graph.vpush(picture)
    # PyAV's annotations take this for a mapping by name; what it yields are the entries.
    entries = cast("Iterator[SideData]", iter(graph.vpull().side_data))
    return {data.type.name: bytes(data) for data in entries}
