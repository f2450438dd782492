"""Photos: one picture, brought upright."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamguard.errors import SourceDamagedError
from streamguard.frames import Frame, PassthroughPacket, VideoInfo
from streamguard.settings import InputSettings
from streamguard.sources.opening import open_photo, translated
from streamguard.sources.orient import upright
from streamguard.sources.sidedata import bare_copy
from streamguard.sources.streams import Orientation, Traits, traits_of

if TYPE_CHECKING:
    import av

DEFAULTS = InputSettings()
_STILL_BRANDS = (b"avif", b"heic", b"heix", b"heif", b"mif1")


class PhotoSource:
    """One photo. It is brought upright here, since the tag that would say so is dropped.

    Args:
        path: The file.
        options: What to read of it, and its limits.

    Attributes:
        path: The file.
        info: Size and format of the upright picture.
        traits: What a sink needs to give back the same photo.
        streams_kept: What is redacted and kept, in words.
        streams_dropped: Always empty; tags of the photo are no streams.
        damage: 1 if the decoder says that the picture is damaged.
        damage_notes: What was wrong.

    Raises:
        SourceError: Of the kind that fits.
    """

    def __init__(self, path: Path, options: InputSettings = DEFAULTS) -> None:
        self.path = path
        self._options = options
        with translated(path):
            picture, traits, self._tags = _decode(path)
        self._orientation = traits.orientation
        plain = _plain_format(bare_copy(picture))
        self._picture: av.VideoFrame | None = upright(plain, traits.orientation)
        self.traits: Traits = replace(traits, orientation=Orientation())
        self.info = VideoInfo(
            width=self._picture.width,
            height=self._picture.height,
            pix_fmt=self._picture.format.name,
            time_base=Fraction(1, 1000),
            frames=1,
            still=True,
        )
        self.damage = int(picture.is_corrupt)
        self.damage_notes = ("part of the picture is damaged",) if self.damage else ()
        self.streams_kept = (f"photo ({traits.codec} {self.info.width}x{self.info.height})",)
        self.streams_dropped: tuple[str, ...] = ()

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        """Yield the one frame."""
        if self._picture is not None:
            self._picture.pts = 0
            self._picture.time_base = self.info.time_base
            yield Frame(self._picture, 0, 0.0)

    def close(self) -> None:
        """Let go of the picture."""
        self._picture = None

    def describe(self) -> dict[str, Any]:
        """Return what is in the file and what would become of it, ready for JSON."""
        return {
            "path": str(self.path),
            "container": self.traits.container,
            "codec": self.traits.codec,
            "pix_fmt": self.info.pix_fmt,
            "width": self.info.width,
            "height": self.info.height,
            "rotation": self._orientation.quarter_turns * 90,
            "mirrored": self._orientation.mirrored,
            "redacted": self.streams_kept[0],
            "kept": [],
            "dropped": [],
            "metadata_dropped": sorted(self._tags),
        }


def is_photo(path: Path) -> bool:
    """Whether a file is a still picture by its own content, not by its name."""
    with translated(path), path.open("rb") as file:
        head = file.read(4096)
    match head:
        case _ if head.startswith((b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*")):
            return True
        case _ if head.startswith(b"\x89PNG"):
            return b"acTL" not in head
        case _ if head.startswith(b"GIF8"):
            return not _has_two_pictures(path)
        case _ if head[8:12] == b"WEBP":
            return b"ANIM" not in head[:64]
        case _:
            return head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS


def _plain_format(picture: av.VideoFrame) -> av.VideoFrame:
    """Return what is not YUV as 8-bit planes, which redaction need not convert."""
    name = picture.format.name
    if name.startswith(("gray", "mono")):
        return picture.reformat(format="gray")
    if name.startswith("yuv") and "yuva" not in name:
        return picture
    transparent = "a" in name and bool((picture.to_ndarray(format="rgba")[..., 3] < 255).any())
    return picture.reformat(format="gbrap" if transparent else "gbrp")


def _has_two_pictures(path: Path) -> bool:
    with open_photo(path.read_bytes()) as container:
        packets = (packet for packet in container.demux(video=0) if packet.size)
        return next(packets, None) is not None and next(packets, None) is not None


def _decode(path: Path) -> tuple[av.VideoFrame, Traits, set[str]]:
    with open_photo(path.read_bytes()) as container:
        videos = container.streams.video
        if len(videos) > 1 and "mp4" in container.format.name:
            raise SourceDamagedError(
                f"{path} is a photo made of tiles, which is not supported",
                "Convert it to JPEG or PNG first",
            )
        for picture in container.decode(video=0):
            tags = {*container.metadata, *picture.metadata}
            return picture, traits_of(container, videos[0], picture), tags
    raise SourceDamagedError(f"no picture in {path} can be decoded", "Is it whole?")
