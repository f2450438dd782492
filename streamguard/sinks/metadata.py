"""Tags and chapters, kept only when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from streamguard.media.traits import Traits
from streamguard.sinks.tracks import OutputTrack

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

# Written by the muxer itself, or about the source's encoding and so no longer true.
_STRUCTURAL = frozenset(
    "major_brand minor_version compatible_brands encoder vendor_id duration bps"
    " number_of_frames number_of_bytes _statistics_writing_app _statistics_tags rotate".split()
)


def keep_metadata(
    output: OutputContainer, video: VideoStream, traits: Traits, tracks: Iterable[OutputTrack]
) -> None:
    """Copy tags of the file and its streams, and the chapters."""
    output.metadata.update(_worth_keeping(traits.metadata))
    video.metadata.update(_worth_keeping(traits.video_metadata))
    for track in tracks:
        tags = _worth_keeping(track.source.metadata)
        # What Matroska calls a track's title is its name in MP4.
        if name := tags.get("name"):
            tags.setdefault("title", name)
        for key, value in tags.items():
            track.stream.metadata.setdefault(key, value)
    output.set_chapters(list(traits.chapters))


def _worth_keeping(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key.lower() not in _STRUCTURAL}
