"""What tracking is told of each kind of thing: how it is built, and when to believe in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from streamguard.plans import DetectionPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """What a detector's box means, and how far what has to be hidden goes beyond it.

    As it stands it says: the box is the thing, and the thing does not turn away.

    Attributes:
        least_aspect: Least ratio of a mask's sides, the shorter over the longer.
        narrow: Width over height below which a box shows the thing from the side.
        side_aspect: Width of a mask per unit of height while the thing is seen from the side.
        tall: Height of a mask over that of the box once the thing turns away.
        turning: Seconds it takes to turn: before and after it was seen from the side it is
            half there.
        memory: Share of its largest size that a mask keeps from frame to frame while the box
            shrinks.
        turned_memory: The same while the thing turns away.
        wider: Growth of a mask's width per second that nobody has seen the thing.
        taller: Growth of its height.
    """

    least_aspect: float = 0.0
    narrow: float = 0.0
    side_aspect: float = 0.0
    tall: float = 1.0
    turning: float = 0.0
    memory: float = 0.9
    turned_memory: float = 0.9
    wider: float = 0.4
    taller: float = 0.4

    @property
    def turned_aspect(self) -> float:
        """Width of what has turned away per unit of height of what was seen from the front."""
        return self.side_aspect * self.tall


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """When something that was seen counts as what it seems to be. Confidences are 0 to 1.

    As it stands it says: what was seen once is there.

    Attributes:
        sure_primary: Primary confidence that is believed although the second opinion did not
            see the thing.
        sure_proposal: The same of the proposer.
        sure_second: Confidence of the second opinion that is believed whatever else was seen.
        close: Confidence under a close look that speaks for it.
        worth_tracing: Confidence from which it is looked for in earlier moments at once.
        sideways_surer: How much surer one must be that only a picture another way up than usual
            shows.
        large: Size in pixels of the frame from which a thing has to convince under a close look.
        large_surer: How much surer one must be there of a thing so large.
        few: Observations below which another look helps to decide.
        most_misses: Looks that did not see it, beyond those that did, before it is none.
        coasts_unknown: Share of the longest time unseen that is granted to a thing never seen.
        coasts_known: What each observation adds to that, if the thing is sure.
        at_edge: Share of that time for a thing last seen at the picture's edge.
    """

    sure_primary: float = 0.0
    sure_proposal: float = 1.0
    sure_second: float = 0.0
    close: float = 0.0
    worth_tracing: float = 0.0
    sideways_surer: float = 1.0
    large: float = math.inf
    large_surer: float = 1.0
    few: int = 1
    most_misses: int = 2
    coasts_unknown: float = 1.0
    coasts_known: float = 0.0
    at_edge: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingKind:
    """One kind of thing, as far as tracking cares.

    Attributes:
        label: What it is called, such as ``face``. Things of two labels are never one.
        plan: What is believed of it, and for how long, at the quality level.
        anatomy: How it is built.
        belief: When it is believed.
    """

    label: str
    plan: DetectionPlan
    anatomy: Anatomy
    belief: Belief

    def doubt(self, turns: int, usual: int) -> float:
        """Return how much surer a thing must be seen than one the usual way up, as a factor.

        Args:
            turns: Clockwise quarter turns beyond upright of the picture it is seen in.
            usual: Those in which most things are seen.
        """
        return 1.0 if turns == usual else self.belief.sideways_surer
