"""Finding faces in single pictures, and deciding who looks where."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamguard.detection.schedule import Role
    from streamguard.protocols import Detector
    from streamguard.settings import DetectionPlan

__all__ = ["default_detectors"]


def default_detectors(plan: DetectionPlan) -> dict[Role, Detector]:
    """Return new detectors for both roles, at the plan's lowest useful thresholds.

    Raises:
        ModelError: An embedded model is missing or damaged.
        UsageError: There is no detector of the name the plan gives.
        SystemNotReadyError: A detector of another package does not start.
    """
    # Here, since importing them takes long and not every command needs them.
    from streamguard.detection.registry import make_detector
    from streamguard.detection.schedule import Role

    return {
        Role.PRIMARY: make_detector("mediapipe", plan.primary_threshold),
        Role.SECOND: make_detector(plan.second, plan.keep_threshold),
    }
