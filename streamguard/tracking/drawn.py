"""What a person drew a box round, and what of it to cover where only a part is seen."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.geometry import Box, Detection, iou
from streamguard.tracking.framing import CutSides, Framing

_HEAD_ASPECT = 0.7
_ASPECT_KEPT = 0.9
"""Least width per unit of height: of a head, and the share kept of that of the drawn box."""
_KNOWN = 0.3
"""Confidence of the first detection that says how a detector frames it."""
_FRONTAL, _PROFILE = 0.75, 0.6
"""Width per height of a detection from which a head is seen from the front, and from the side."""
_TURNED_ASPECT, _TALLER = 1.3, 0.15
"""Width per height of a whole head from the side, and how much taller it is than its face."""
_MAY_TURN = 0.5
"""Seconds after which a head may have turned from where it looked when the box was drawn."""
_HEIGHT_KEPT = 0.7
"""Share of a head's height that is remembered for a second: a hand hides part of a face."""
_MAX_KEPT = 1.3
"""Ratio by which a box is larger than what is seen, for what is remembered."""
_GROWTH = 0.8
"""Growth of its box's width per second that it is not seen; half that in height."""
_MAX_GROWTH = 1.6


class DrawnThing:
    """What was drawn. Its core is what a detector sees of it, or else the drawn box itself.

    Args:
        box: The drawn box.
        shape: ``(height, width)`` of the picture.
    """

    def __init__(self, box: Box, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._framing: Framing | None = None
        self._cut = CutSides.of(box, shape)
        aspect = _ASPECT_KEPT * box.width / max(box.height, 1e-3)
        self._aspect = min(_HEAD_ASPECT, aspect) if self._cut.any else aspect
        self._height = box.height

    @property
    def is_face(self) -> bool:
        """Whether a detector sees it, and it is known how it frames it."""
        return self._framing is not None

    def learn_at_once(self, seen: Sequence[Detection], drawn: Box) -> Box | None:
        """Learn from the picture it was drawn in how a detector frames it; return the core."""
        known = [one for one in seen if one.confidence >= _KNOWN]
        best = max(known, key=lambda one: iou(one.box, drawn), default=None)
        if best is None or self._cut.any:
            return None
        return best.box if self._learn(best, Framing.told_by(best, drawn)) else None

    def learn(self, seen: Detection, place: Box) -> bool:
        """Learn the same from a later picture; return whether it is known now."""
        if seen.confidence < _KNOWN:
            return False
        return self._learn(seen, Framing() if self._cut.any else Framing.told_by(seen, place))

    def _learn(self, seen: Detection, framing: Framing | None) -> bool:
        if framing is None:
            return False
        self._framing = framing
        self._height = seen.box.height
        return True

    def extend(self, place: Box) -> Box:
        """Return a place with what has come in over the edge, if the drawn box ended there."""
        is_cut = self._cut.any and self._framing is None
        return self._cut.extend(place, self._shape) if is_cut else place

    def remember(self, core: Box, seconds: float) -> None:
        """Remember how tall it is.

        Args:
            core: Where it is now.
            seconds: Time since it was last told.
        """
        self._height = max(core.height, _HEIGHT_KEPT**seconds * self._height)

    def as_tall(self, core: Box) -> Box:
        """Return a box at least as tall as is remembered."""
        return core.resize(max(1.0, self._height / max(core.height, 1e-3)))

    def framed(self, core: Box, seconds: float) -> Box:
        """Return what the person would have drawn, as wide as a head from any side.

        Args:
            core: Where it is.
            seconds: Time from when it was drawn.
        """
        if self._framing is None:
            return _as_wide_as(core, self._aspect)
        any_side = min(1.0, seconds / _MAY_TURN)
        box = self._framing.apply(core).mix(self._framing.from_any_side().apply(core), any_side)
        kept = self._height / max(core.height, 1e-3)
        box = box.resize(min(max(kept, 1.0), _MAX_KEPT))
        turned = (_FRONTAL - core.width / max(core.height, 1e-3)) / (_FRONTAL - _PROFILE)
        turned = min(max(turned, 0.0), 1.0)
        taller = turned * _TALLER * box.height / 2
        box = Box(box.x1, box.y1 - taller, box.x2, box.y2 + taller)
        return _as_wide_as(box, self._aspect + turned * max(0.0, _TURNED_ASPECT - self._aspect))


def grown(box: Box, unseen: float) -> Box:
    """Return a box grown for the seconds that nobody has seen what is in it."""
    width = box.width * min(_MAX_GROWTH, 1 + _GROWTH * max(0.0, unseen))
    height = box.height * min(_MAX_GROWTH, 1 + _GROWTH / 2 * max(0.0, unseen))
    x, y = box.center
    return Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def _as_wide_as(box: Box, aspect: float) -> Box:
    """Return a box at least as wide, per unit of height, as asked for."""
    more = max(0.0, aspect * box.height - box.width) / 2
    return Box(box.x1 - more, box.y1, box.x2 + more, box.y2)
