"""Keeps cameras running: for each a process that sees, and one for every sink."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from streamguard.relay.camera import Parts, UseMailbox, camera_main
from streamguard.relay.output import output_main
from streamguard.relay.plan import CameraPlan
from streamguard.relay.process import Child, Output
from streamguard.relay.states import State
from streamguard.relay.status import CameraStatus, total
from streamguard.sinks.livemux import LiveFormat
from streamguard.sinks.mailbox import Mailbox

log = logging.getLogger(__name__)

_STEP = 0.25
_FRESH = 2.0
"""Seconds within which a camera that is ready shows another frame."""
_DRAIN = 4.0
"""Seconds that recordings have to be finished; init systems wait longer than this."""


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

    def __init__(self, plan: CameraPlan, parts: Parts = Parts()) -> None:  # noqa: B008 - frozen
        self.plan = plan
        self.status = CameraStatus()
        self.outputs = [Output(address) for address in plan.sinks]
        self.mailbox: Mailbox | None = None
        self._before = CameraStatus()
        self._busy_since = 0.0
        self._told = False
        bells = tuple(output.bell[1] for output in self.outputs)
        for bell in bells:
            # Nobody waits for a reader.
            os.set_blocking(bell.fileno(), False)
        self._child = Child(
            f"{plan.name}: camera",
            camera_main,
            lambda link: (plan, link, bells, parts),
            plan.hang_timeout,
            self._hear,
        )
        if plan.size is not None:
            self._open_outputs(*plan.size, rate=plan.live.fps or 25.0)

    @property
    def restarts(self) -> int:
        """How often one of its processes was replaced."""
        return self._child.restarts + sum(o.child.restarts for o in self.outputs if o.child)

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
            *(w for o in self.outputs if o.child is not None for w in o.child.waitables),
        ]

    def tend(self) -> None:
        """Do what is due."""
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


class Supervisor:
    """Runs cameras until told to stop.

    Args:
        plans: The cameras.
        parts: What camera processes are put together of.

    Attributes:
        cameras: By name.
        stepped: `time.monotonic` of the last step: a sign of life.
    """

    def __init__(self, plans: list[CameraPlan], parts: Parts = Parts()) -> None:  # noqa: B008
        self._parts = parts
        self.stepped = time.monotonic()
        self.cameras = {plan.name: Camera(plan, parts) for plan in plans}

    def run(self, stop: threading.Event) -> None:
        """Tend all cameras until the event is set, then let them finish."""
        try:
            while not stop.is_set():
                self.step()
        finally:
            self.stop()

    def step(self, seconds: float = _STEP) -> None:
        """Tend all cameras once, after waiting for something to happen up to a time."""
        waitables = [w for camera in self.cameras.values() for w in camera.waitables]
        if waitables:
            # A signal handler's KeyboardInterrupt comes through; nothing else can.
            wait(waitables, seconds)  # type: ignore[arg-type]
        else:
            time.sleep(min(seconds, 0.05))
        for camera in self.cameras.values():
            camera.tend()
        self.stepped = time.monotonic()

    def reload(self, plans: list[CameraPlan]) -> list[str]:
        """Take new plans; only cameras whose plan changed are touched. Return their names."""
        wanted = {plan.name: plan for plan in plans}
        changed = [
            name
            for name in sorted({*wanted, *self.cameras})
            if name not in wanted
            or name not in self.cameras
            or self.cameras[name].plan != wanted[name]
        ]
        going = [self.cameras.pop(name) for name in changed if name in self.cameras]
        _stop_all(going)
        for name in changed:
            if name in wanted:
                self.cameras[name] = Camera(wanted[name], self._parts)
        return changed

    def stop(self) -> None:
        """Let all cameras finish, within seconds."""
        _stop_all(list(self.cameras.values()))


def _stop_all(cameras: list[Camera]) -> None:
    for camera in cameras:
        camera.ask_to_stop()
    deadline = time.monotonic() + _DRAIN
    for camera in cameras:
        with contextlib.suppress(OSError):
            camera.stop(deadline)
