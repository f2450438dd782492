"""Quality levels, and what each means: who looks how often, how closely, and what is believed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Quality(StrEnum):
    """How hard to look; see docs/guarantees.md for what each level sees."""

    FAST = "fast"
    BALANCED = "balanced"
    THOROUGH = "thorough"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionPlan:
    """What a quality level means: who looks how often, how closely, and what is believed.

    Attributes:
        primary_every: Seconds between two looks of the primary detector; 0 is every frame.
        primary_threshold: Confidence a primary detection needs to be considered.
        primary_side: Long side in pixels of the picture it is given: MediaPipe shrinks that to
            192 itself, and larger ones cost more to hand over.
        proposer_every: Seconds between two looks of the proposer at the whole picture; 0 means
            that nobody proposes.
        proposer_side: Long side in pixels of the picture the proposer is given.
        proposer_threshold: Confidence a proposal needs to be asked about.
        second_every: Seconds between two looks of the second opinion at the whole picture.
        second_side: Long side in pixels of the picture the second opinion is given.
        second_threshold: Confidence that makes a face of a second-opinion detection.
        keep_threshold: Confidence that keeps a face which is already tracked.
        tiles: Parts per side the picture is divided into for closer looks in rotation,
            one each beat of the second opinion; 0 is none.
        turned_every: Seconds between two looks at the picture turned, each way in turn, for
            people who lie or a camera held another way up; 0 is none. Who is found so is
            looked for as often as anybody else.
        turned_side: Long side in pixels of the picture that such a look is given while nobody
            is found; less of small ones.
        any_way_up: Whether things are found whatever way up they are: the picture is not turned
            for them.
        crop_every: Seconds between two close looks at a face that was lost or is doubted.
        crops: Most close looks in one frame at what was proposed and waits for an answer.
        close_side: Side in pixels of the picture that a close look is given.
        lookahead: Seconds that frames are held back.
        coast: Longest time in seconds that a face nobody sees any more stays covered.
        bridge: Longest time in seconds between two observations of a face that is covered
            throughout; what exceeds ``coast`` is known only thanks to the look-ahead.
        still: Whether there is one picture only. What the second opinion sees in it upright needs
            no other look: measured on photos, a close look denies one true face in a hundred.
        second: Name of the detector that gives the second opinion.
        proposer: Name of the detector that proposes.
    """

    primary_every: float
    second_every: float
    second_side: int
    primary_side: int = 320
    primary_threshold: float = 0.4
    proposer_every: float = 0.0
    proposer_side: int = 1536
    proposer_threshold: float = 0.2
    second_threshold: float = 0.2
    keep_threshold: float = 0.12
    tiles: int = 0
    turned_every: float = 0.0
    turned_side: int = 640
    any_way_up: bool = False
    crop_every: float = 0.2
    crops: int = 8
    close_side: int = 128
    lookahead: float = 1.0
    coast: float = 1.2
    bridge: float = 2.2
    still: bool = False
    second: str = "centerface"
    proposer: str = "yunet"

    @property
    def whole_every(self) -> float:
        """Seconds between two looks at the whole picture of whoever sees the smallest things."""
        return self.proposer_every or self.second_every

    def for_still(self) -> DetectionPlan:
        """Return the plan for a photo: there is one look only, so it is a thorough one."""
        side = max(self.second_side, _STILL_SIDE)
        return replace(self, second_side=side, proposer_side=_STILL_SIDE, lookahead=0.0, still=True)

    def without_proposer(self) -> DetectionPlan:
        """Return the plan where nobody proposes: the second opinion looks in its place."""
        return replace(
            self,
            second_every=min(self.second_every, self.whole_every),
            proposer_every=0.0,
            turned_every=_DEARER * self.turned_every,
        )

    def stretched(self, factor: float) -> DetectionPlan:
        """Return the plan with more time between looks of every kind, by a factor."""
        return replace(
            self,
            primary_every=self.primary_every * factor,
            proposer_every=self.proposer_every * factor,
            second_every=self.second_every * factor,
            turned_every=self.turned_every * factor,
            crop_every=self.crop_every * factor,
        )


_DEARER = 3.0
"""Times as long between looks at the picture turned where the second opinion has to take them."""
_STILL_SIDE = 1920
"""Long side in pixels up to which photos are looked at unscaled."""

PLANS: dict[Quality, DetectionPlan] = {
    Quality.FAST: DetectionPlan(
        primary_every=0.45,
        proposer_every=0.9,
        proposer_side=960,
        second_every=1.8,
        second_side=448,
        crop_every=1.2,
        crops=4,
        lookahead=0.9,
    ),
    Quality.BALANCED: DetectionPlan(
        primary_every=0.25,
        proposer_every=0.4,
        second_every=1.0,
        second_side=640,
        turned_every=0.4,
        crop_every=0.25,
    ),
    Quality.THOROUGH: DetectionPlan(
        primary_every=0.1,
        proposer_every=0.2,
        proposer_side=1920,
        second_every=0.16,
        second_side=960,
        tiles=2,
        turned_every=0.32,
        turned_side=800,
        crop_every=0.1,
        crops=24,
    ),
}
