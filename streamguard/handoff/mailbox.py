"""The newest redacted frame, and sound where it is wanted, in memory that processes share.

One process writes; any number read. Nobody ever waits for anybody, and every one of them may
be killed at any moment: the writer turns through three slots and names the newest one last,
a reader that was overtaken reads again. What comes out has the stamp of redaction, or does not.
"""

from __future__ import annotations

import contextlib
import logging
import time
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from streamguard.frames import RedactedFrame
from streamguard.handoff import sound_ring
from streamguard.handoff.sound_ring import SoundRing
from streamguard.redaction.slots import MailboxFrame, Slot, slot_size

log = logging.getLogger(__name__)

_SLOTS = 3
_HEADER = 256
_REASON = slice(64, 192)
_NEWEST, _BEAT, _SHOWN = range(3)
_TRIES = 4


class Mailbox:
    """Room for frames of one size in shared memory; make it with `create` or `attach`.

    Attributes:
        width: Width of every frame in pixels, even.
        height: Height of every frame, even.
        sound: Encoded sound; empty unless it is to be copied.
    """

    def __init__(self, memory: SharedMemory, width: int, height: int, *, owner: bool) -> None:
        self.width, self.height = width, height
        self._memory = memory
        self._owner = owner
        room = memory.buf
        if room is None:
            raise ValueError("the shared memory is closed")
        self._header = np.frombuffer(room, np.int64, _HEADER // 8)
        self._reason = np.frombuffer(room, np.uint8, _HEADER)[_REASON]
        size = slot_size(width, height)
        starts = [_HEADER + number * size for number in range(_SLOTS)]
        self._slots = [Slot(room, start, (width, height), memory.name) for start in starts]
        self.sound = SoundRing(room, starts[-1] + size)

    @classmethod
    def create(cls, width: int, height: int) -> Mailbox:
        """Make an empty mailbox; its size is rounded down to even numbers."""
        width, height = max(2, width // 2 * 2), max(2, height // 2 * 2)
        size = _HEADER + _SLOTS * slot_size(width, height) + sound_ring.SIZE
        return cls(SharedMemory(create=True, size=size), width, height, owner=True)

    @classmethod
    def attach(cls, name: str, width: int, height: int) -> Mailbox:
        """Open the mailbox that another process made."""
        return cls(SharedMemory(name), width, height, owner=False)

    @property
    def name(self) -> str:
        """What `attach` needs, beside the size."""
        return self._memory.name

    @property
    def reason(self) -> str:
        """Why there is no newer frame, in a few words for the slate; empty if there is none."""
        return bytes(self._reason).rstrip(b"\0").decode("ascii", "replace")

    @reason.setter
    def reason(self, words: str) -> None:
        room = np.zeros(len(self._reason), np.uint8)
        text = words.encode("ascii", "replace")[: len(room)]
        room[: len(text)] = np.frombuffer(text, np.uint8)
        self._reason[...] = room

    @property
    def beat(self) -> float:
        """`time.monotonic` when the writing process last gave a sign of life."""
        return float(self._header[_BEAT]) / 1e9

    def alive(self) -> None:
        """Give a sign of life."""
        self._header[_BEAT] = time.monotonic_ns()

    @property
    def newest(self) -> int:
        """Number of the newest frame; 0 while there is none."""
        return int(self._header[_NEWEST])

    @property
    def shown(self) -> float:
        """`time.monotonic` when the newest frame that is no slate was put in; 0 before."""
        return float(self._header[_SHOWN]) / 1e9

    def write(self, frame: RedactedFrame, captured: int) -> None:
        """Put a frame in; an older one goes. Other sizes are fitted between black bars.

        Args:
            frame: What redaction made.
            captured: `time.monotonic_ns` when it came in from the source.
        """
        sequence = self.newest + 1
        now = self._slots[sequence % _SLOTS].write(frame, sequence, captured)
        self._header[_NEWEST] = sequence
        self._header[_BEAT] = now
        if not frame.slate:
            self._header[_SHOWN] = now

    def read(self) -> MailboxFrame | None:
        """Return the newest frame, or None while there is none that redaction vouches for."""
        sequence = 0
        for _ in range(_TRIES):
            sequence = self.newest
            held = self._slots[sequence % _SLOTS].read(sequence) if sequence else None
            if held is not None or not sequence:
                return held
        log.warning("a picture without a valid stamp of redaction is left out")
        return None

    def close(self) -> None:
        """Let go of the memory; whoever made it also gives it back."""
        if self._slots:
            self._slots.clear()
            self._header = np.zeros(_HEADER // 8, np.int64)
            self._reason = np.zeros(128, np.uint8)
            self.sound.close()
            with contextlib.suppress(BufferError):
                self._memory.close()
            if self._owner:
                self._memory.unlink()
