"""Finding things in single pictures, and deciding who looks where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from streamguard.detection.looks import Role
    from streamguard.protocols import Detector
    from streamguard.settings import Settings

__all__ = ["Detectors", "default_detectors"]

Detectors: TypeAlias = "Mapping[str, Mapping[Role, Detector]]"
"""Who looks, by the label of what is looked for and the role."""


def default_detectors(settings: Settings) -> Detectors:
    """Return new detectors of all that settings hide, at their lowest useful thresholds.

    Raises:
        ModelError: An embedded model is missing or damaged.
        UsageError: There is no detector of the name that settings give, or nothing of a label.
        SystemNotReadyError: A detector of another package does not start.
    """
    # Here, since importing them takes long and not every command needs them.
    from streamguard.detection.subjects import subjects_of

    plan = settings.plan
    return {
        subject.label: subject.detectors(subject.plan(plan))
        for subject in subjects_of(settings.hide)
    }
