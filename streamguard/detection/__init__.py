"""Finding faces in single pictures, and deciding who looks where."""

from __future__ import annotations

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
    from streamguard.detection.centerface import CenterFaceDetector  # noqa: PLC0415
    from streamguard.detection.mediapipe import MediaPipeDetector  # noqa: PLC0415

    return {
        Role.PRIMARY: MediaPipeDetector(plan.primary_threshold),
        Role.SECOND: CenterFaceDetector(plan.keep_threshold),
    }
