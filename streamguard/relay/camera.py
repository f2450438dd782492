"""The process that sees raw frames. Redacted frames go out of it, and sound if asked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from multiprocessing.connection import Connection

from streamguard.detection import Detectors, default_detectors
from streamguard.frames import PassthroughPacket, RedactedFrame
from streamguard.handoff.mailbox import Mailbox
from streamguard.handoff.messages import Stop
from streamguard.judges.looking import LookingJudges
from streamguard.media.timing import NANOSECOND, converted
from streamguard.protocols import Source
from streamguard.relay.capture import Capture, live_queue
from streamguard.relay.child import REPORT_EVERY, Link, Ticker, begin, end, run_in_thread
from streamguard.relay.plan import CameraPlan
from streamguard.relay.states import Backoff, Reason, State
from streamguard.relay.status import CameraStatus
from streamguard.relay.worker import Worker
from streamguard.settings import Settings
from streamguard.sources import open_live_source

log = logging.getLogger(__name__)

_STEP = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraParts:
    """What a camera process is put together of; tests exchange them.

    Attributes:
        detectors: Makes the detectors, or None for the quality level's own.
        source: Opens the source, or None for the plan's own.
    """

    detectors: Callable[[Settings], Detectors] | None = None
    source: Callable[[CameraPlan], Source] | None = None


class MailboxWriter:
    """Puts redacted frames and sound into the mailbox, and rings for whoever reads it.

    Args:
        bells: Write ends of pipes, one for each reader.
    """

    def __init__(self, bells: tuple[Connection, ...]) -> None:
        self._mailbox: Mailbox | None = None
        self._bells = bells
        self._head = b""

    def use(self, mailbox: Mailbox) -> None:
        """Put frames there from now on; until then they go nowhere."""
        self._mailbox = mailbox
        self.announce(self._head)

    def announce(self, head: bytes) -> None:
        """Say what form the sound to come has; empty if there is none."""
        self._head = head
        if head and self._mailbox is not None and not self._mailbox.sound.announce(head):
            log.warning("the sound is left out: its description is too long")
            self._head = b""

    def sound(self, item: PassthroughPacket) -> None:
        """Put a packet of sound in; nobody is rung for, it goes with the next frame."""
        packet, mailbox = item.packet, self._mailbox
        if mailbox is not None and self._head and packet.pts is not None:
            at = converted(packet.pts, packet.time_base, NANOSECOND)
            lasts = converted(packet.duration or 0, packet.time_base, NANOSECOND)
            mailbox.sound.write(bytes(packet), at, lasts)

    def deliver(self, frame: RedactedFrame, captured: int) -> None:
        """Put one frame in and ring."""
        if self._mailbox is None:
            return
        self._mailbox.write(frame, captured)
        for bell in self._bells:
            try:
                bell.send_bytes(b"!")
            except OSError:
                # A full pipe: that reader has been rung for often enough.
                continue

    def give_reason(self, reason: str) -> None:
        """Say why there is no newer frame, and that this process lives."""
        if self._mailbox is not None:
            self._mailbox.reason = reason
            self._mailbox.alive()


def camera_main(
    plan: CameraPlan,
    connection: Connection,
    bells: tuple[Connection, ...],
    parts: CameraParts = CameraParts(),
) -> None:
    """Run a camera until told to stop; the body of its process."""
    link = begin(connection, plan.source.mask)
    status = CameraStatus()
    writer = MailboxWriter(bells)
    worker = Worker(plan, status, writer.deliver, judges_of(plan, parts))
    frames = live_queue(plan.lookahead)
    backoff = Backoff(longest=plan.retry_interval, slow=plan.slow_retry)

    def open_source() -> Source:
        if parts.source is not None:
            return parts.source(plan)
        source = open_live_source(plan.source, plan.live)
        log.info("sound: %s", source.sound)
        writer.announce(source.sound_head)
        return source

    capture = Capture(open_source, frames, status, backoff, writer.sound)

    def work() -> None:
        worker.prepare()
        worker.run(frames)

    run_in_thread("capture", capture.run)
    run_in_thread("detection", work)
    report = Ticker(REPORT_EVERY)
    sized = False
    while True:
        _obey(link, writer)
        writer.give_reason(_reason(status, worker))
        if report.due() or (status.width and not sized):
            sized = bool(status.width)
            link.send(deepcopy(status))


def _obey(link: Link, writer: MailboxWriter) -> None:
    for order in link.orders(_STEP):
        if isinstance(order, Stop):
            # Frames that were captured but not judged go with the process.
            end()
        else:
            writer.use(Mailbox.attach(order.name, order.width, order.height))


def judges_of(plan: CameraPlan, parts: CameraParts) -> LookingJudges:
    """Return what makes the judges of a camera."""
    return LookingJudges(plan.settings, parts.detectors or default_detectors)


def _reason(status: CameraStatus, worker: Worker) -> str:
    if status.state is State.LIVE:
        busy = status.busy_since and time.monotonic() - status.busy_since > 1
        return Reason.OVERLOAD.value if busy else worker.reason.value
    if status.captured == 0 and status.state is State.CONNECTING:
        return Reason.STARTING.value
    return Reason.NO_SIGNAL.value
