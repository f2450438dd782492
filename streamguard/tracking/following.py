"""One thing followed from a box that a person drew, picture by picture, in either direction.

All boxes are in pixels of the tracking picture. Time may run either way: a follower is given
the pictures in the order in which it is to follow.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.geometry import Box, Detection, iou
from streamguard.tracking.appearance import Looks
from streamguard.tracking.drawn import DrawnThing, grown
from streamguard.tracking.flow import Gray, Moved, camera_motion, propagate, quarters_of
from streamguard.tracking.motion import MOSTLY, Shift, Velocity, carried, share_shown, whole
from streamguard.tracking.picking import Neighbours, reach
from streamguard.tracking.trail import Ending, Step, Trail

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
_LOOK_EVERY, _ANXIOUS_EVERY = 0.2, 0.08
"""Seconds between two looks of a detector; the second where it is not known to be there."""
_RECENT = 0.3
"""Seconds after which what it looks like is remembered anew."""
_NEAR = 0.3
"""IoU of two boxes of one place."""
_SLIVER = 0.35
"""Share of a box inside the picture below which flow may follow what lies behind it."""
_GONE = 0.02
"""The same below which it has left."""
_TRUST = 0.7
"""Weight of a detection against where flow has led."""


class Follower:
    """Follows one thing.

    Args:
        luma: The picture that the box was drawn in.
        time: Its time in seconds.
        box: The thing, as a person framed it.

    Attributes:
        ending: Why it ended, or None while it goes on.
    """

    def __init__(self, luma: Gray, time: float, box: Box) -> None:
        self.ending: Ending | None = None
        self._luma, self._time, self._start = luma, time, time
        # Two places: where it seems to be, and where it would be had it not left its way.
        self._place = self._stay = box
        self._thing = DrawnThing(box, luma.shape)
        self._looks = Looks(luma, box, time)
        self._trail = Trail(box)
        self._velocity = Velocity()
        self._neighbours = Neighbours()
        self._sure_time = self._flow_time = self._seen_time = time
        self._looked: float | None = None
        self._cut_step: int | None = None

    @property
    def steps(self) -> list[Step]:
        """One for each picture so far; the first is of the one drawn in."""
        return self._trail.steps

    @property
    def is_sure(self) -> bool:
        """Whether it is known where the thing is in the newest picture."""
        return self._trail.is_sure

    @property
    def unseen(self) -> float:
        """Seconds since anything vouched for it: a detector, if one can see it at all."""
        return abs(self._time - (self._seen_time if self._thing.is_face else self._sure_time))

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
        self._trail.go_on()
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
        is_first = len(self.steps) == 1
        if is_first and (core := self._thing.learn_at_once(seen, self._place)) is not None:
            self._place = self._stay = core
            self._looks = Looks(self._luma, core, self._time)
        own = self._place.clip(self._luma.shape[1], self._luma.shape[0])
        found, free = self._neighbours.assign(own, seen, self._time)
        if found is None and not is_first:
            best = max(free, key=self._fit, default=None)
            found = best if best is not None and self._fit(best) > 0 else None
        if found is None:
            return
        self._neighbours.add([one for one in free if one is not found], found.box, self._time)
        if not is_first:
            self._see(found)

    def _see(self, seen: Detection) -> None:
        before, is_new = self._framed(self._place), not self._thing.is_face
        if is_new and not (self.is_sure and self._thing.learn(seen, self._place)):
            return
        self._seen_time = self._time
        place = whole(seen.box, self._place, self._luma.shape)
        is_near = self.is_sure and not is_new and iou(place, self._place) >= _NEAR
        self._settle(self._place.mix(place, _TRUST) if is_near else place, before)

    def _fit(self, seen: Detection) -> float:
        """Return how well a detection away from its place fits, 0 for one of something else."""
        # At the edge nobody sees it any more, but perhaps the next one.
        if not self._thing.is_face or share_shown(self._place, self._luma.shape) < MOSTLY:
            return 0.0
        unseen = max(0.0, self.unseen - _GRACE) if self.is_sure else self.unseen
        places = map(self._thing.as_tall, (self._place, self._stay))
        near = max(reach(place, seen, unseen) for place in places)
        alike = self._looks.likeness(self._luma, seen.box)
        return near + max(0.0, alike or 0.0) if near > 0 else 0.0

    def _go_on(self, step: Moved, camera: Shift | None) -> None:
        """Follow flow, as long as what it leads to looks like the thing."""
        guess = self._place.shift(*self._velocity.expected(camera))
        is_sliver = share_shown(step.box, self._luma.shape) < _SLIVER
        place = guess if is_sliver or not step.trusted else step.box
        alike = self._looks.likeness(self._luma, place)
        least = _ALIKE if step.trusted else _FOUND
        is_there = is_sliver or (step.trusted if alike is None else alike >= least)
        if not is_there:
            found = self._looks.find(self._luma, guess, self._place, self._enough)
            place, is_there = found or place, found is not None
        if not is_there:
            self._flow_time = self._time
            self._stay, self._place = guess, place
            self._coast()
            return
        self._velocity.learn(self._place, place, camera)
        self._believe(place)
        self._renew_looks()
        if self.unseen > _FORGOTTEN:
            self.ending = Ending.LOST

    def _renew_looks(self) -> None:
        """Take in what comes in over the edge, and what it looks like now."""
        extended = self._thing.extend(self._place)
        if extended != self._place:
            self._believe(extended)
            self._looks.renew(self._luma, extended, self._time)
        # What a detector no longer sees may have become something else, bit by bit.
        is_fresh = not self._thing.is_face or self.unseen < _RECENT
        if is_fresh and self._looks.age(self._time) >= _RECENT:
            self._looks.renew(self._luma, self._place, self._time)

    @property
    def _enough(self) -> float:
        """Likeness at which a search is believed; where detectors see it, they had better."""
        return _FOUND_FACE if self._thing.is_face else _FOUND

    def _seek(self, step: Moved, camera: Shift | None) -> None:
        """Look for it where it was lost, and where flow leads."""
        self._velocity.slow()
        shift = self._velocity.expected(camera)
        self._stay = self._stay.shift(*shift)
        if step.trusted:
            self._place, self._flow_time = step.box, self._time
        else:
            self._place = self._place.shift(*shift)
        unseen = abs(self._time - self._sure_time)
        near = self._stay.resize(min(3.0, 1 + 2 * unseen))
        found = self._looks.find_as_drawn(self._luma, near, self._stay, self._enough)
        if found is None and (self._looks.likeness(self._luma, self._place) or 0.0) >= _BELIEVED:
            found = self._place
        if found is not None:
            self._settle(found)
            return
        blind = abs(self._time - self._flow_time)
        if unseen > _DOUBT or min(unseen, blind) > _COAST:
            self.ending = Ending.LOST
        self._coast()

    def _end_outside(self) -> None:
        if self.ending is None and share_shown(self._place, self._luma.shape) < _GONE:
            self.ending = Ending.LEFT

    def _seek_after_cut(self, cut_step: int) -> None:
        """Find out whether the cut was one, or a flash."""
        place = self._place
        found = self._looks.find(self._luma, place.resize(1.5), place, _AFTER_CUT)
        if found is not None:
            self._cut_step = None
            self._settle(found)
        elif abs(self._time - self._sure_time) > _RETURN:
            self.ending = Ending.CUT
            del self.steps[cut_step:]
        else:
            self._coast()

    def _coast(self) -> None:
        """Cover where it may be, since nobody knows where it is."""
        self._trail.guess(grown(self._framed(self._stay), self.unseen), self._framed(self._place))

    def _settle(self, place: Box, before: Box | None = None) -> None:
        """Believe a place found by looking, and repair the pictures since it was last known.

        Args:
            place: The place.
            before: Where it was thought to be, framed; by default where flow has led.
        """
        self._trail.repair(self._framed(place), before or self._framed(self._place))
        self._believe(place)
        self._looks.renew(self._luma, place, self._time)

    def _believe(self, place: Box) -> None:
        self._thing.remember(place, abs(self._time - self._sure_time))
        self._place = self._stay = place
        self._sure_time = self._flow_time = self._time
        framed = self._framed(place)
        unseen = self.unseen - _GRACE if self._thing.is_face else 0.0
        self._trail.know(grown(framed, unseen), framed)

    def _framed(self, core: Box) -> Box:
        return self._thing.framed(core, abs(self._time - self._start))
