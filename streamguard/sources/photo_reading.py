"""Reading one photo: its pixels upright, and what its copy shall be like."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamguard.errors import SourceError
from streamguard.media.kinds import is_lossless
from streamguard.media.pixels import blank_frame, frame_from, mode_for
from streamguard.media.planes import native_layout
from streamguard.media.primaries import depth_of_av1, primaries_and_transfer, profile_of
from streamguard.media.profiles import fits, lab_to_srgb, to_srgb
from streamguard.settings import InputSettings
from streamguard.sources import tiff
from streamguard.sources.opening import open_photo
from streamguard.sources.pictures import check_bytes, check_pixels, open_picture, picture_errors
from streamguard.sources.wholeness import came_whole, judge_jpeg, precision_of, size_of_cut_webp

if TYPE_CHECKING:
    import av
    from PIL import Image

CUT_SHORT = "part of the picture is missing"
_ORIENTATION = 0x0112
_JPEG_END = b"\xff\xd9"
_HDR = (16, 18)  # PQ and HLG in ITU-T H.273, table 3
_DEEP = {"rgb48": "rgb48le", "rgba64": "rgba64le", "ya16": "ya16le"}
_CHROMA = ("4:4:4", "4:2:2", "4:2:0")
_TAGS = {"xmp": "XMP", "XML:com.adobe.xmp": "XMP", "photoshop": "IPTC", "comment": "Comment"}

Convert = Callable[["Image.Image"], "Image.Image"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoTraits:
    """What a photo's copy shall have in common with it.

    Attributes:
        kind: Pillow's name of its format.
        profile: Colour profile of the frame's own colours; empty for sRGB.
        tables: Quantization tables of a JPEG.
        chroma: Chroma subsampling, such as ``4:2:0``; empty if unknown.
        progressive: Whether a JPEG is.
        lossless: Whether its format lost nothing.
        xmp: Its XMP, raw.
        tags: Names of the tags that are left out.
        notes: What could not be read as it was, in words.
    """

    kind: str
    profile: bytes = b""
    tables: tuple[tuple[int, ...], ...] = ()
    chroma: str = ""
    progressive: bool = False
    lossless: bool = False
    xmp: bytes = b""
    tags: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A photo that was read.

    Attributes:
        frame: Its pixels, upright.
        orientation: EXIF's number of how they were stored, 1 to 8.
        traits: What its copy shall be like.
        damage: What is wrong with the pixels; empty if nothing is.
    """

    frame: av.VideoFrame
    orientation: int
    traits: PhotoTraits
    damage: str = ""


def read_photo(path: Path, kind: str, options: InputSettings) -> Reading:
    """Read a photo.

    A photo that is cut short is read as a black picture of its size, with its damage said.

    Raises:
        SourceError: Of the kind that fits.
    """
    check_bytes(path, options)
    with picture_errors(path):
        data = path.read_bytes()
    if kind == "TIFF":
        tiff.refuse_unreadable(path)
    if kind == "WEBP" and (size := size_of_cut_webp(data)):
        check_pixels(path, size, options)
        return _nothing(size, kind)
    judged = _judged(path, data, options) if kind == "JPEG" else None
    # Some cameras leave out the mark of the end, which Pillow insists on.
    file = io.BytesIO(data + _JPEG_END) if judged else None
    with open_picture(path, kind, options, file) as picture:
        if kind == "TIFF":
            tiff.refuse_pages(path, picture)
        deep = _is_deep(picture)
        if judged is False or not came_whole(picture):
            return _nothing(picture.size, kind)
        traits = _traits(picture, kind, lossless=is_lossless(path, kind))
        if kind in ("HEIF", "AVIF"):
            traits = _with_numbers(traits, data)
        # TIFF pictures are turned by Pillow in loading, and then say so.
        orientation = orientation_of(picture)
        if deep:
            frame_of_ffmpeg = _deep_frame(data, orientation)
            if frame_of_ffmpeg is not None:
                kept = traits.profile if fits(traits.profile, "RGB") else b""
                return Reading(frame_of_ffmpeg, orientation, replace(traits, profile=kept))
        mode, convert, kept = _conversion(path, picture, traits.profile)
        frame = frame_from(picture, mode, orientation, convert)
        notes = (*traits.notes, *_notes(picture, deep))
        return Reading(frame, orientation, replace(traits, profile=kept, notes=notes))


def _nothing(size: tuple[int, int], kind: str) -> Reading:
    """Return a photo of which nothing may be shown."""
    frame, _ = blank_frame(size, "rgb24")
    return Reading(frame, 1, PhotoTraits(kind=kind), CUT_SHORT)


def _judged(path: Path, data: bytes, options: InputSettings) -> bool | None:
    """Return what `judge_jpeg` says, once the size is known to be allowed."""
    if (bits := precision_of(data)) != 8:
        raise SourceError(
            f"{path} is a JPEG of {bits} bits for each colour, which streamguard does not read",
            "Convert it to PNG, TIFF or a JPEG of 8 bits first",
        )
    with open_picture(path, "JPEG", options):
        return judge_jpeg(data)


def orientation_of(picture: Image.Image) -> int:
    """Return EXIF's number of how a picture is brought upright; 1 if it tells none that counts."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _traits(picture: Image.Image, kind: str, *, lossless: bool) -> PhotoTraits:
    info = picture.info
    sampling = info.get("chroma")
    chroma = ":".join(str(sampling)) if sampling in (420, 422, 444) else ""
    tables: tuple[tuple[int, ...], ...] = ()
    if kind == "JPEG":
        from PIL import JpegImagePlugin

        found = JpegImagePlugin.get_sampling(picture)
        chroma = _CHROMA[found] if found in range(3) else ""
        quantization: dict[int, Any] = getattr(picture, "quantization", {})
        tables = tuple(tuple(quantization[key]) for key in sorted(quantization))
    profile, xmp = info.get("icc_profile"), info.get("xmp") or info.get("XML:com.adobe.xmp")
    return PhotoTraits(
        kind=kind,
        profile=profile if isinstance(profile, bytes) else b"",
        tables=tables,
        chroma=chroma,
        progressive=bool(info.get("progressive")),
        lossless=lossless and info.get("compression") not in ("jpeg", "webp"),
        xmp=xmp.encode() if isinstance(xmp, str) else xmp or b"",
        tags=_tags(picture),
    )


def _with_numbers(traits: PhotoTraits, data: bytes) -> PhotoTraits:
    """Add what a HEIC or AVIF file says of its colours by numbers; its own profile goes before."""
    primaries, transfer = primaries_and_transfer(data)
    notes = list(traits.notes)
    if transfer in _HDR:
        notes.append("its brightness is coded for HDR, and the output does not say so")
    if traits.kind == "AVIF" and (bits := depth_of_av1(data)) > 8:
        notes.append(f"the {bits} bits of each colour became 8")
    profile = traits.profile or profile_of(primaries)
    return replace(traits, profile=profile, notes=tuple(notes))


def _tags(picture: Image.Image) -> frozenset[str]:
    """Return names of what a photo tells beside its pixels."""
    from PIL import ExifTags

    found = {name for key, name in _TAGS.items() if picture.info.get(key)}
    try:
        numbers = set(picture.getexif())
    except (OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError):
        return frozenset({*found, "EXIF"})
    if picture.format != "TIFF":
        found |= {ExifTags.TAGS.get(number, f"tag {number}") for number in numbers}
    return frozenset(found)


def _is_deep(picture: Image.Image) -> bool:
    """Whether Pillow would cut a picture's samples from 16 bits to 8."""
    if picture.format == "TIFF":
        return tiff.is_deep(picture) and picture.mode != "I;16"
    tiles = "".join(str(tile.args) for tile in getattr(picture, "tile", ()))
    return picture.format == "PNG" and ";16B" in tiles and picture.mode != "I;16"


def _deep_frame(data: bytes, orientation: int) -> av.VideoFrame | None:
    """Return a picture of 16 bits for each channel, read by FFmpeg; None if that fails."""
    import av

    try:
        with open_photo(data) as container:
            picture = next(iter(container.decode(video=0)), None)
    except av.FFmpegError:
        return None
    stem = picture.format.name.removesuffix("be").removesuffix("le") if picture else ""
    if picture is None or picture.is_corrupt or stem not in _DEEP:
        return None
    native = picture.reformat(format=_DEEP[stem])
    frame, stored = blank_frame((native.width, native.height), _DEEP[stem], orientation)
    (samples,) = native_layout(_DEEP[stem]).views(native)
    stored[...] = samples
    return frame


def _conversion(
    path: Path, picture: Image.Image, profile: bytes
) -> tuple[str, Convert | None, bytes]:
    """Return the frame's mode, how parts are brought to it, and the profile they then have."""
    mode = mode_for(path, picture)
    if picture.mode in ("CMYK", "LAB"):
        if fits(profile, picture.mode):
            return "RGB", to_srgb(profile, picture.mode), b""
        return "RGB", lab_to_srgb() if picture.mode == "LAB" else None, b""
    return mode, None, profile if fits(profile, mode) else b""


def _notes(picture: Image.Image, deep: bool) -> tuple[str, ...]:
    bits = picture.info.get("bit_depth", 8)
    if deep or (isinstance(bits, int) and bits > 8):
        return (f"the {16 if deep else bits} bits of each colour became 8",)
    return ()
