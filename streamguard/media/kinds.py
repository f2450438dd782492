"""What a picture file is, told by its first bytes, and which kinds are refused by name."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from streamguard.errors import SourceError

HEAD_BYTES = 4096
"""Bytes of a file that `kind_of` wants to see."""

HEIF = "HEIF"
RAW_SUFFIXES = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef "
    ".raf .raw .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
"""Files of a camera's sensor; most are TIFF files that hold only a small picture for viewing."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF8", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"qoif", "QOI"),
    (b"8BPS", "PSD"),
    (b"\x01\xda\x00", "SGI"),
    (b"\x01\xda\x01", "SGI"),
    *((bytes((10, version, 1)), "PCX") for version in (0, 2, 3, 5)),
)
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"SDPX", "DPX"),
    (b"XPDS", "DPX"),
    (b"DDS ", "DDS"),
    (b"\0\0\x01\0", "icon"),
    (b"P7\n", "PAM"),
    (b"\x59\xa6\x6a\x95", "Sun raster"),
    (b"SIMPLE  =", "FITS"),
)
_LOSSLESS = frozenset("PNG BMP TIFF PPM TGA GIF QOI PSD PCX SGI".split())
_RAW_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
_RAW_BRANDS = (b"crx ",)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"heif", b"mif1", b"mif2", b"MiHE", b"miaf")
_TGA_SUFFIXES = frozenset((".tga", ".icb", ".vda", ".vst"))
_TGA_END = b"TRUEVISION-XFILE.\0"


def kind_of(path: Path) -> str:
    """Return Pillow's name of the format a file is in, or an empty string if it is no picture.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        return _by_magic(head) or (_tga(path, head, file))


def is_lossless(path: Path, kind: str) -> bool:
    """Whether a picture's format loses nothing; of TIFF, that it may.

    Raises:
        OSError: It cannot be read.
    """
    if kind != "WEBP":
        return kind in _LOSSLESS
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    # The chunk of lossless pixels, behind a header that may hold a profile before it.
    return head[12:16] == b"VP8L" or (head[12:16] == b"VP8X" and b"VP8 " not in _chunks(path))


def is_raw(path: Path) -> bool:
    """Whether a file is what a camera's sensor saw, and no finished picture.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind = _by_magic(head)
    named = kind in ("", "TIFF") and path.suffix.lower() in RAW_SUFFIXES
    return (
        head.startswith(_RAW_MAGIC)
        or (head[4:8] == b"ftyp" and head[8:12] in _RAW_BRANDS)
        or (kind == "TIFF" and head[8:10] == b"CR")
        or named
    )


def is_refused(path: Path) -> bool:
    """Whether a file is a picture of a kind that `refuse` knows by name.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return bool(_refused_name(file.read(HEAD_BYTES))) or is_raw(path)


def refuse(path: Path) -> None:
    """Refuse pictures that cannot be read, by the name of their format.

    Raises:
        SourceError: It is one.
        OSError: It cannot be read.
    """
    if is_raw(path):
        raise raw_refused(path)
    with path.open("rb") as file:
        name = _refused_name(file.read(HEAD_BYTES))
    if name:
        raise SourceError(
            f"{path} is in the format {name}, which streamguard does not read",
            "Convert it to PNG, JPEG or TIFF first",
        )


def raw_refused(path: Path) -> SourceError:
    """Return the error for a camera raw file."""
    return SourceError(
        f"{path} is a camera raw file, which streamguard does not develop",
        "Export it as JPEG, PNG or TIFF with your raw developer, and anonymize that",
    )


def brands_of(head: bytes) -> tuple[bytes, ...]:
    """Return the brands of an ISO media file, the major one first; none for other files."""
    if head[4:8] != b"ftyp":
        return ()
    end = min(struct.unpack(">I", head[:4])[0], len(head))
    return (head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4)))


def _chunks(path: Path) -> frozenset[bytes]:
    """Return the names of the chunks of a WebP file."""
    names = set()
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            names.add(head[:4])
            size = struct.unpack("<I", head[4:])[0]
            file.seek(size + size % 2, 1)
    return frozenset(names)


def _refused_name(head: bytes) -> str:
    return next((name for magic, name in _REFUSED if head.startswith(magic)), "")


def _by_magic(head: bytes) -> str:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PPM"
    brands = brands_of(head)
    if brands and brands[0] in (b"avif", b"avis"):
        return "AVIF"
    if brands and (brands[0] in _HEIF_BRANDS or _has_still(brands)):
        return "AVIF" if b"avif" in brands and not {b"heic", b"heix"} & set(brands) else HEIF
    return ""


def _has_still(brands: tuple[bytes, ...]) -> bool:
    """Whether a sequence of HEIF pictures, such as a burst, has one that stands for all."""
    return brands[0] in (b"hevc", b"hevx", b"msf1") and bool({b"heic", b"heix"} & set(brands[1:]))


def _tga(path: Path, head: bytes, file: BinaryIO) -> str:
    """Return ``TGA`` for a Targa file; it bears no mark at its beginning, some do at their end."""
    if len(head) < 18:
        return ""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - len(_TGA_END)))
    named = path.suffix.lower() in _TGA_SUFFIXES
    likely = head[1] <= 1 and head[2] in (1, 2, 3, 9, 10, 11) and head[16] in (8, 15, 16, 24, 32)
    return "TGA" if likely and (named or file.read() == _TGA_END) else ""
