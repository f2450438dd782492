"""QR and bar codes: they carry tickets, passes and links to pay with.

A code is covered as a rectangle with its quiet zone, so that no reader finds its corners.
"""

from __future__ import annotations

from dataclasses import replace

from streamguard.detection.looks import Role
from streamguard.detection.subjects.subject import Subject
from streamguard.geometry import CODE as LABEL
from streamguard.plans import DetectionPlan
from streamguard.protocols import Detector

_FINER, _COARSER = 3, 1.5
"""A code can be read at 2 pixels a module, where it is as large as the least faces: it needs a
picture three times as large to be found in. In between, larger ones are looked for, which can be
read while they move faster."""
_CLOSE_SIDE = 384
_QUIET = 0.16
"""Share of a QR code's side that its quiet zone takes up: 4 modules of 25."""


def _detectors(_plan: DetectionPlan) -> dict[Role, Detector]:
    # Here, since not every command that asks for labels needs OpenCV.
    from streamguard.detection.opencv_codes import CodeDetector

    return {Role.PRIMARY: CodeDetector(), Role.SECOND: CodeDetector()}


def _plan(plan: DetectionPlan) -> DetectionPlan:
    return replace(
        plan.without_proposer(),
        primary_side=round(_COARSER * plan.second_side),
        second_side=_FINER * plan.second_side,
        close_side=_CLOSE_SIDE,
        tiles=0,
        any_way_up=True,
    )


CODE = Subject(
    label=LABEL,
    words="QR and bar codes",
    detectors=_detectors,
    plan=_plan,
    margin=_QUIET,
)
