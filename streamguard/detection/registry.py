"""Detectors by name: our own, and those that other packages announce."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

from streamguard.errors import StreamguardError, SystemNotReadyError, UsageError
from streamguard.protocols import Detector

GROUP = "streamguard.detectors"
"""Entry-point group in which a package announces its detectors."""

Factory = Callable[[float], Detector]
"""Makes a detector, given the least confidence of a face it shall return, 0 to 1."""

# Not announced as entry points themselves: no other package can then take their place, and
# they are there in a checkout that was never installed.
_OWN = {
    "centerface": "streamguard.detection.centerface:CenterFaceDetector",
    "mediapipe": "streamguard.detection.mediapipe:MediaPipeDetector",
    "yunet": "streamguard.detection.yunet:YuNetDetector",
}


def detector_names() -> tuple[str, ...]:
    """Return the names of all detectors there are, sorted."""
    return tuple(sorted(_entries()))


def make_detector(name: str, threshold: float) -> Detector:
    """Return a new detector.

    Args:
        name: One of `detector_names`.
        threshold: Least confidence of a face it shall return, 0 to 1.

    Raises:
        UsageError: There is no detector of that name.
        SystemNotReadyError: What it needs is missing, or it is not a detector.
    """
    entry = _entries().get(name)
    if entry is None:
        raise UsageError(
            f"there is no detector {name!r}", f"there are {', '.join(detector_names())}"
        )
    detector = _made(entry, threshold)
    if not isinstance(detector, Detector):
        raise SystemNotReadyError(
            f"what {entry.value} makes is not a detector", "it needs name, detect and close"
        )
    return detector


def _entries() -> dict[str, EntryPoint]:
    announced = {entry.name: entry for entry in entry_points(group=GROUP)}
    return announced | {name: EntryPoint(name, value, GROUP) for name, value in _OWN.items()}


def _made(entry: EntryPoint, threshold: float) -> object:
    """Make it, or say in plain words why somebody else's code does not start."""
    try:
        factory: Factory = entry.load()
        return factory(threshold)
    except StreamguardError:
        raise
    except Exception as error:
        raise SystemNotReadyError(
            f"the detector {entry.name} does not start: {type(error).__name__}: {error}",
            "Choose another, or tell its maker",
        ) from error
