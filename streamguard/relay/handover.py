"""A new camera process takes over from the one before, while the sinks stay open."""

from __future__ import annotations

import time

from streamguard.media.address import AddressKind
from streamguard.relay.plan import CameraPlan
from streamguard.relay.process import Child
from streamguard.relay.status import CameraStatus

_LONGEST = 20.0
"""Seconds after which the new process takes over in any case."""
_GOODBYE = 0.5
"""Seconds that the old one has to end by itself."""


def keeps_outputs(before: CameraPlan, after: CameraPlan) -> bool:
    """Whether a new plan leaves source and sinks as they are: only the camera's process changes."""
    return _outputs(before) == _outputs(after)


def _outputs(plan: CameraPlan) -> tuple[object, ...]:
    return (
        *(plan.name, plan.source, plan.sinks, plan.size, plan.record_minutes),
        *(plan.patience, plan.retry_interval, plan.slow_retry, plan.hang_timeout),
        *(plan.settings.encoding, plan.live.rtsp_transport, plan.live.audio, plan.live.fps),
    )


class Handover:
    """A new process that gets ready while the one before goes on.

    Args:
        child: The new process.
        kind: Of the source.

    Attributes:
        child: The new process.
        status: What it said last.
    """

    def __init__(self, child: Child, kind: AddressKind) -> None:
        self.child = child
        self.status: CameraStatus | None = None
        self._kind = kind
        self._latest = time.monotonic() + _LONGEST
        child.on_message = self._hear

    @property
    def is_due(self) -> bool:
        """Whether it can take over: it has frames, or gets none while the other has the source."""
        if time.monotonic() > self._latest:
            return True
        if self.status is None:
            return False
        return (
            bool(self.status.redacted or self.status.reconnects) or self._kind is AddressKind.WEBCAM
        )

    def take_over(self, old: Child) -> Child:
        """End the old process; only then may the new one write. Return the new one."""
        old.ask_to_stop()
        old.stop(time.monotonic() + _GOODBYE)
        return self.child

    def cancel(self) -> None:
        """End the new process instead."""
        self.child.stop(0.0)

    def _hear(self, status: CameraStatus) -> None:
        self.status = status
