"""A camera's state in words, for people and for JSON."""

from __future__ import annotations

import time
from collections.abc import Iterator

from streamguard.media.timing import SECOND
from streamguard.relay.states import State
from streamguard.relay.supervisor import Camera
from streamguard.relay.view import why_slate

_STATES = {
    State.CONNECTING: "Connecting",
    State.LIVE: "Live",
    State.SLATE: "Slate",
    State.RECONNECTING: "Reconnecting",
    State.FAILED: "Failed",
}


def describe(camera: Camera) -> dict[str, object]:
    """Return a camera's state, ready for JSON."""
    status = camera.status
    return {
        "state": camera.state.value,
        "words": words_of(camera),
        "source": {
            "address": camera.plan.source.shown,
            "state": status.state.value,
            "reason": status.reason,
            "width": status.width,
            "height": status.height,
        },
        "sinks": [
            {
                "address": output.address.shown,
                "state": output.status.state.value,
                "reason": output.status.reason,
                "latency": output.status.latencies.quantile(0.5),
            }
            for output in camera.outputs
        ],
        "faces": status.faces,
        "dropped": sum(status.dropped.values()),
        "damage": status.damage,
        "restarts": camera.restarts,
    }


def words_of(camera: Camera) -> dict[str, str]:
    """Return what the page says of a camera: ``state``, ``picture``, ``reason`` and ``facts``."""
    return {
        "state": _STATES[camera.state],
        "picture": _picture(camera),
        "reason": "; ".join(_reasons(camera)),
        "facts": ", ".join(_facts(camera)),
    }


def _picture(camera: Camera) -> str:
    """Say what viewers of the camera see now."""
    mailbox = camera.mailbox
    if mailbox is None:
        return "No picture yet"
    now, patience = time.monotonic(), camera.plan.patience
    if now - mailbox.shown < patience:
        return "Faces are covered"
    held = mailbox.read()
    # A frame that was covered as a whole says itself why.
    own = held.frame.slate if held is not None and now - held.written / SECOND < patience else ""
    return f"Slate: {own or why_slate(mailbox)}"


def _reasons(camera: Camera) -> Iterator[str]:
    """Yield why source and sinks are not live, each with the address that it concerns."""
    if camera.status.reason:
        yield f"Source: {camera.status.reason}"
    if damage := camera.status.damage:
        yield f"Source: damaged data, {damage} packet{'s' * (damage != 1)} so far"
    for output in camera.outputs:
        reason, address = output.status.reason, output.address.shown
        if output.status.state is not State.LIVE and reason:
            yield reason if address in reason else f"{address}: {reason}"


def _facts(camera: Camera) -> Iterator[str]:
    status = camera.status
    if status.width:
        yield f"{status.width} × {status.height} pixels"
    yield f"{status.faces} covered face{'s' * (status.faces != 1)}"
    dropped = sum(status.dropped.values())
    if dropped:
        yield f"{dropped} frame{'s' * (dropped != 1)} dropped"
    if camera.restarts:
        yield f"{camera.restarts} restart{'s' * (camera.restarts != 1)}"
