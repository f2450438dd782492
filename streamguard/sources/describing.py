"""What a source is, ready for JSON: what all kinds of source tell in the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streamguard.sources.local import LocalSource


def description(
    source: LocalSource, redacted: str, metadata_dropped: Iterable[str], **more: Any
) -> dict[str, Any]:
    """Return what is in a file and what would become of it.

    Args:
        source: The open file.
        redacted: Which of its `streams_kept` is redacted.
        metadata_dropped: Names of the tags that are not kept.
        more: What only this kind of source tells.
    """
    info, traits = source.info, source.traits
    return {
        "path": str(source.path),
        "container": traits.container,
        "codec": traits.codec,
        "pix_fmt": info.pix_fmt,
        "width": info.width,
        "height": info.height,
        **more,
        "redacted": redacted,
        "kept": [text for text in source.streams_kept if text != redacted],
        "dropped": list(source.streams_dropped),
        "metadata_dropped": sorted(metadata_dropped),
    }
