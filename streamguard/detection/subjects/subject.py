"""What is known of one kind of thing that is hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from streamguard.detection.looks import Role
from streamguard.geometry import Box
from streamguard.outlines import Outline, Polygon
from streamguard.plans import DetectionPlan
from streamguard.protocols import Detector
from streamguard.settings import Effect
from streamguard.tracking.kinds import Anatomy, Belief, TrackingKind

_PLAIN, _BELIEVED = Anatomy(), Belief()


def _as_it_is(plan: DetectionPlan) -> DetectionPlan:
    return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One kind of thing: who looks for it, when it is believed, and what of it is covered.

    Attributes:
        label: What it is called, such as ``face``.
        words: What it is, in the plural, for help texts.
        detectors: Makes who looks for it under a plan: ``SECOND`` decides, and looks at all of
            the picture at a steady rate; ``PRIMARY``, if there is one, proposes in between.
        plan: Makes this subject's plan of the quality level's.
        anatomy: How it is built.
        belief: When it is believed.
        above: Share of a box's height by which what is covered begins above it, upright.
        below: The same below it; negative where the round end of the cover goes far enough.
        margin: Share of a box's longer side by which its cover, a rectangle, goes beyond it;
            None for the shape and padding of the settings.
        effect: What covers look like unless settings name one for this label; None for the
            same as everything else.
    """

    label: str
    words: str
    detectors: Callable[[DetectionPlan], Mapping[Role, Detector]]
    plan: Callable[[DetectionPlan], DetectionPlan] = _as_it_is
    anatomy: Anatomy = _PLAIN
    belief: Belief = _BELIEVED
    above: float = 0.0
    below: float = 0.0
    margin: float | None = None
    effect: Effect | None = None

    def kind(self, plan: DetectionPlan) -> TrackingKind:
        """Return what tracking is told, for a quality level's plan."""
        plan, belief = self.plan(plan), self.belief
        if plan.still:
            enough = min(belief.sure_second, plan.second_threshold)
            belief = replace(belief, sure_second=enough)
        return TrackingKind(label=self.label, plan=plan, anatomy=self.anatomy, belief=belief)

    def whole(self, box: Box, quarter_turns: int, width: float, height: float) -> Box:
        """Return the box through whose corners a cover goes at least, given a detector's.

        Args:
            box: In coded pixels of a picture.
            quarter_turns: Clockwise turns that bring the picture upright.
            width: Coded width of it in pixels.
            height: Coded height.
        """
        if not self.above and not self.below:
            return box
        upright = box.rotate(quarter_turns, width, height)
        up, down = self.above * upright.height, self.below * upright.height
        taller = Box(upright.x1, upright.y1 - up, upright.x2, upright.y2 + down)
        if quarter_turns % 2:
            width, height = height, width
        return taller.rotate(-quarter_turns, width, height)

    def reach(self, padding: float) -> float:
        """Return how far a cover goes beyond a box, in shares of it, for the settings' padding."""
        return padding if self.margin is None else self.margin

    def outline(self, box: Box) -> Outline:
        """Return what to cover of a thing in a box."""
        if self.margin is None:
            return box
        more = self.margin * max(box.width, box.height)
        x1, y1, x2, y2 = box.x1 - more, box.y1 - more, box.x2 + more, box.y2 + more
        return Polygon(((x1, y1), (x2, y1), (x2, y2), (x1, y2)))
