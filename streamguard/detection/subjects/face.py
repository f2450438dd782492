"""Faces: YuNet and MediaPipe propose, CenterFace decides, and the head is covered.

Detectors frame a face from the brow to the chin. What identifies goes further: hair and ears,
and the head from behind while it turns away.
"""

from __future__ import annotations

from streamguard.detection.looks import Role
from streamguard.detection.primary import PRIMARY
from streamguard.detection.registry import make_detector
from streamguard.detection.subjects.subject import Subject
from streamguard.geometry import FACE as LABEL
from streamguard.plans import DetectionPlan
from streamguard.protocols import Detector
from streamguard.tracking.kinds import Anatomy, Belief

_HAIR, _CHIN = 0.06, -0.06
"""Shares of a face's height. The ellipse round a box reaches a fifth of it beyond its upper and
lower edge; hair needs more than that, the chin less."""

_HEAD = Anatomy(
    # Heads are 0.75 to 1 wide per unit of height from any side.
    least_aspect=0.85,
    narrow=0.67,
    side_aspect=0.95,
    # Height of a head over that of a face seen from the front.
    tall=1.12,
    turning=0.5,
    memory=0.9,
    turned_memory=0.99,
    # A face that is lost is most often turning away, so its mask grows sideways first.
    wider=0.8,
    taller=0.4,
)
_BELIEF = Belief(
    sure_primary=0.8,
    # Measured on crowds: of 200 such proposals a close look denies one.
    sure_proposal=0.8,
    sure_second=0.45,
    # Measured: faces seen weakly at first reach 0.25 to 0.45 under a close look, and what only
    # resembles one 0.2 or nothing.
    close=0.24,
    worth_tracing=0.3,
    # Measured on photos: three in four of the false ones at the usual confidence are below, and
    # one in seven true ones.
    sideways_surer=1.75,
    # A cat and a dog of 200 and 400 px reach 0.26.
    large=64.0,
    large_surer=1.4,
    few=3,
    most_misses=2,
    coasts_unknown=0.25,
    coasts_known=0.15,
    # A face at the edge that nobody sees any more has most often left the picture.
    at_edge=0.3,
)


def _detectors(plan: DetectionPlan) -> dict[Role, Detector]:
    return {
        Role.PRIMARY: make_detector(PRIMARY, plan.primary_threshold),
        Role.PROPOSER: make_detector(plan.proposer, plan.proposer_threshold),
        Role.SECOND: make_detector(plan.second, plan.keep_threshold),
    }


FACE = Subject(
    label=LABEL,
    words="faces",
    detectors=_detectors,
    anatomy=_HEAD,
    belief=_BELIEF,
    above=_HAIR,
    below=_CHIN,
)
