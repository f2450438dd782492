"""What the headers of an H.264 packet tell of it (ITU-T H.264, 7.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_SLICES, _IDR, _SEI, _SPS, _PPS = frozenset((1, 2, 5)), 5, 6, 7, 8
_RECOVERY_POINT = 6
_ENOUGH = 64
"""Bytes of a slice that are sure to hold its first fields."""
_WITH_CHROMA = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))


@dataclass(frozen=True, slots=True)
class H264Facts:
    """What is told of one packet.

    Attributes:
        is_idr: Whether decoding can begin here, whatever came before.
        frame_num: Counts reference pictures, modulo a power of two; None if not told.
        refreshed_at: The ``frame_num`` at which a refresh that begins here is complete, or None.
        is_gap: Whether reference pictures are missing just before it.
        is_field: Whether it holds one of a frame's two fields.
    """

    is_idr: bool = False
    frame_num: int | None = None
    refreshed_at: int | None = None
    is_gap: bool = False
    is_field: bool = False


@dataclass(frozen=True, slots=True)
class _Sps:
    bits: int
    planes_apart: bool
    gaps_allowed: bool
    frames_only: bool


class H264Reader:
    """Reads packets in decoding order.

    Args:
        extradata: The decoder's configuration: ``avcC``, or NAL units in Annex B form.
    """

    def __init__(self, extradata: bytes | None) -> None:
        self._length = 0
        self._sps: dict[int, _Sps] = {}
        self._pps: dict[int, int] = {}
        self._last: int | None = None
        if extradata and extradata[0] == 1 and len(extradata) > 6:
            self._length = (extradata[4] & 3) + 1
            for nal in _avcc_sets(extradata):
                self._note(nal)
        elif extradata:
            for nal in _annex_b(extradata):
                self._note(nal)

    def read(self, data: bytes) -> H264Facts:
        """Read one packet; what cannot be made sense of is not told."""
        recovery: int | None = None
        for nal in self._units(data):
            kind = nal[0] & 31
            if kind in _SLICES:
                return self._place(nal, kind == _IDR, recovery)
            if kind == _SEI:
                recovery = _recovery_count(nal) if recovery is None else recovery
            else:
                self._note(nal)
        return H264Facts()

    def _units(self, data: bytes) -> Iterator[bytes]:
        if not self._length or data[:4] == b"\0\0\0\1":
            yield from _annex_b(data)
            return
        at = 0
        while at + self._length < len(data):
            size = int.from_bytes(data[at : at + self._length], "big")
            at += self._length
            if size:
                yield data[at : at + min(size, 4096)]
            at += size

    def _note(self, nal: bytes) -> None:
        try:
            if nal[0] & 31 == _SPS:
                number, sps = _read_sps(_Bits(nal[1:]))
                self._sps[number] = sps
            elif nal[0] & 31 == _PPS:
                bits = _Bits(nal[1:])
                number = bits.ue()
                self._pps[number] = bits.ue()
        except IndexError:
            return

    def _place(self, nal: bytes, is_idr: bool, recovery: int | None) -> H264Facts:
        bits = _Bits(nal[1:_ENOUGH])
        try:
            bits.ue()
            bits.ue()
            sps = self._sps[self._pps[bits.ue()]]
            if sps.planes_apart:
                bits.take(2)
            number = bits.take(sps.bits)
            is_field = not sps.frames_only and bool(bits.take(1))
        except LookupError:
            return H264Facts(is_idr)
        modulus = 1 << sps.bits
        last, is_reference = self._last, bool(nal[0] & 0x60)
        is_gap = (
            last is not None
            and not is_idr
            and not sps.gaps_allowed
            and number not in (last, (last + 1) % modulus)
        )
        if is_reference or is_gap:
            self._last = number
        target = None if recovery is None else (number + recovery) % modulus
        return H264Facts(is_idr, number, target, is_gap, is_field)


class _Bits:
    """Reads bits from the front; beyond the end an IndexError."""

    def __init__(self, data: bytes) -> None:
        data = data.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        """Return ``count`` bits as a number."""
        if count > self._left:
            raise IndexError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def ue(self) -> int:
        """Return an Exp-Golomb number."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def skip_list(self, size: int) -> None:
        """Pass over a scaling list."""
        last = following = 8
        for _ in range(size):
            if following:
                code = self.ue()
                delta = (code + 1) // 2 if code % 2 else -(code // 2)
                following = (last + delta) % 256
            last = following or last


def _read_sps(bits: _Bits) -> tuple[int, _Sps]:
    profile = bits.take(8)
    bits.take(16)
    number = bits.ue()
    planes_apart = False
    if profile in _WITH_CHROMA:
        chroma = bits.ue()
        planes_apart = chroma == 3 and bool(bits.take(1))
        bits.ue()
        bits.ue()
        bits.take(1)
        if bits.take(1):
            for index in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    bits.skip_list(16 if index < 6 else 64)
    width = bits.ue() + 4
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.take(1)
        bits.ue()
        bits.ue()
        for _ in range(bits.ue()):
            bits.ue()
    bits.ue()
    gaps_allowed = bool(bits.take(1))
    bits.ue()
    bits.ue()
    return number, _Sps(width, planes_apart, gaps_allowed, bool(bits.take(1)))


def _recovery_count(nal: bytes) -> int | None:
    """Return how many reference pictures a refresh takes that begins here, or None."""
    data, at = nal.replace(b"\0\0\3", b"\0\0"), 1
    while at + 2 < len(data):
        kind = size = 0
        while at < len(data) - 1 and data[at] == 255:
            kind, at = kind + 255, at + 1
        kind, at = kind + data[at], at + 1
        while at < len(data) - 1 and data[at] == 255:
            size, at = size + 255, at + 1
        size, at = size + data[at], at + 1
        if kind == _RECOVERY_POINT:
            try:
                return _Bits(data[at : at + size]).ue()
            except IndexError:
                return None
        at += size
    return None


def _annex_b(data: bytes) -> Iterator[bytes]:
    at = data.find(b"\0\0\1")
    while at >= 0:
        end = data.find(b"\0\0\1", at + 3)
        if nal := data[at + 3 : end if end >= 0 else len(data)]:
            yield nal
        at = end


def _avcc_sets(data: bytes) -> Iterator[bytes]:
    """Yield the parameter sets of an ``avcC`` box (ISO/IEC 14496-15, 5.3.3.1)."""
    at, count = 6, data[5] & 31
    for _ in range(2):
        for _ in range(count):
            size = int.from_bytes(data[at : at + 2], "big")
            if nal := data[at + 2 : at + 2 + size]:
                yield nal
            at += 2 + size
        count = data[at] if at < len(data) else 0
        at += 1
