"""Whether the pixels of a photo all came: what Pillow's decoders fill in without a word."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from streamguard.errors import StreamguardError

if TYPE_CHECKING:
    from PIL import Image

_SCAN, _ADOBE, _NO_LENGTH = 0xDA, 0xEE, (0x01, *range(0xD0, 0xD9))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def came_whole(picture: Image.Image) -> bool:
    """Read the pixels of a picture; return whether all of them came.

    Args:
        picture: Opened; its pixels are in memory afterwards, if they came.

    Raises:
        OSError: The system failed, or the picture is in a form that no decoder is there for.
    """
    try:
        picture.load()
    except (StreamguardError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None or "not available" in str(error):
            raise
        return False
    except (SyntaxError, ValueError, EOFError, LookupError):
        return False
    return True


def judge_jpeg(data: bytes) -> bool | None:
    """Return whether the pixels of a JPEG are whole; None if FFmpeg cannot judge its kind.

    The library behind Pillow fills in grey where data are missing or faulty, and is silent.

    Args:
        data: The file.
    """
    import av

    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options = {"err_detect": "explode"}
    frames = 0
    try:
        for packet in (av.Packet(_without_tags(data)), None):
            frames += len(decoder.decode(packet))
    except av.error.InvalidDataError:
        return False
    except av.FFmpegError:
        return None
    return True if frames else None


def size_of_cut_webp(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a WebP that is shorter than it says; None for others.

    Its decoder refuses such a file as a whole.

    Args:
        data: The file.
    """
    if len(data) < 30 or len(data) >= struct.unpack_from("<I", data, 4)[0] + 8:
        return None
    match data[12:16]:
        case b"VP8X":
            sides = [int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27)]
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            sides = [(bits >> shift & 0x3FFF) + 1 for shift in (0, 14)]
        case _:
            sides = [value & 0x3FFF for value in struct.unpack_from("<HH", data, 26)]
    return (sides[0], sides[1]) if min(sides) else None


def precision_of(data: bytes) -> int:
    """Return the bits of each sample of a JPEG; 8 if it does not tell.

    Args:
        data: The file.
    """
    frames = (start for marker, start, _ in _segments(data) if marker in _FRAMES)
    start = next(frames, len(data))
    return data[start + 4] if start + 4 < len(data) else 8


def _without_tags(data: bytes) -> bytes:
    """Return a JPEG without its tags: faults in those are none of the picture."""
    kept, rest = [data[:2]], 2
    for marker, start, rest in _segments(data):
        is_tag = 0xE0 <= marker <= 0xEF or marker == 0xFE
        if not is_tag or marker == _ADOBE:
            kept.append(data[start:rest])
    return b"".join((*kept, data[rest:]))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the parts of a JPEG before its first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        marker = data[at + 1]
        if marker == 0xFF or marker in _NO_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        yield marker, at, end
        at = end
