"""The process behind one sink. It never sees a raw frame: only a mailbox, and its own slates."""

from __future__ import annotations

import logging
import time
from copy import deepcopy
from multiprocessing.connection import Connection

from streamguard.errors import SinkError, SinkPermissionError
from streamguard.handoff.mailbox import Mailbox
from streamguard.handoff.messages import Stop
from streamguard.media.address import Address
from streamguard.media.timing import SECOND
from streamguard.memory import give_back
from streamguard.relay.child import REPORT_EVERY, Link, Ticker, begin, end
from streamguard.relay.states import Backoff, Freshness, State
from streamguard.relay.status import OutputStatus
from streamguard.relay.view import View
from streamguard.sinks import open_live_sink
from streamguard.sinks.kinds import LiveSink
from streamguard.sinks.livemux import LiveFormat

log = logging.getLogger(__name__)

_LONGEST_STEP = 0.25
_SOUND_WAIT = 8.0
"""Seconds that opening waits for a source that is to say whether it has sound: a sink that is
opened without must be opened again for it."""


def output_main(
    address: Address,
    form: LiveFormat,
    mailbox_name: str,
    waits: tuple[float, float, float],
    connection: Connection,
    bell: Connection,
) -> None:
    """Write one sink until told to stop; the body of its process.

    Args:
        address: The sink.
        form: What to write.
        mailbox_name: Where redacted frames come from.
        waits: Patience before a slate, longest retry interval and that of refused credentials.
        connection: The link to the supervisor.
        bell: Rings when there is a new frame.
    """
    link = begin(connection, address.mask)
    mailbox = Mailbox.attach(mailbox_name, form.width, form.height)
    patience, longest, slow = waits
    freshness = Freshness(patience, 1 / min(form.frame_rate, 10.0))
    backoff = Backoff(longest=longest, slow=slow)
    _Output(address, form, link, mailbox, View(mailbox, freshness), backoff).run(bell)


class _Output:
    def __init__(
        self,
        address: Address,
        form: LiveFormat,
        link: Link,
        mailbox: Mailbox,
        view: View,
        backoff: Backoff,
    ) -> None:
        self._address = address
        self._form = form
        self._link = link
        self._mailbox = mailbox
        self._sound_by = time.monotonic() + _SOUND_WAIT
        self._view = view
        self._backoff = backoff
        self._status = OutputStatus()
        self._sink: LiveSink | None = None
        self._retry_at = 0.0
        self._report = Ticker(REPORT_EVERY)

    def run(self, bell: Connection) -> None:
        while True:
            if Stop() in self._link.orders(0):
                self._close()
                self._link.send(deepcopy(self._status))
                end()
            if self._report.due():
                self._link.send(deepcopy(self._status))
            if bell.poll(self._patience()):
                _silence(bell)
            try:
                self._step()
            except SinkError as error:
                self._fail(error)

    def _patience(self) -> float:
        """Return how long to wait for the bell before something else may be due."""
        wait = self._view.wait()
        if self._sink is None:
            wait = max(0.02, self._retry_at - time.monotonic())
        return min(wait, _LONGEST_STEP)

    def _step(self) -> None:
        if self._sink is None:
            if time.monotonic() < self._retry_at or self._waits_for_sound():
                return
            sound = self._mailbox.sound if self._form.sound else None
            self._sink = open_live_sink(self._address, self._form, sound)
        shown = self._view.next()
        if shown is None:
            return
        status = self._status
        if not self._sink.write(shown.frame, shown.at):
            status.skipped += 1
            return
        if not status.frames or status.state is not State.LIVE:
            self._backoff.after_success()
        status.frames += 1
        status.last_frame = time.time()
        status.skipped += shown.skipped
        status.state = State.SLATE if shown.slate else State.LIVE
        status.reason = shown.slate
        if shown.slate:
            status.slates[shown.slate] += 1
        else:
            status.latencies.add((time.monotonic_ns() - shown.captured) / SECOND)

    def _waits_for_sound(self) -> bool:
        """Whether it is not known yet if there is any; with the first frame it is."""
        box = self._mailbox
        unknown = self._form.sound and not box.sound.form and not box.newest
        return unknown and time.monotonic() < self._sound_by

    def _fail(self, error: SinkError) -> None:
        status = self._status
        hopeless = isinstance(error, SinkPermissionError)
        was_open = status.state in (State.LIVE, State.SLATE)
        if status.reason != error.what and not was_open:
            # Otherwise it is the supervisor who says that an outage begins, and why.
            log.warning("%s", error)
        status.state = State.RECONNECTING if status.frames else State.CONNECTING
        if hopeless:
            status.state = State.FAILED
        status.reason = error.what
        status.reconnects += 1
        self._retry_at = time.monotonic() + self._backoff.after_failure(hopeless=hopeless)
        self._link.send(deepcopy(status))
        self._close()

    def _close(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.close()
            except SinkError as error:
                log.info("closing: %s", error)
            del sink
            give_back()


def _silence(bell: Connection) -> None:
    while bell.poll(0):
        bell.recv_bytes()
