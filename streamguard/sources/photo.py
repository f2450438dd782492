"""Photos: one picture, brought upright."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamguard.errors import SourceDamagedError
from streamguard.frames import Frame, PassthroughPacket, VideoInfo
from streamguard.media.kinds import is_refused, kind_of, refuse
from streamguard.media.medium import Medium
from streamguard.media.traits import Orientation, Traits
from streamguard.settings import InputSettings
from streamguard.sources.describing import description
from streamguard.sources.kinds import FileSourceKind
from streamguard.sources.mjpeg import is_jpeg_film
from streamguard.sources.opening import open_photo, translated
from streamguard.sources.photo_reading import read_photo

if TYPE_CHECKING:
    import av

DEFAULTS = InputSettings()
# By EXIF's number: clockwise quarter turns, and whether the result is mirrored.
_ORIENTATIONS = {
    1: Orientation(),
    2: Orientation(0, True),
    3: Orientation(2),
    4: Orientation(2, True),
    5: Orientation(1, True),
    6: Orientation(1),
    7: Orientation(3, True),
    8: Orientation(3),
}
_SPHERE = re.compile(rb"GPano:ProjectionType[\s=\"'>]{1,9}equirectangular", re.IGNORECASE)

_WIDTHS = {
    "full": re.compile(rb"GPano:FullPanoWidthPixels[\s=\"'>]{1,9}(\d{1,9})"),
    "shown": re.compile(rb"GPano:CroppedAreaImageWidthPixels[\s=\"'>]{1,9}(\d{1,9})"),
}


class PhotoSource:
    """One photo. It is brought upright here, since the tag that would say so is dropped.

    Args:
        path: The file.
        options: What to read of it, and its limits.

    Attributes:
        medium: That it is a photo.
        path: The file.
        files_read: The file.
        info: Size and format of the upright picture.
        traits: What any sink needs to give back the same picture.
        photo: What a photo's sink needs beyond that.
        streams_kept: What is redacted and kept, in words.
        streams_dropped: Always empty; tags of the photo are no streams.
        damage: 1 if part of the picture is missing.
        damage_notes: What was wrong.
        notes: What else the user should be told.

    Raises:
        SourceError: Of the kind that fits.
    """

    medium = Medium.PHOTO

    def __init__(self, path: Path, options: InputSettings = DEFAULTS) -> None:
        self.path = path
        self.files_read = (path,)
        with translated(path):
            refuse(path)
            kind = kind_of(path)
        if not kind:
            raise SourceDamagedError(f"{path} is not a photo that can be read", "Is it whole?")
        reading = read_photo(path, kind, options)
        self.photo = reading.traits
        self._orientation = _ORIENTATIONS[reading.orientation]
        self._picture: av.VideoFrame | None = reading.frame
        self._damage = reading.damage
        self.traits = Traits(codec=kind.lower(), container=kind.lower())
        self.info = VideoInfo(
            width=reading.frame.width,
            height=reading.frame.height,
            pix_fmt=reading.frame.format.name,
            time_base=Fraction(1, 1000),
            frames=1,
            still=True,
            equirectangular=options.projection.wraps(_is_sphere(self.photo.xmp)),
        )
        self.damage = int(bool(reading.damage))
        self.notes: tuple[str, ...] = ()
        self.damage_notes = (reading.damage,) if reading.damage else ()
        self.streams_kept = (f"photo ({kind.lower()} {self.info.width}x{self.info.height})",)
        self.streams_dropped: tuple[str, ...] = ()

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        """Yield the one frame, once: a large photo shall not be held longer than it is needed."""
        picture, self._picture = self._picture, None
        if picture is not None:
            picture.pts = 0
            picture.time_base = self.info.time_base
            frame = Frame(picture, 0, 0.0, damage=self._damage)
            del picture
            yield frame

    def close(self) -> None:
        """Let go of the picture."""
        self._picture = None

    def describe(self) -> dict[str, Any]:
        """Return what is in the file and what would become of it, ready for JSON."""
        return description(
            self,
            self.streams_kept[0],
            self.photo.tags,
            rotation=self._orientation.quarter_turns * 90,
            mirrored=self._orientation.mirrored,
        )


def is_photo(path: Path) -> bool:
    """Whether a file is a still picture by its own content, not by its name.

    Pictures that can only be refused count too, so that their refusal names the reason.
    """
    with translated(path):
        if is_refused(path):
            return True
        kind = kind_of(path)
        with path.open("rb") as file:
            head = file.read(4096)
    match kind:
        case "PNG":
            return b"acTL" not in head
        case "WEBP":
            return b"ANIM" not in head[:64]
        case "AVIF":
            return head[8:12] != b"avis"
        case "GIF" | "JPEG":
            with translated(path):
                return not (is_jpeg_film(path) if kind == "JPEG" else _has_two_pictures(path))
        case _:
            return bool(kind)


PHOTOS = FileSourceKind(
    medium=Medium.PHOTO,
    opens=PhotoSource,
    recognizes=lambda path, _options: is_photo(path),
    suffixes=frozenset(
        ".jpg .jpeg .jpe .jfif .png .webp .bmp .dib .tif .tiff .avif .heic .heif .hif .jp2 .j2k "
        ".jpf .jpx .j2c .jxl .mpo .ppm .pgm .pbm .pnm .tga .qoi .psd .pcx "
        # Camera raw files: refused one by one, and not passed over as if they were no photos.
        ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef "
        ".raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
    ),
)


def _has_two_pictures(path: Path) -> bool:
    with translated(path), open_photo(path.read_bytes(), decodes=False) as container:
        packets = (packet for packet in container.demux(video=0) if packet.size)
        return next(packets, None) is not None and next(packets, None) is not None


def _is_sphere(xmp: bytes) -> bool:
    """Whether a photo is marked as one that shows all round: wide panoramas have the mark, too."""
    full, shown = (_WIDTHS[name].search(xmp) for name in ("full", "shown"))
    is_part = full and shown and int(shown[1]) < int(full[1])
    return bool(_SPHERE.search(xmp)) and not is_part
