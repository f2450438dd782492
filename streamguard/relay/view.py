"""What a viewer of a mailbox is shown now: its newest frame, or a slate that says why not."""

from __future__ import annotations

import time
from dataclasses import dataclass

from streamguard.frames import RedactedFrame
from streamguard.handoff.mailbox import Mailbox
from streamguard.media.timing import SECOND
from streamguard.redaction import blank_slate
from streamguard.redaction.slots import PIX_FMT, MailboxFrame
from streamguard.relay.states import Freshness, Reason

_DEAD_AFTER = 2.0


@dataclass(frozen=True, slots=True)
class ShownFrame:
    """What goes out now.

    Attributes:
        frame: Redacted frame or slate.
        at: Its time, `time.monotonic_ns` of its capture; a slate continues that count.
        captured: When it was captured; for a slate when it was made.
        slate: Why it is a slate; empty for a frame.
        skipped: Frames that were overtaken since the one before.
    """

    frame: RedactedFrame
    at: int
    captured: int
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
        self._latency = 0
        self._sequence = 0
        self._captured = 0
        self._met = 0
        self._slate: tuple[str, RedactedFrame] | None = None

    def wait(self) -> float:
        """Return the seconds until a slate can be shown, if no frame comes."""
        return self._freshness.wait(time.monotonic())

    def next(self) -> ShownFrame | None:
        """Return what is shown now, or None."""
        now = time.monotonic_ns()
        held = self._newest(now)
        choice = self._freshness.choose(held.sequence if held else self._sequence, now / SECOND)
        if held is not None and choice == "frame":
            skipped = held.sequence - self._sequence - 1 if self._sequence else 0
            self._sequence, self._captured = held.sequence, held.captured
            self._latency = now - held.captured
            return ShownFrame(held.frame, held.captured, held.captured, held.frame.slate, skipped)
        if choice != "slate":
            return None
        reason = why_slate(self._mailbox)
        return ShownFrame(self._slate_for(reason), now - self._latency, now, reason)

    def _newest(self, now: int) -> MailboxFrame | None:
        """Return the newest frame if it was not met before and may still be shown."""
        if self._mailbox.newest == self._met:
            return None
        self._met = self._mailbox.newest
        held = self._mailbox.read()
        if held is None:
            return None
        self._met = held.sequence
        # A camera process that takes over may be further behind than the one before was.
        is_news = held.captured > self._captured
        is_fresh = now - held.written <= self._freshness.patience * SECOND
        return held if is_news and is_fresh else None

    def _slate_for(self, reason: str) -> RedactedFrame:
        if self._slate is None or self._slate[0] != reason:
            width, height = self._mailbox.width, self._mailbox.height
            self._slate = reason, blank_slate(width, height, PIX_FMT, text=reason)
        return self._slate[1]


def why_slate(mailbox: Mailbox) -> str:
    """Return why there is no newer frame in a mailbox, in a few words."""
    if time.monotonic() - mailbox.beat > _DEAD_AFTER:
        return Reason.RESTARTING.value
    return mailbox.reason or Reason.STARTING.value
