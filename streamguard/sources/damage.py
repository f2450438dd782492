"""Which decoded pictures can be vouched for. Pure: what is known of packets in, verdicts out.

Decoders conceal what they cannot read and go on predicting from it. So one broken picture breaks
all that are decoded after it, until one that needs no other: a key picture, or the end of a
gradual refresh. Pictures come out of the decoder in the order they are shown; what they rest on
follows from the order they were decoded in, so some wait here until that is settled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

DAMAGED = "damaged data"
GAP = "data is missing"
UNREADABLE = "data that cannot be decoded"
LATE_START = "before the first key picture"

_FURTHEST = 20
"""Packets after which a picture has not only been put off: the widest reordering is 16."""
_JUMP = 10.0
"""Seconds between two packets from which time stamps have jumped."""

Picture = TypeVar("Picture")


@dataclass(slots=True)
class PacketFacts:
    """One packet of video, as far as it tells what its picture rests on.

    Attributes:
        shown: Presentation time in seconds, or None.
        decoded: Decoding time in seconds, or None.
        fault: Why it is known to be broken; empty if it is not.
        is_key: Whether decoding can begin here; None if only the decoded picture tells.
        refreshes: The number (`refresh`) of the picture at which a gradual refresh that begins
            here is complete, or None.
        number: The number of its picture, where the codec counts reference pictures.
        gives_picture: Whether it must give one, so that a missing one is damage.
    """

    shown: float | None = None
    decoded: float | None = None
    fault: str = ""
    is_key: bool | None = None
    refreshes: int | None = None
    number: int | None = None
    gives_picture: bool = True


@dataclass(slots=True)
class _SentPacket:
    facts: PacketFacts
    epoch: int
    settled: bool = False
    place: int | None = None
    intra: bool = False


class DamageTracker(Generic[Picture]):
    """Follows packets into a decoder and pictures out of it.

    Args:
        starts_late: Whether the first packets may rest on what was cut off before them.

    Attributes:
        reorders: Whether pictures may come in another order than their packets.
        missing: Number of packets that gave no picture although they should have.
    """

    def __init__(self, *, starts_late: bool = True) -> None:
        self.reorders = True
        self.missing = 0
        self._broken = LATE_START if starts_late else ""
        self._key: tuple[_SentPacket, str] | None = None
        self._refreshed_at: int | None = None
        self._sent: dict[int, _SentPacket] = {}
        self._verdicts: dict[int, str] = {}
        self._held: deque[tuple[int, Picture]] = deque()
        self._count = self._judged = self._epoch = self._places = 0
        self._newest: float | None = None
        self._begun = False

    def send(self, facts: PacketFacts) -> int:
        """Take a packet on its way into the decoder; return its number, from 0."""
        if facts.decoded is not None:
            last, self._newest = self._newest, facts.decoded
            if last is not None and abs(facts.decoded - last) > _JUMP:
                self._epoch += 1
        index = self._count
        self._sent[index] = _SentPacket(facts, self._epoch)
        self._count += 1
        return index

    def fail(self, reason: str) -> None:
        """Take an error of the decoder; with its threads any packet it still has may be it."""
        waiting = [sent for sent in self._sent.values() if not sent.settled]
        for sent in waiting:
            sent.facts.fault = sent.facts.fault or reason
        if not waiting:
            self._break(reason)

    def take(self, picture: Picture, index: int | None, *, fault: str, intra: bool) -> None:
        """Take a picture as the decoder gives it.

        Args:
            picture: The picture.
            index: The number of its packet, or None if the decoder does not tell.
            fault: Why the decoder itself calls it broken, or empty.
            intra: Whether the decoder calls it a key picture.
        """
        if index is None:
            waiting = (at for at, sent in self._sent.items() if not sent.settled)
            index = next(waiting, self._judged - 1)
        self._held.append((index, picture))
        self._places += 1
        sent = self._sent.get(index)
        if sent is None:
            # A second picture of one packet, or one that was no longer waited for.
            if fault:
                self._break(fault)
            self._verdicts[index] = fault or self._verdicts.get(index, self._broken)
            return
        sent.facts.fault = sent.facts.fault or fault
        if sent.place is None:
            sent.settled, sent.place, sent.intra = True, self._places, intra
        self._give_up(index, sent)
        self._walk()

    def ready(self) -> Iterator[tuple[Picture, str]]:
        """Yield pictures that are settled, each with why it is broken, or an empty string."""
        while self._held and self._held[0][0] < self._judged:
            index, picture = self._held.popleft()
            yield picture, self._verdicts.get(index, self._broken)

    def finish(self) -> None:
        """Take the end: what has not come will not."""
        for sent in self._sent.values():
            sent.settled = True
        self._walk()

    def _give_up(self, index: int, came: _SentPacket) -> None:
        """Settle packets whose picture should have come by now."""
        # Time stamps tell nothing here: AVI guesses them, and decoders find out late how far
        # pictures are put off.
        furthest = _FURTHEST if self.reorders else 0
        for other, sent in self._sent.items():
            if other < index - furthest or sent.epoch < came.epoch:
                sent.settled = True

    def _walk(self) -> None:
        """Judge packets in decoding order, as far as it is known what came of them."""
        while (sent := self._sent.get(self._judged)) is not None and sent.settled:
            del self._sent[self._judged]
            self._verdicts[self._judged] = self._judge(sent)
            # Kept for as long as a picture may come late.
            self._verdicts.pop(self._judged - 4 * _FURTHEST, None)
            self._begun = self._begun or sent.place is not None
            self._judged += 1

    def _judge(self, sent: _SentPacket) -> str:
        facts = sent.facts
        fault = facts.fault or self._missing(sent)
        if fault:
            self._break(fault)
            return self._broken
        if facts.refreshes is not None and self._refreshed_at is None:
            self._refreshed_at = facts.refreshes
        if self._is_entry(sent):
            self._key = (sent, self._broken) if self._broken else None
            self._broken, self._refreshed_at = "", None
        return self._broken or self._of_leading(sent)

    def _is_entry(self, sent: _SentPacket) -> bool:
        """Whether nothing decoded before is needed for what is shown from this picture on."""
        facts = sent.facts
        if facts.number is not None and facts.number == self._refreshed_at:
            return True
        # The first picture may lack the mark of a key: nothing before it is known to be missing.
        if facts.is_key is None or (self._broken == LATE_START and not self._begun):
            return sent.intra or bool(facts.is_key)
        return facts.is_key

    def _of_leading(self, sent: _SentPacket) -> str:
        """What is shown before a key picture but decoded after it rests on what came before."""
        if self._key is None:
            return ""
        key, reason = self._key
        if sent.place is not None and key.place is not None:
            return reason if sent.place < key.place else ""
        shown, since = sent.facts.shown, key.facts.shown
        if sent.epoch != key.epoch or shown is None or since is None:
            return ""
        return reason if shown < since else ""

    def _missing(self, sent: _SentPacket) -> str:
        if sent.place is not None or not sent.facts.gives_picture or not self._begun:
            return ""
        if self._of_leading(sent):
            return ""
        self.missing += 1
        return GAP

    def _break(self, reason: str) -> None:
        self._refreshed_at = None
        if self._broken in ("", LATE_START):
            self._broken = reason
