"""The frames that are held: what is covered in each, and what is corrected afterwards.

All boxes here are in pixels of the small luma picture, so that flow needs no conversion.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from streamguard.geometry import Box, iou
from streamguard.tracking.association import has_left, is_covered
from streamguard.tracking.flow import Gray, Moved, propagate
from streamguard.tracking.observations import Observation
from streamguard.tracking.presence import Glimpse, WayBack

_MAX_SMOOTHING = 1.05
_MAX_BLIND = 6
"""Frames a thing is followed back without any trusted flow before that is given up."""
_BLIND_GROWTH = 1.05
"""Growth per such frame: nobody knows where it was, only that it was near."""
_MAX_SCALE = 1.5
"""Flow's small errors of scale add up; nothing grows or shrinks by more within a look-ahead."""
_LOOSE = 1.25
"""Boxes whose union is larger than the larger of them by less than this become one."""
_NEARLY = 0.5
"""Overlap (IoU) of what flow said and what is known afterwards from which the latter will do."""
_SHORT = 0.5
"""Seconds between two sightings in which a head hardly turns away and back."""
_SMOOTHING = 3
"""Frames to either side whose larger boxes a box grows to."""


@dataclass(slots=True)
class Moment:
    """One held frame, as far as tracking cares.

    Attributes:
        luma: Small luma picture.
        time: Presentation time in seconds.
        cut: Whether a new scene starts here.
        camera: How the picture as a whole moved since the moment before, in pixels, if known.
        covers: What to cover, by track.
        places: Where each track is taken to be that lived when the moment came.
        unseen: Seconds since each track that coasts here was last seen.
        astray: Tracks that flow, of late, could not follow.
        denied: Where tracks are that were proposed and denied, by track.
        weak: Detections that are too weak to begin a track with, each with its label.
    """

    luma: Gray
    time: float
    cut: bool = False
    camera: tuple[float, float] | None = None
    covers: dict[int, list[Box]] = field(default_factory=dict)
    places: dict[int, Box] = field(default_factory=dict)
    unseen: dict[int, float] = field(default_factory=dict)
    astray: set[int] = field(default_factory=set)
    denied: dict[int, Box] = field(default_factory=dict)
    weak: list[tuple[str, Observation]] = field(default_factory=list)

    def cover(self, track_id: int, box: Box) -> None:
        """Add a box to what must be covered on behalf of a track."""
        self.covers.setdefault(track_id, []).append(box)

    def glimpse(self, box: Box) -> Glimpse:
        """Return what a box shows in this moment."""
        return Glimpse(self.time, self.luma, box)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where something was seen that is to be followed back.

    Attributes:
        track_id: Its track.
        box: Where it was seen.
        time: When, in seconds.
        until: Time to stop at: from there on back it is known where it was.
    """

    track_id: int
    box: Box
    time: float
    until: float = -math.inf


@dataclass(slots=True)
class _Going:
    """A thing on its way back.

    Attributes:
        sighting: Where it was seen.
        box: Where it has been followed to.
        way: What is seen of it on the way.
        blind: Frames in a row in which flow could not follow it.
    """

    sighting: Sighting
    box: Box
    way: WayBack
    blind: int = 0


class Timeline:
    """The moments that have not been emitted yet, oldest first."""

    def __init__(self) -> None:
        self.moments: deque[Moment] = deque()
        self._emitted: deque[Moment] = deque(maxlen=_SMOOTHING)

    def append(self, moment: Moment) -> None:
        """Hold one more moment."""
        self.moments.append(moment)

    def trace_back(self, sightings: Sequence[Sighting]) -> None:
        """Follow things back to where they came from, all in one go.

        Each is covered in every held moment back to the last cut, the picture's edge, or where
        its track is covered anyway.
        """
        waiting = sorted(sightings, key=lambda sighting: sighting.time)
        going: list[_Going] = []
        for index in range(len(self.moments) - 2, -1, -1):
            moment, later = self.moments[index], self.moments[index + 1]
            while waiting and waiting[-1].time >= later.time:
                sighting = waiting.pop()
                way = WayBack(later.glimpse(sighting.box))
                going.append(_Going(sighting, sighting.box, way))
            going = [one for one in going if one.sighting.until <= moment.time and not later.cut]
            if going:
                moved = propagate(later.luma, moment.luma, [one.box for one in going])
                steps = zip(going, moved, strict=True)
                going = [one for one, step in steps if self._goes_on(index, one, step)]

    def _goes_on(self, index: int, one: _Going, step: Moved) -> bool:
        """Cover a thing where it was a moment before, and return whether to follow it further."""
        one.blind = 0 if step.trusted else one.blind + 1
        box = step.box if step.trusted else _guessed(step.box, self.moments[index + 1].camera)
        one.box = box.limit(one.sighting.box, _MAX_SCALE)
        moment, track_id = self.moments[index], one.sighting.track_id
        if one.blind > _MAX_BLIND or self._has_ended(index, track_id, one.box):
            return False
        moment.cover(track_id, one.box)
        if step.trusted and not one.way.go(moment.glimpse(one.box)):
            self._uncover(track_id, one.way.doubted)
            return False
        return True

    def bridge(self, track_id: int, seen: Box, predicted: Box, since: float) -> None:
        """Repair a track between two observations: spread the error over the moments between.

        Args:
            track_id: The track.
            seen: Where it has just been seen, in the newest moment.
            predicted: Where flow had carried it to.
            since: Time of the observation before, in seconds.
        """
        now = self.moments[-1].time
        if now <= since:
            return
        for moment in self.moments:
            boxes = moment.covers.get(track_id)
            if boxes and since < moment.time < now:
                share = (moment.time - since) / (now - since)
                better = _corrected(boxes[0], seen, predicted, share)
                if now - since <= _SHORT and iou(better, boxes[0]) > _NEARLY:
                    boxes[0] = better
                else:  # it may have turned away meanwhile, or flow gone astray
                    boxes.append(better)

    def widen(self, track_id: int, aspect: float, since: float) -> None:
        """Widen a track's boxes since its observation before: the head was turning in between.

        Args:
            track_id: The track.
            aspect: Least width per unit of height.
            since: Time of the observation before, in seconds.
        """
        for moment in self.moments:
            boxes = moment.covers.get(track_id)
            if boxes and moment.time > since:
                moment.covers[track_id] = [_widened(box, aspect) for box in boxes]

    def pop(self) -> tuple[Moment, dict[int, list[Box]]]:
        """Take out the oldest moment.

        Returns:
            It, and the boxes of each track, as few as will do, grown to the size that the
            same track has in the moments around, so that masks do not flicker.
        """
        moment = self.moments.popleft()
        around = [*self._emitted, *islice(self.moments, _SMOOTHING)]
        smooth = {
            track_id: _merged([_grown(boxes[0], _of(track_id, around)), *boxes[1:]])
            for track_id, boxes in moment.covers.items()
        }
        self._emitted.append(moment)
        return moment, smooth

    def _uncover(self, track_id: int, views: Sequence[Glimpse]) -> None:
        """Take back covers of a track that show something else."""
        places = {view.time: view.box for view in views}
        for moment in self.moments:
            own = moment.covers.get(track_id, [])
            if (box := places.get(moment.time)) in own:
                own.remove(box)
                if not own:
                    del moment.covers[track_id]

    def _has_ended(self, index: int, track_id: int, box: Box) -> bool:
        """Return whether a thing followed back has left the picture or is covered anyway."""
        moment = self.moments[index]
        if has_left(box, moment.luma.shape):
            # Cover what shows here, but no further back.
            moment.cover(track_id, box)
            return True
        own = moment.covers.get(track_id, [])
        return bool(own) and is_covered(box, own, 0.9)


def _guessed(box: Box, camera: tuple[float, float] | None) -> Box:
    """Return where a thing was a moment before, for all one knows without flow."""
    dx, dy = camera or (0.0, 0.0)
    return box.shift(-dx, -dy).resize(_BLIND_GROWTH)


def _corrected(box: Box, seen: Box, predicted: Box, share: float) -> Box:
    return Box(
        box.x1 + (seen.x1 - predicted.x1) * share,
        box.y1 + (seen.y1 - predicted.y1) * share,
        box.x2 + (seen.x2 - predicted.x2) * share,
        box.y2 + (seen.y2 - predicted.y2) * share,
    )


def _of(track_id: int, moments: Sequence[Moment]) -> list[list[Box]]:
    return [m.covers[track_id] for m in moments if track_id in m.covers]


def _widened(box: Box, aspect: float) -> Box:
    more = max(0.0, aspect * box.height - box.width) / 2
    return Box(box.x1 - more, box.y1, box.x2 + more, box.y2)


def _merged(boxes: list[Box]) -> list[Box]:
    """Unite boxes that nearly coincide; what lies apart stays apart."""
    merged: list[Box] = []
    for box in boxes:
        for index, other in enumerate(merged):
            union = box.union(other)
            if union.area <= _LOOSE * max(box.area, other.area):
                merged[index] = union
                break
        else:
            merged.append(box)
    return merged


def _grown(box: Box, neighbours: Sequence[list[Box]]) -> Box:
    """Grow a box about its centre to the largest first box of its neighbours, within bounds."""
    width = max([box.width, *(boxes[0].width for boxes in neighbours)])
    height = max([box.height, *(boxes[0].height for boxes in neighbours)])
    x, y = box.center
    largest = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return largest.limit(box, _MAX_SMOOTHING)
