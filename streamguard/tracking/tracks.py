"""What is known of one face: where it is, how sure that is, and what of it to cover."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from streamguard.geometry import Box
from streamguard.settings import DetectionPlan
from streamguard.tracking.flow import Moved
from streamguard.tracking.observations import Observation

_GROWTH = 0.8
"""Growth of a mask's width per second that nobody has seen its face; half that in height."""
_GRACE = 0.2
"""Seconds unseen that mean nothing: nobody looked."""
_NARROW = 0.67
_HEAD_ASPECT = 1.05
"""Width of a mask per unit of height when a face narrower than that shows a head from the side."""
_BLIND_GROWTH = 0.03
"""And per frame in which flow could not follow it."""
_HEAD_MEMORY = 0.9
"""Share of its largest size a mask keeps from frame to frame while the box shrinks."""
_TALL = 1.12
"""Height of a head over that of a face seen from the front."""
_TURNED_MEMORY = 0.99
_MIN_ASPECT = 0.85
"""Least ratio of a mask's sides; heads are 0.75 to 1 wide per unit of height from any side."""
_MAX_GROWTH = 1.6
_SURE = 0.8
"""Primary confidence that is believed although the second opinion did not see the face."""
_SURE_SECOND = 0.45
_FEW = 3
_MAX_MISSES = 2
"""Looks that did not see a weakly sighted face, beyond those that did, before it is none."""
_CLOSE = 0.24
"""Confidence under a close look that speaks for a face: measured, faces seen weakly at first
reached 0.25 to 0.45 there, and what only resembled one 0.2 or nothing."""
_MAX_SCALE = 1.25
"""Flow's small errors of scale add up; no unseen face grows or shrinks by more."""
_EDGE_NEAR = 0.1
_VELOCITY_MEMORY = 0.7
_WORTH_TRACING = 0.3

TURNING = 0.5
"""Seconds a head takes to turn: before and after it was seen from the side it is half there."""
TURNED_ASPECT = _HEAD_ASPECT * _TALL
"""Width of a turned head per unit of height of the face seen from the front."""


@dataclass(slots=True)
class Track:
    """One face, as far as it could be followed.

    Attributes:
        track_id: Number, never used again in a run.
        first: Where it was first seen.
        born: When that was, in seconds.
        box: Where it is in the newest moment.
        before: Where it was in the moment before.
        seen: Where it was last seen.
        last_seen: When that was, in seconds.
        scene_end: Time of a cut since when it has not been seen, in seconds.
        last_profile: Time of the last observation from the side, in seconds.
        last_second: Time of the second opinion's last observation, in seconds.
        turns: Clockwise quarter turns beyond upright of the picture it saw the face in.
        is_traced: Whether it was followed back from where it was first seen.
        best_primary: Highest confidence of a primary observation.
        best_second: Highest confidence of a second-opinion observation.
        hits: Number of observations.
        denials: Second-opinion looks in a row that should have seen it and did not.
        misses: The same in all.
        close_votes: Close looks that showed a face less those that did not.
        velocity: Pixels a frame, smoothed.
        blind: Frames, of late, in which flow could not follow it.
        carried: Frames it was followed into.
        lost: Those of them in which flow could not follow it.
        light: Sum of the mean brightness at every observation, 0 to 255 each.
        head_width: Width of the head, which a face that turns away hides.
        head_height: Height of it.
    """

    track_id: int
    first: Box
    born: float
    box: Box = field(init=False)
    before: Box = field(init=False)
    seen: Box = field(init=False)
    last_seen: float = field(init=False)
    scene_end: float = math.inf
    is_traced: bool = False
    last_profile: float = -math.inf
    last_second: float = -math.inf
    turns: int = 0
    velocity: tuple[float, float] = (0.0, 0.0)
    best_primary: float = 0.0
    best_second: float = 0.0
    hits: int = 0
    denials: int = 0
    misses: int = 0
    close_votes: int = 0
    blind: int = 0
    carried: int = 0
    lost: int = 0
    light: float = 0.0
    head_width: float = 0.0
    head_height: float = 0.0

    def __post_init__(self) -> None:
        self.box = self.before = self.seen = self.first
        self.last_seen = self.born

    def see(self, observation: Observation, time: float, shape: tuple[int, ...]) -> None:
        """Take in a observation of this face.

        Args:
            observation: The observation.
            time: Now, in seconds.
            shape: ``(height, width)`` of the luma picture.
        """
        self.box = self._adjusted(observation)
        self.last_seen = time
        self.scene_end = math.inf
        self.hits += 1
        self.blind = 0
        self.seen = observation.box
        if observation.is_second:
            # A face that the picture's edge cuts is narrow too.
            is_narrow = observation.box.width < _NARROW * observation.box.height
            if is_narrow and not at_edge(observation.box, shape):
                self.last_profile = time
            self.best_second = max(self.best_second, observation.confidence)
            self.denials = 0
            if self.last_second < time:  # the upright look comes first, and counts
                self.turns = observation.turns
            self.last_second = time
            if observation.is_close:
                self.close_votes += 1 if observation.confidence >= _CLOSE else -1
        else:
            self.best_primary = max(self.best_primary, observation.confidence)

    def carry(self, step: Moved, camera: tuple[float, float] | None) -> None:
        """Follow flow, or where flow cannot be trusted the camera or the face's own speed."""
        self.before = self.box
        self.carried += 1
        if step.trusted:
            (ax, ay), (bx, by) = self.box.center, step.box.center
            keep = _VELOCITY_MEMORY
            vx, vy = self.velocity
            self.velocity = keep * vx + (1 - keep) * (bx - ax), keep * vy + (1 - keep) * (by - ay)
            self.box = step.box.limit(self.seen, _MAX_SCALE)
            self.blind = max(0, self.blind - 1)
        else:
            vx, vy = camera or self.velocity
            self.box = self.box.shift(vx, vy)
            self.velocity = 0.8 * vx, 0.8 * vy
            self.blind += 1
            self.lost += 1

    def _adjusted(self, observation: Observation) -> Box:
        """Return the box after a observation.

        The two detectors frame a face differently, and the second opinion's frame is the
        truer one: once it has spoken, the primary only says where, not how large.
        """
        if observation.is_second:
            return self.box.mix(observation.box, 0.8)
        if not self.best_second:
            return self.box.mix(observation.box, 0.5)
        (ax, ay), (bx, by) = self.box.center, observation.box.center
        return self.box.shift((bx - ax) / 2, (by - ay) / 2)

    def miss(self, is_close: bool) -> None:
        """Take in that the second opinion looked and did not see this face."""
        self.denials += 1
        self.misses += 1
        self.close_votes -= is_close

    def mask(self, time: float, shape: tuple[int, ...]) -> Box:
        """Return what to cover now: the head, more of it the longer nobody has seen it.

        Args:
            time: Now, in seconds.
            shape: ``(height, width)`` of the luma picture.
        """
        # From the side a detector frames the front of the face; ear and hair identify too,
        # and a head that turns away does not shrink as its face does.
        unseen = max(0.0, time - self.last_seen - _GRACE)
        from_side = time - self.last_profile <= TURNING
        turned = from_side or unseen > 0
        memory = _TURNED_MEMORY if turned else _HEAD_MEMORY
        self.head_width = max(self.box.width, self.head_width * memory)
        self.head_height = max(self.box.height, self.head_height * memory)
        height = max(self.head_height, _MIN_ASPECT * self.head_width) * (_TALL if turned else 1)
        width = max(self.head_width, (_HEAD_ASPECT if from_side else _MIN_ASPECT) * height)
        # A face that is lost is most often turning away, so its mask grows sideways first.
        lost = _BLIND_GROWTH * self.blind
        width *= min(_MAX_GROWTH, 1 + _GROWTH * unseen + lost)
        height *= min(_MAX_GROWTH, 1 + _GROWTH / 2 * unseen + lost)
        x, y = self.box.center
        head = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return _beyond_edges(head, self.box, shape)

    @property
    def confidence(self) -> float:
        """Highest confidence of either detector, 0 to 1."""
        return max(self.best_primary, self.best_second)

    @property
    def is_sure(self) -> bool:
        """Whether one of the detectors has seen it beyond doubt."""
        return self.best_second >= _SURE_SECOND or self.best_primary >= _SURE

    @property
    def is_worth_tracing(self) -> bool:
        """Whether it is likely enough a face to look for it in earlier moments."""
        return self.hits > 1 or self.best_second >= _WORTH_TRACING or self.is_sure

    @property
    def is_doubtful(self) -> bool:
        """Whether another look at it would help to decide."""
        return self.denials > 0 or (self.best_second < _SURE_SECOND and self.hits < _FEW)

    def is_face(self, plan: DetectionPlan) -> bool:
        """Return whether there is enough support to cover it.

        A face seen well by either detector is one. A weak observation counts until close looks
        speak against it, under which a real face looks clearer and a chance likeness fades,
        or until several looks that should have repeated it did not.
        """
        if self.is_sure:
            return True
        if self.best_second < plan.second_threshold:
            return self.denials == 0
        return self.close_votes >= 0 and self.misses <= _MAX_MISSES + self.hits

    def coasts_for(self, longest: float) -> float:
        """Return how long it may go unseen, in seconds: the better known, the longer."""
        known = self.hits if self.is_sure else self.hits / 2
        return longest * min(1.0, 0.25 + 0.15 * known)


def at_edge(box: Box, shape: tuple[int, ...]) -> bool:
    """Return whether the picture's edge cuts a box, or nearly so."""
    near = box.pad(_EDGE_NEAR)
    return near.x1 < 0 or near.y1 < 0 or near.x2 > shape[1] or near.y2 > shape[0]


def _beyond_edges(mask: Box, box: Box, shape: tuple[int, ...]) -> Box:
    """Move a mask off the picture where its face is cut by the edge: the rest is out there."""
    near = _EDGE_NEAR * box.height
    dx = (box.x2 > shape[1] - near) - (box.x1 < near)
    dy = (box.y2 > shape[0] - near) - (box.y1 < near)
    return mask.shift(
        dx * max(0.0, mask.width - box.width) / 2, dy * max(0.0, mask.height - box.height) / 2
    )
