"""Ways to break a media file: bytes, chunks, lengths, time stamps, packets, playlists."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random], bytes]

_TAG = re.compile(rb"[A-Za-z][A-Za-z0-9 _]{3}")
_TIMES = (b"stts", b"ctts", b"stss", b"stsz", b"stco", b"elst", b"mdhd", b"tkhd", b"mvhd",
          b"fcTL", b"acTL", b"ANMF", b"ispe", b"iloc", b"IHDR", b"tfdt", b"trun")  # fmt: skip
_EXTREMES = (0, 1, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_PACKET = 188
_LINES = (
    "../outside.ts", "http://127.0.0.1:9/x.ts", "file:///etc/passwd", "#EXTINF:1e99,",
    "#EXT-X-TARGETDURATION:0", "#EXT-X-MEDIA-SEQUENCE:-5", "#EXT-X-DISCONTINUITY", "list.m3u8",
    '#EXT-X-MAP:URI="list.m3u8"', "#EXT-X-BYTERANGE:99999999@0", "\x00\xff", "concat:a|b",
    "#EXT-X-STREAM-INF:BANDWIDTH=1", '#EXT-X-KEY:METHOD=AES-128,URI="key"',
)  # fmt: skip


def flip_bytes(data: bytes, rng: random.Random) -> bytes:
    """Change one byte or some hundred, anywhere."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 3, 16, 200))):
        result[rng.randrange(len(result))] = rng.randrange(256)
    return bytes(result)


def flip_head(data: bytes, rng: random.Random) -> bytes:
    """Change a few of the first bytes, where headers are."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 4, 12))):
        result[rng.randrange(min(len(result), 600))] = rng.randrange(256)
    return bytes(result)


def wipe_run(data: bytes, rng: random.Random) -> bytes:
    """Overwrite a stretch with zeros or noise."""
    start, length = _stretch(data, rng)
    noise = rng.randbytes(length) if rng.random() < 0.5 else bytes(length)
    return data[:start] + noise + data[start + length :]


def cut_run(data: bytes, rng: random.Random) -> bytes:
    """Take a stretch out."""
    start, length = _stretch(data, rng)
    return data[:start] + data[start + length :]


def repeat_run(data: bytes, rng: random.Random) -> bytes:
    """Write a stretch twice, the second time perhaps elsewhere."""
    start, length = _stretch(data, rng)
    at = start + length if rng.random() < 0.5 else rng.randrange(len(data))
    return data[:at] + data[start : start + length] + data[at:]


def truncate(data: bytes, rng: random.Random) -> bytes:
    """Keep the beginning only."""
    return data[: rng.randrange(1, len(data))]


def lie_about_length(data: bytes, rng: random.Random) -> bytes:
    """Change the length before or behind a four-letter tag of a box or chunk."""
    tags = [match.start() for match in _TAG.finditer(data[: 1 << 16])]
    if not tags:
        return flip_head(data, rng)
    at = max(0, rng.choice(tags) + rng.choice((-4, 4)))
    order = rng.choice(("big", "little"))
    return data[:at] + rng.choice(_EXTREMES).to_bytes(4, order) + data[at + 4 :]  # type: ignore[arg-type]


def rename_tag(data: bytes, rng: random.Random) -> bytes:
    """Give a box or chunk the name of another."""
    tags = [match.start() for match in _TAG.finditer(data[: 1 << 16])]
    if len(tags) < 2:
        return flip_head(data, rng)
    one, other = rng.sample(tags, 2)
    return data[:one] + data[other : other + 4] + data[one + 4 :]


def change_times(data: bytes, rng: random.Random) -> bytes:
    """Change numbers in tables of times, sizes and places."""
    places = [m.start() for tag in _TIMES for m in re.finditer(re.escape(tag), data)]
    if not places:
        return flip_bytes(data, rng)
    result = bytearray(data)
    at = rng.choice(places) + 4 + 4 * rng.randrange(6)
    result[at : at + 4] = rng.choice((rng.randrange(2**32), *_EXTREMES)).to_bytes(4, "big")
    return bytes(result)


def mix_packets(data: bytes, rng: random.Random) -> bytes:
    """Drop, repeat or swap the packets of a transport stream."""
    packets = [data[at : at + _PACKET] for at in range(0, len(data), _PACKET)]
    for _ in range(rng.choice((1, 3, 20))):
        one, other = rng.randrange(len(packets)), rng.randrange(len(packets))
        match rng.randrange(3):
            case 0 if len(packets) > 1:
                del packets[one]
                break
            case 1:
                packets.insert(one, packets[one])
            case _:
                packets[one], packets[other] = packets[other], packets[one]
    return b"".join(packets)


def mix_lines(data: bytes, rng: random.Random) -> bytes:
    """Drop, repeat, swap or replace the lines of a playlist."""
    lines = data.decode(errors="replace").splitlines()
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(lines))
        match rng.randrange(4):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines.insert(at, rng.choice(lines))
            case 2:
                lines.insert(at, rng.choice(_LINES))
            case _:
                lines[at] = rng.choice(_LINES)
    return "\n".join(lines).encode(errors="replace")


BINARY: tuple[Mutation, ...] = (
    flip_bytes, flip_head, wipe_run, cut_run, repeat_run, truncate, lie_about_length, rename_tag,
    change_times,
)  # fmt: skip
SPECIAL: dict[str, tuple[Mutation, ...]] = {
    ".ts": (mix_packets, mix_packets, *BINARY),
    ".m3u8": (mix_lines, mix_lines, mix_lines, flip_bytes),
}


def mutate(data: bytes, suffix: str, rng: random.Random) -> tuple[str, bytes]:
    """Return the name of a mutation that fits a kind of file, and the broken file."""
    mutation = rng.choice(SPECIAL.get(suffix, BINARY))
    return mutation.__name__, mutation(data, rng) or b"\0"


def _stretch(data: bytes, rng: random.Random) -> tuple[int, int]:
    length = min(len(data) - 1, rng.choice((1, 8, 100, 1000, 20_000)))
    return rng.randrange(len(data) - length), length
