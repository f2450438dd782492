"""What a viewer of a mailbox is shown now: its newest frame, or a slate that says why not."""

from __future__ import annotations

import time
from dataclasses import dataclass

from streamguard.redaction import blank_slate
from streamguard.relay.states import Freshness, Reason
from streamguard.sinks.mailbox import PIX_FMT, Mailbox, Picture

_DEAD_AFTER = 2.0


@dataclass(frozen=True, slots=True)
class Due:
    """What goes out now.

    Attributes:
        picture: Redacted frame or slate.
        at: Its time, `time.monotonic` of its capture; a slate continues that count.
        captured: When it was captured; for a slate when it was made.
        slate: Why it is a slate; empty for a frame.
        skipped: Frames that were overtaken since the one before.
    """

    picture: Picture
    at: float
    captured: float
    slate: str = ""
    skipped: int = 0


class View:
    """Reads a mailbox on its own clock.

    Args:
        mailbox: Where redacted frames come from.
        freshness: Decides between frame and slate.
    """

    def __init__(self, mailbox: Mailbox, freshness: Freshness) -> None:
        self._mailbox = mailbox
        self._freshness = freshness
        self._latency = 0.0
        self._sequence = 0
        self._slate: tuple[str, Picture] | None = None

    def wait(self) -> float:
        """Return the seconds until a slate can be due, if no frame comes."""
        return self._freshness.wait(time.monotonic())

    def next(self) -> Due | None:
        """Return what is due now, or None."""
        now = time.monotonic()
        choice = self._freshness.choose(self._mailbox.newest, now)
        letter = self._mailbox.read() if choice == "frame" else None
        if letter is not None and now - letter.written <= self._freshness.patience:
            skipped = letter.sequence - self._sequence - 1 if self._sequence else 0
            self._sequence = letter.sequence
            self._latency = now - letter.captured
            # Redaction covers the whole of a frame only if it was decided upon too late.
            slate = Reason.OVERLOAD.value if letter.whole else ""
            return Due(letter.picture, letter.captured, letter.captured, slate, skipped)
        if choice != "slate":
            return None
        reason = self.reason()
        return Due(self._slate_for(reason), now - self._latency, now, reason)

    def reason(self) -> str:
        """Return why there is no newer frame, in a few words."""
        if time.monotonic() - self._mailbox.beat > _DEAD_AFTER:
            return Reason.RESTARTING.value
        return self._mailbox.reason or Reason.STARTING.value

    def _slate_for(self, reason: str) -> Picture:
        if self._slate is None or self._slate[0] != reason:
            width, height = self._mailbox.width, self._mailbox.height
            self._slate = reason, blank_slate(width, height, PIX_FMT, text=reason).picture
        return self._slate[1]
