"""The newest seconds of encoded sound, in memory that several processes share.

As with the frames of a mailbox, one process writes, any number read, nobody waits, and what
is old is written over. A reader that was overtaken finds that out, and goes on with what is there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PACKETS = 1024
"""Packets that are remembered: 20 s of the usual ones."""
_ROOM = 2**20
"""Bytes that they may have together: 5 s of uncompressed stereo, a minute of AAC."""
_LARGEST = _ROOM // 8
_HEAD_ROOM = 2**14
_NEWEST, _WRITTEN, _HEAD = range(3)
_SEQUENCE, _START, _LENGTH, _AT, _LASTS, _FORM = range(6)

SIZE = 64 + 2 * (8 + _HEAD_ROOM) + _PACKETS * 64 + _ROOM
"""Bytes of memory that a ring takes; what is never written costs nothing."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One packet of encoded sound.

    Attributes:
        data: As the source sent it.
        at: Its time, `time.monotonic_ns` of its capture.
        lasts: How long it lasts in nanoseconds; 0 if unknown.
        form: Number of the head it belongs to.
    """

    data: bytes
    at: int
    lasts: int
    form: int


class SoundRing:
    """A ring of packets in shared memory.

    Args:
        memory: The shared memory.
        start: Where in it the ring begins; `SIZE` bytes are its own, zero at first.
    """

    def __init__(self, memory: memoryview, start: int) -> None:
        self._state = np.frombuffer(memory, np.int64, 8, start)
        start += 64
        self._head_sizes = np.frombuffer(memory, np.int64, 2, start)
        start += 16
        heads = np.frombuffer(memory, np.uint8, 2 * _HEAD_ROOM, start)
        self._heads = heads.reshape(2, _HEAD_ROOM)
        start += 2 * _HEAD_ROOM
        index = np.frombuffer(memory, np.int64, _PACKETS * 8, start)
        self._index: NDArray[np.int64] = index.reshape(_PACKETS, 8)
        self._room = np.frombuffer(memory, np.uint8, _ROOM, start + _PACKETS * 64)

    @property
    def newest(self) -> int:
        """Number of the newest packet; 0 while there is none."""
        return int(self._state[_NEWEST])

    @property
    def oldest(self) -> int:
        """Number of the oldest packet that may still be there."""
        return max(1, self.newest - _PACKETS + 1)

    @property
    def form(self) -> int:
        """Number of the head that packets have now; 0 while there is none."""
        return int(self._state[_HEAD])

    def announce(self, head: bytes) -> bool:
        """Say what form the packets to come have; return whether there is room for it."""
        if len(head) > _HEAD_ROOM:
            return False
        number = self.form
        if not number or head != self.head()[1]:
            slot = (number + 1) % 2
            self._head_sizes[slot] = len(head)
            self._heads[slot, : len(head)] = np.frombuffer(head, np.uint8)
            self._state[_HEAD] = number + 1
        return True

    def head(self) -> tuple[int, bytes]:
        """Return the number of the newest head, and the head; 0 and nothing while there is none."""
        number = self.form
        if not number:
            return 0, b""
        return number, self._heads[number % 2, : self._head_sizes[number % 2]].tobytes()

    def write(self, data: bytes, at: int, lasts: int) -> bool:
        """Put a packet in; old ones go. Return whether there is room for it.

        Args:
            data: The packet.
            at: Its time, `time.monotonic_ns` of its capture.
            lasts: How long it lasts, in nanoseconds.
        """
        if len(data) > _LARGEST:
            return False
        sequence, start = self.newest + 1, int(self._state[_WRITTEN])
        entry = self._index[sequence % _PACKETS]
        entry[_SEQUENCE] = 0
        # Said before it is done, so that a reader knows what it may not believe.
        self._state[_WRITTEN] = start + len(data)
        for piece, source in self._pieces(start, len(data)):
            self._room[piece] = np.frombuffer(data, np.uint8)[source]
        entry[_START:] = 0
        entry[_START], entry[_LENGTH], entry[_FORM] = start, len(data), self.form
        entry[_AT], entry[_LASTS] = at, lasts
        entry[_SEQUENCE] = sequence
        self._state[_NEWEST] = sequence
        return True

    def time_of(self, sequence: int) -> int:
        """Return the time of a packet, as of `time.monotonic_ns`, without reading it."""
        return int(self._index[sequence % _PACKETS, _AT])

    def read(self, sequence: int) -> Sound | None:
        """Return a packet, or None if it has been written over."""
        entry = self._index[sequence % _PACKETS].copy()
        start, length = int(entry[_START]), int(entry[_LENGTH])
        if entry[_SEQUENCE] != sequence or not 0 <= length <= _LARGEST:
            return None
        data = b"".join(self._room[piece].tobytes() for piece, _ in self._pieces(start, length))
        whole = self._index[sequence % _PACKETS, _SEQUENCE] == sequence
        if not whole or self._state[_WRITTEN] - start > _ROOM:
            return None
        return Sound(data, int(entry[_AT]), int(entry[_LASTS]), int(entry[_FORM]))

    def close(self) -> None:
        """Let go of the memory; what comes then goes nowhere."""
        self.__init__(memoryview(bytearray(SIZE)), 0)  # type: ignore[misc]

    @staticmethod
    def _pieces(start: int, length: int) -> list[tuple[slice, slice]]:
        """Return where in the room bytes are, and which of them: two pieces at its end."""
        first = start % _ROOM
        fits = min(length, _ROOM - first)
        pieces = [(slice(first, first + fits), slice(0, fits))]
        if fits < length:
            pieces.append((slice(0, length - fits), slice(fits, length)))
        return pieces
