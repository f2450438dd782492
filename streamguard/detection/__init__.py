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
    """
    # Here, since importing either takes long and not every command needs them.
    from streamguard.detection.centerface import CenterFaceDetector
    from streamguard.detection.mediapipe import MediaPipeDetector
    from streamguard.detection.schedule import Role

    return {
        Role.PRIMARY: MediaPipeDetector(plan.primary_threshold),
        Role.SECOND: CenterFaceDetector(plan.keep_threshold),
    }
