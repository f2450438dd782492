"""Keeps cameras running."""

from __future__ import annotations

import contextlib
import threading
import time
from multiprocessing.connection import wait

from streamguard.relay.camera import CameraParts
from streamguard.relay.cameras import Camera
from streamguard.relay.handover import keeps_outputs
from streamguard.relay.plan import CameraPlan

__all__ = ["Camera", "Supervisor"]

_STEP = 0.25
_DRAIN = 4.0
"""Seconds that recordings have to be finished; init systems wait longer than this."""


class Supervisor:
    """Runs cameras until told to stop.

    Args:
        plans: The cameras.
        parts: What camera processes are put together of.

    Attributes:
        cameras: By name.
        stepped: `time.monotonic` of the last step: a sign of life.
    """

    def __init__(self, plans: list[CameraPlan], parts: CameraParts = CameraParts()) -> None:  # noqa: B008
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
        """Take new plans; only cameras whose plan changed are touched. Return their names.

        Where source and sinks stay as they are, so do the sinks' processes and connections.
        """
        wanted = {plan.name: plan for plan in plans}
        changed, other = [], []
        for name in sorted({*wanted, *self.cameras}):
            camera, plan = self.cameras.get(name), wanted.get(name)
            if camera is not None and camera.plan == plan:
                continue
            changed.append(name)
            if camera is not None and plan is not None and keeps_outputs(camera.plan, plan):
                camera.change(plan)
            else:
                other.append(name)
        _stop_all([self.cameras.pop(name) for name in other if name in self.cameras])
        for name in other:
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
