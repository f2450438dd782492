"""One camera's processes: one that sees raw frames, and one for every sink."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from streamguard.handoff.mailbox import Mailbox
from streamguard.handoff.messages import UseMailbox
from streamguard.media.address import told_apart
from streamguard.relay.camera import CameraParts, camera_main
from streamguard.relay.handover import Handover
from streamguard.relay.output import output_main
from streamguard.relay.plan import CameraPlan
from streamguard.relay.process import Child, Output
from streamguard.relay.states import State
from streamguard.relay.status import CameraStatus, total
from streamguard.sinks.livemux import LiveFormat

_FRESH = 2.0
"""Seconds within which a camera that is ready shows another frame."""


class Camera:
    """One camera's processes.

    Args:
        plan: What to do.
        parts: What the camera process is put together of.

    Attributes:
        plan: What to do.
        status: What the camera process said last, with what its predecessors counted.
        outputs: Its sinks.
        mailbox: Where its redacted frames are; None before the first frame.
    """

    def __init__(self, plan: CameraPlan, parts: CameraParts = CameraParts()) -> None:  # noqa: B008 - frozen
        self.plan = plan
        self.status = CameraStatus()
        self.outputs = [Output(address) for address in told_apart(plan.sinks)]
        self.mailbox: Mailbox | None = None
        self._before = CameraStatus()
        self._busy_since = 0.0
        self._told = False
        self._parts = parts
        self._restarts = 0
        self._handover: Handover | None = None
        for output in self.outputs:
            # Nobody waits for a reader.
            os.set_blocking(output.bell[1].fileno(), False)
        self._child = self._child_for(plan)
        if plan.size is not None:
            self._open_outputs(*plan.size, rate=plan.live.fps or 25.0)

    @property
    def restarts(self) -> int:
        """How often one of its processes was replaced."""
        return (
            self._restarts
            + self._child.restarts
            + sum(o.child.restarts for o in self.outputs if o.child)
        )

    @property
    def pids(self) -> dict[str, int]:
        """Ids of the running processes, by what they do."""
        children = [self._child, *(o.child for o in self.outputs if o.child is not None)]
        return {child.name: child.pid for child in children if child.pid is not None}

    @property
    def state(self) -> State:
        """What the camera is doing, as its viewers see it."""
        if self.status.state is not State.LIVE or not self.outputs:
            return self.status.state
        states = {output.status.state for output in self.outputs}
        order = (State.FAILED, State.SLATE, State.RECONNECTING, State.CONNECTING)
        return next((state for state in order if state in states), State.LIVE)

    @property
    def ready(self) -> bool:
        """Whether viewers are shown frames: every sink's newest is one, and the view's is new."""
        mailbox = self.mailbox
        fresh = mailbox is not None and time.monotonic() - mailbox.shown < _FRESH
        return fresh and self.state is State.LIVE

    @property
    def waitables(self) -> list[object]:
        """What to wait for."""
        return [
            *self._child.waitables,
            *(self._handover.child.waitables if self._handover is not None else ()),
            *(w for o in self.outputs if o.child is not None for w in o.child.waitables),
        ]

    def change(self, plan: CameraPlan) -> None:
        """Take a new plan that keeps the outputs; the old process goes on until it can."""
        if self._handover is not None:
            self._handover.cancel()
        self.plan = plan
        self._handover = Handover(self._child_for(plan), plan.source.kind)

    def tend(self) -> None:
        """Do what is due."""
        if self._handover is not None:
            self._handover.child.tend()
            if self._handover.is_due:
                self._hand_over(self._handover)
        restarts = self._child.restarts
        self._child.tend()
        busy = self._busy_since
        if busy and time.monotonic() - busy > self.plan.hang_timeout:
            self._child.replace(f"detection hung for {self.plan.hang_timeout:g} s")
        if self._child.restarts != restarts:
            self._before, self._busy_since, self._told = self.status, 0.0, False
            self.status.state, self.status.reason = State.RECONNECTING, "restarting"
        for output in self.outputs:
            output.tend()

    def ask_to_stop(self) -> None:
        """Ask all processes to finish."""
        for output in self.outputs:
            if output.child is not None:
                output.child.ask_to_stop()
        self._child.ask_to_stop()
        if self._handover is not None:
            self._handover.cancel()
            self._handover = None

    def stop(self, deadline: float) -> None:
        """Wait for all processes to end, kill those that do not, give everything back."""
        for output in self.outputs:
            if output.child is not None:
                output.child.stop(deadline)
        self._child.stop(deadline)
        for output in self.outputs:
            for end in output.bell:
                end.close()
        if self.mailbox is not None:
            self.mailbox.close()
            self.mailbox = None

    def _child_for(self, plan: CameraPlan) -> Child:
        bells = tuple(output.bell[1] for output in self.outputs)
        return Child(
            f"{plan.name}: camera",
            camera_main,
            lambda link: (plan, link, bells, self._parts),
            plan.hang_timeout,
            self._hear,
        )

    def _hand_over(self, handover: Handover) -> None:
        self._restarts += self._child.restarts
        self._child, self._handover = handover.take_over(self._child), None
        self._child.on_message = self._hear
        self._before, self._busy_since, self._told = self.status, 0.0, False
        if handover.status is not None:
            self._hear(handover.status)

    def _hear(self, status: CameraStatus) -> None:
        self._busy_since = status.busy_since
        self.status = total(self._before, status)
        if status.width and self.mailbox is None:
            size = self.plan.size or (status.width, status.height)
            self._open_outputs(*size, rate=status.frame_rate)
        if self.mailbox is not None and not self._told:
            self._told = True
            mailbox = self.mailbox
            self._child.send(UseMailbox(mailbox.name, mailbox.width, mailbox.height))

    def _open_outputs(self, width: int, height: int, rate: float) -> None:
        self.mailbox = mailbox = Mailbox.create(width, height)
        plan = self.plan
        form = LiveFormat(
            width=mailbox.width,
            height=mailbox.height,
            frame_rate=rate,
            encoding=plan.settings.encoding,
            rtsp_transport=plan.live.rtsp_transport,
            record_minutes=plan.record_minutes,
            sound=plan.live.audio,
        )
        waits = (plan.patience, plan.retry_interval, plan.slow_retry)
        for output in self.outputs:
            output.child = Child(
                f"{plan.name}: {output.address}",
                output_main,
                _output_args(output, form, mailbox.name, waits),
                plan.hang_timeout,
                output.hear,
            )


def _output_args(
    output: Output, form: LiveFormat, mailbox: str, waits: tuple[float, float, float]
) -> Callable[[Connection], tuple[object, ...]]:
    return lambda link: (output.address, form, mailbox, waits, link, output.bell[0])
