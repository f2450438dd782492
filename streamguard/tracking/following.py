"""One thing followed from a box that a person drew, picture by picture, in either direction.

All boxes are in pixels of the tracking picture. Time may run either way: a follower is given
the pictures in the order in which it is to follow.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.geometry import Box, Detection, iou
from streamguard.tracking.appearance import likeness, patch_of, search
from streamguard.tracking.flow import Gray, Moved, camera_motion, propagate, quarters_of
from streamguard.tracking.framing import CutSides, Framing
from streamguard.tracking.picking import Neighbours, reach
from streamguard.tracking.steps import (
    MOSTLY,
    NEAR,
    Ending,
    Step,
    as_wide_as,
    both,
    carried,
    corrected,
    grown,
    side_held,
)

_ALIKE = 0.5
"""Likeness to what it looked like before below which something may have come in front of it."""
_BELIEVED = 0.62
"""The same that makes up for a moment in which it was not known where it is."""
_FOUND = 0.75
"""Likeness at which a search finds it again."""
_FOUND_FACE = 0.85
"""The same for what a detector sees, too."""
_AFTER_CUT = 0.85
"""The same after what looked like a cut."""
_RETURN = 0.4
"""Seconds after a cut within which it may show that there was none, but a flash."""
_COAST = 1.1
"""Seconds without any sign of it after which it is lost."""
_DOUBT = 2.5
"""The same where flow still follows something, which may be a head that has turned away."""
_FORGOTTEN = 4.0
"""The same where it looks as before, but a detector that once saw it does not any more."""
_GRACE = 0.25
"""Seconds unseen that mean nothing."""
_LOOK_EVERY = 0.2
_ANXIOUS_EVERY = 0.08
"""Seconds between two looks of a detector; the second where it is not known to be there."""
_RECENT = 0.3
"""Seconds after which what it looks like is remembered anew."""
_VELOCITY_MEMORY = 0.7
_SLOWING = 0.93
"""Share of its own velocity, beyond the camera's, kept from picture to picture while hidden."""
_MAX_CHANGE = 1.25
"""Ratio by which one detection may change a side of the box."""
_MAX_SHRINKING = 1.12
"""The same for smaller: something in front of it leaves little to be seen."""
_KNOWN = 0.3
"""Confidence of the first detection that says how a detector frames it."""
_SLIVER = 0.35
"""The same below which flow may follow what lies behind it."""
_GONE = 0.02
"""The same below which it has left."""
_TRUST = 0.7
"""Weight of a detection against where flow has led."""
_HEAD_ASPECT = 0.7
_ASPECT_KEPT = 0.9
"""Least width per unit of height: of a head, and the share kept of that of the drawn box."""

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


class Follower:
    """Follows one thing.

    Args:
        luma: The picture that the box was drawn in.
        time: Its time in seconds.
        box: The thing, as a person framed it.

    Attributes:
        steps: One for each picture so far; the first is of the one drawn in.
        ending: Why it ended, or None while it goes on.
    """

    def __init__(self, luma: Gray, time: float, box: Box) -> None:
        self.steps = [Step(box, box)]
        self.ending: Ending | None = None
        self._luma, self._time, self._start = luma, time, time
        # What is followed is the core: what a detector sees of it, or else what was drawn.
        self._place = self._stay = box
        self._framing: Framing | None = None
        self._cut_sides = CutSides.of(box, luma.shape)
        aspect = _ASPECT_KEPT * box.width / max(box.height, 1e-3)
        self._aspect = min(_HEAD_ASPECT, aspect) if self._cut_sides.any else aspect
        self._drawn = self._recent = patch_of(luma, box)
        self._recent_time = self._sure_time = self._flow_time = self._seen_time = time
        self._sure_step = self._seen_step = 0
        self._velocity = (0.0, 0.0)
        self._height = box.height
        self._looked: float | None = None
        self._cut_step: int | None = None
        self._neighbours = Neighbours()

    @property
    def is_sure(self) -> bool:
        """Whether it is known where the thing is in the newest picture."""
        return self.steps[-1].is_sure

    @property
    def unseen(self) -> float:
        """Seconds since anything vouched for it: a detector, if one can see it at all."""
        since = self._sure_time if self._framing is None else self._seen_time
        return abs(self._time - since)

    @property
    def wants_look(self) -> bool:
        """Whether a detector should look round it in the newest picture."""
        if self.ending is not None or self._cut_step is not None:
            return False
        is_calm = self.is_sure and self.unseen < _GRACE
        every = _LOOK_EVERY if is_calm else _ANXIOUS_EVERY
        return self._looked is None or abs(self._time - self._looked) >= every - 1e-3

    def advance(self, luma: Gray, time: float, is_cut: bool = False) -> None:
        """Follow it to the next picture.

        Args:
            luma: The picture, as large as the one before.
            time: Its time in seconds.
            is_cut: Whether another scene lies between the two.
        """
        if self.ending is not None:
            return
        quarters = quarters_of(luma.shape)
        shown = self._place.clip(luma.shape[1], luma.shape[0])
        moved = propagate(self._luma, luma, [*quarters, shown, *self._neighbours.boxes])
        camera = camera_motion(quarters, moved)
        step = carried(self._place, shown, moved[len(quarters)])
        self._neighbours.carry(moved[len(quarters) + 1 :])
        self._luma, self._time = luma, time
        was_sure = self.is_sure
        if is_cut and self._cut_step is None:
            self._cut_step = len(self.steps)
        self.steps.append(self.steps[-1])
        if self._cut_step is not None:
            self._seek_after_cut(self._cut_step)
        elif was_sure:
            self._go_on(step, camera)
        else:
            self._seek(step, camera)
        self._end_outside()

    def observe(self, seen: Sequence[Detection]) -> None:
        """Take in what a detector saw round it in the newest picture, perhaps nothing."""
        self._looked = self._time
        if self.ending is not None or self._cut_step is not None:
            return
        if len(self.steps) == 1:
            self._learn_framing(seen)
        own = self._place.clip(self._luma.shape[1], self._luma.shape[0])
        found, free = self._neighbours.assign(own, seen, self._time)
        if found is None and len(self.steps) > 1:
            found = max(free, key=self._fit, default=None)
            if found is None or self._fit(found) <= 0:
                return
        if found is None:
            return
        self._neighbours.add([one for one in free if one is not found], found.box, self._time)
        if len(self.steps) > 1:
            self._see(found)

    def _see(self, seen: Detection) -> None:
        before, is_new = self._framed(self._place), self._framing is None
        if is_new:
            framing = Framing() if self._cut_sides.any else Framing.told_by(seen, self._place)
            if seen.confidence < _KNOWN or framing is None or not self.is_sure:
                return
            self._framing = framing
            self._height = seen.box.height
        self._seen_time = self._time
        place = self._whole(seen.box)
        is_near = self.is_sure and not is_new and iou(place, self._place) >= _NEAR
        self._settle(self._place.mix(place, _TRUST) if is_near else place, before)

    def _learn_framing(self, seen: Sequence[Detection]) -> None:
        """Learn from the picture the box was drawn in how a detector frames the thing."""
        drawn = self._place
        known = [one for one in seen if one.confidence >= _KNOWN]
        best = max(known, key=lambda one: iou(one.box, drawn), default=None)
        if best is None or self._cut_sides.any:
            return
        self._framing = Framing.told_by(best, drawn)
        if self._framing is not None:
            self._place = self._stay = best.box
            self._drawn = self._recent = patch_of(self._luma, self._place)
            self._height = self._place.height

    def _whole(self, seen: Box) -> Box:
        """Return a box as large as the thing, about a detection that the edge may cut."""
        size = self._place
        cut = CutSides.of(seen.union(size), self._luma.shape)
        if seen.area < size.area:
            seen = seen.limit(size, _MAX_SHRINKING)
        seen = seen.limit(size, _MAX_CHANGE)
        x1, y1, x2, y2 = seen.x1, seen.y1, seen.x2, seen.y2
        if cut.left != cut.right:
            x1, x2 = side_held(x1, x2, max(size.width, x2 - x1), cut.left)
        if cut.top != cut.bottom:
            y1, y2 = side_held(y1, y2, max(size.height, y2 - y1), cut.top)
        return Box(x1, y1, x2, y2)

    def _fit(self, seen: Detection) -> float:
        """Return how well a detection away from its place fits, 0 for one of something else."""
        # At the edge nobody sees it any more, but perhaps the next one.
        if self._framing is None or self._share_shown(self._place) < MOSTLY:
            return 0.0
        unseen = max(0.0, self.unseen - _GRACE) if self.is_sure else self.unseen
        places = (box.resize(max(1.0, self._height / box.height)) for box in self._places)
        near = max(reach(place, seen, unseen) for place in places)
        return near + max(0.0, self._likeness(seen.box) or 0.0) if near > 0 else 0.0

    @property
    def _enough(self) -> float:
        """Likeness at which a search is believed; where detectors see it, they had better."""
        return _FOUND if self._framing is None else _FOUND_FACE

    @property
    def _places(self) -> tuple[Box, Box]:
        return self._place, self._stay

    def _likeness(self, box: Box) -> float | None:
        """Return how much a place looks like the thing, or None where that cannot be told."""
        shown = patch_of(self._luma, box)
        told = [likeness(shown, known) for known in (self._recent, self._drawn)]
        return max((score for score in told if score is not None), default=None)

    def _go_on(self, step: Moved, camera: tuple[float, float] | None) -> None:
        """Follow flow, as long as what it leads to looks like the thing."""
        guess = self._place.shift(*self._expected(camera))
        is_sliver = self._share_shown(step.box) < _SLIVER
        place = guess if is_sliver or not step.trusted else step.box
        alike = self._likeness(place)
        least = _ALIKE if step.trusted else _FOUND
        is_there = is_sliver or (step.trusted if alike is None else alike >= least)
        if not is_there:
            found, score = search(self._luma, self._recent, guess, self._place)
            if score >= self._enough:
                place, is_there = found, True
        if not is_there:
            self._flow_time = self._time
            self._stay, self._place = guess, place
            self._coast()
            return
        self._accept(place, camera)
        self._extend()
        if self.unseen > _FORGOTTEN:
            self.ending = Ending.LOST

    def _extend(self) -> None:
        """Take in what comes in over the edge, if the drawn box ended there."""
        if not self._cut_sides.any or self._framing is not None:
            return
        whole = self._cut_sides.extend(self._place, self._luma.shape)
        if whole != self._place:
            self._believe(whole)
            self._recent, self._recent_time = patch_of(self._luma, whole), self._time

    def _seek(self, step: Moved, camera: tuple[float, float] | None) -> None:
        """Look for it where it was lost, and where flow leads."""
        self._velocity = _SLOWING * self._velocity[0], _SLOWING * self._velocity[1]
        shift = self._expected(camera)
        self._stay = self._stay.shift(*shift)
        if step.trusted:
            self._place, self._flow_time = step.box, self._time
        else:
            self._place = self._place.shift(*shift)
        unseen = abs(self._time - self._sure_time)
        for patch in (self._recent, self._drawn):
            near = self._stay.resize(min(3.0, 1 + 2 * unseen))
            found, score = search(self._luma, patch, near, self._stay)
            if score >= self._enough:
                self._settle(found)
                return
        alike = self._likeness(self._place)
        if alike is not None and alike >= _BELIEVED:
            self._settle(self._place)
            return
        blind = abs(self._time - self._flow_time)
        if unseen > _DOUBT or min(unseen, blind) > _COAST:
            self.ending = Ending.LOST
        self._coast()

    def _end_outside(self) -> None:
        if self.ending is None and self._share_shown(self._place) < _GONE:
            self.ending = Ending.LEFT

    def _seek_after_cut(self, cut_step: int) -> None:
        """Find out whether the cut was one, or a flash."""
        place = self._place
        found, score = search(self._luma, self._recent, place.resize(1.5), place)
        if score >= _AFTER_CUT:
            self._cut_step = None
            self._settle(found)
        elif abs(self._time - self._sure_time) > _RETURN:
            self.ending = Ending.CUT
            del self.steps[cut_step:]
        else:
            self._coast()

    def _coast(self) -> None:
        """Cover where it may be, since nobody knows where it is."""
        larger = grown(self._framed(self._stay), self.unseen)
        place = self._framed(self._place)
        self.steps[-1] = Step(both(larger, place, place), place, False)

    def _expected(self, camera: tuple[float, float] | None) -> tuple[float, float]:
        """Return how far it should move in one picture: with the camera, and on its own."""
        dx, dy = camera or (0.0, 0.0)
        return self._velocity[0] + dx, self._velocity[1] + dy

    def _accept(self, place: Box, camera: tuple[float, float] | None) -> None:
        """Believe a place in the picture after one in which it was known."""
        (ax, ay), (bx, by) = self._place.center, place.center
        (dx, dy), (vx, vy), keep = camera or (0.0, 0.0), self._velocity, _VELOCITY_MEMORY
        own_x, own_y = bx - ax - dx, by - ay - dy
        self._velocity = keep * vx + (1 - keep) * own_x, keep * vy + (1 - keep) * own_y
        self._believe(place)
        # What a detector no longer sees may have become something else, bit by bit.
        is_fresh = self._framing is None or self.unseen < _RECENT
        if is_fresh and abs(self._time - self._recent_time) >= _RECENT:
            self._recent, self._recent_time = patch_of(self._luma, place), self._time

    def _settle(self, place: Box, before: Box | None = None) -> None:
        """Believe a place found by looking, and repair the pictures since it was last known.

        Args:
            place: The place.
            before: Where it was thought to be, framed; by default where flow has led.
        """
        newest, now = len(self.steps) - 1, self._framed(place)
        before = before or self._framed(self._place)
        if self.is_sure:
            since = self._seen_step
            for n in range(since + 1, newest):
                share = (n - since) / (newest - since)
                self.steps[n] = corrected(self.steps[n], now, before, share)
        else:
            since, start = self._sure_step, self.steps[self._sure_step].place
            for n in range(since + 1, newest):
                between = start.mix(now, (n - since) / (newest - since))
                box = both(self.steps[n].box, between, between)
                self.steps[n] = Step(box, between, False)
        self._believe(place)
        self._seen_step = newest
        self._recent, self._recent_time = patch_of(self._luma, place), self._time

    def _believe(self, place: Box) -> None:
        kept = _HEIGHT_KEPT ** abs(self._time - self._sure_time)
        self._height = max(place.height, kept * self._height)
        self._place = self._stay = place
        self._sure_time = self._flow_time = self._time
        self._sure_step = len(self.steps) - 1
        framed = self._framed(place)
        unseen = 0.0 if self._framing is None else self.unseen - _GRACE
        self.steps[-1] = Step(grown(framed, unseen), framed)

    def _framed(self, core: Box) -> Box:
        """Return what the person would have drawn, as wide as a head from any side."""
        if self._framing is None:
            return as_wide_as(core, self._aspect)
        any_side = min(1.0, abs(self._time - self._start) / _MAY_TURN)
        box = self._framing.apply(core).mix(self._framing.from_any_side().apply(core), any_side)
        kept = self._height / max(core.height, 1e-3)
        box = box.resize(min(max(kept, 1.0), _MAX_KEPT))
        turned = (_FRONTAL - core.width / max(core.height, 1e-3)) / (_FRONTAL - _PROFILE)
        turned = min(max(turned, 0.0), 1.0)
        taller = turned * _TALLER * box.height / 2
        box = Box(box.x1, box.y1 - taller, box.x2, box.y2 + taller)
        return as_wide_as(box, self._aspect + turned * max(0.0, _TURNED_ASPECT - self._aspect))

    def _share_shown(self, box: Box) -> float:
        height, width = self._luma.shape
        return box.clip(width, height).area / max(box.area, 1e-3)
