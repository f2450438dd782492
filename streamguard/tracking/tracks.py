"""What is known of one tracked thing: where it is, how sure that is, and what of it to cover."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from streamguard.geometry import Box
from streamguard.tracking.flow import Moved
from streamguard.tracking.kinds import TrackingKind
from streamguard.tracking.observations import Observation
from streamguard.tracking.presence import Presence

_GRACE = 0.2
"""Seconds unseen that mean nothing: nobody looked."""
_BLIND_GROWTH = 0.03
"""Growth of a mask per frame in which flow could not follow it."""
_MAX_GROWTH = 1.6
_MAX_SCALE = 1.25
"""Flow's small errors of scale add up; nothing unseen grows or shrinks by more."""
_EDGE_NEAR = 0.1
_VELOCITY_MEMORY = 0.7


@dataclass(slots=True)
class Track:
    """One thing, as far as it could be followed.

    Attributes:
        track_id: Number, never used again in a run.
        kind: What it is.
        first: Where it was first seen.
        born: When that was, in seconds.
        box: Where it is in the newest moment.
        before: Where it was in the moment before.
        seen: Where it was last seen.
        last_seen: When that was, in seconds.
        scene_end: Time of a cut since when it has not been seen, in seconds.
        last_profile: Time of the last observation from the side, in seconds.
        last_second: Time of the second opinion's last observation, in seconds.
        turns: Clockwise quarter turns beyond upright of the picture it saw the thing in.
        lately: How sure it was then.
        is_traced: Whether it was followed back from where it was first seen.
        best_primary: Highest confidence of a primary observation.
        best_second: Highest confidence of a second-opinion observation.
        hits: Number of observations.
        denials: Second-opinion looks in a row that should have seen it and did not.
        misses: The same in all.
        close_votes: Close looks that showed one less those that did not.
        velocity: Pixels a frame, smoothed.
        blind: Frames, of late, in which flow could not follow it.
        carried: Frames it was followed into.
        lost: Those of them in which flow could not follow it.
        light: Sum of the mean brightness at every observation, 0 to 255 each.
        full_width: Width of all of it, of which a thing that turns away shows less.
        full_height: Height of it.
        presence: Whether its place still looks like it.
    """

    track_id: int
    kind: TrackingKind
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
    lately: float = 0.0
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
    full_width: float = 0.0
    full_height: float = 0.0
    presence: Presence | None = None

    def __post_init__(self) -> None:
        self.box = self.before = self.seen = self.first
        self.last_seen = self.born

    def see(self, observation: Observation, time: float, shape: tuple[int, ...]) -> None:
        """Take in an observation of it.

        Args:
            observation: The observation.
            time: Now, in seconds.
            shape: ``(height, width)`` of the tracking picture.
        """
        self.box = self._adjusted(observation)
        self.last_seen = time
        self.scene_end = math.inf
        self.hits += 1
        self.blind = 0
        self.seen = observation.box
        if observation.is_second:
            # What the picture's edge cuts is narrow too.
            narrow = self.kind.anatomy.narrow
            is_narrow = observation.box.width < narrow * observation.box.height
            if is_narrow and not at_edge(observation.box, shape):
                self.last_profile = time
            self.best_second = max(self.best_second, observation.confidence)
            self.denials = 0
            # Of looks at one moment the surest says which way up it is, upright if in doubt.
            if self.last_second < time or observation.confidence > self.lately:
                self.turns, self.lately = observation.turns, observation.confidence
            self.last_second = time
            if observation.is_close:
                self.close_votes += 1 if observation.confidence >= self.kind.belief.close else -1
        else:
            self.best_primary = max(self.best_primary, observation.confidence)

    def carry(self, step: Moved, camera: tuple[float, float] | None) -> None:
        """Follow flow, or where flow cannot be trusted the camera or the thing's own speed."""
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
        """Return the box after an observation.

        The two detectors frame a thing differently, and the second opinion's frame is the
        truer one: once it has spoken, the primary only says where, not how large.
        """
        if observation.is_second:
            return self.box.mix(observation.box, 0.8)
        if not self.best_second:
            return self.box.mix(observation.box, 0.5)
        (ax, ay), (bx, by) = self.box.center, observation.box.center
        return self.box.shift((bx - ax) / 2, (by - ay) / 2)

    def miss(self, is_close: bool) -> None:
        """Take in that the second opinion looked and did not see it."""
        self.denials += 1
        self.misses += 1
        self.close_votes -= is_close

    def mask(self, time: float, shape: tuple[int, ...]) -> Box:
        """Return what to cover now: all of it, and more the longer nobody has seen it.

        Args:
            time: Now, in seconds.
            shape: ``(height, width)`` of the tracking picture.
        """
        # What turns away does not shrink as the box that a detector gives does.
        anatomy = self.kind.anatomy
        unseen = max(0.0, time - self.last_seen - _GRACE)
        from_side = time - self.last_profile <= anatomy.turning
        turned = from_side or unseen > 0
        memory = anatomy.turned_memory if turned else anatomy.memory
        least = anatomy.least_aspect
        self.full_width = max(self.box.width, self.full_width * memory)
        self.full_height = max(self.box.height, self.full_height * memory)
        height = max(self.full_height, least * self.full_width) * (anatomy.tall if turned else 1)
        width = max(self.full_width, (anatomy.side_aspect if from_side else least) * height)
        lost = _BLIND_GROWTH * self.blind
        width *= min(_MAX_GROWTH, 1 + anatomy.wider * unseen + lost)
        height *= min(_MAX_GROWTH, 1 + anatomy.taller * unseen + lost)
        x, y = self.box.center
        mask = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return _beyond_edges(mask, self.box, shape)

    @property
    def gone_since(self) -> float:
        """Time from which on it is known not to be there any more, in seconds."""
        return self.presence.gone_since if self.presence else math.inf

    @property
    def confidence(self) -> float:
        """Highest confidence of either detector, 0 to 1."""
        return max(self.best_primary, self.best_second)

    @property
    def is_sure(self) -> bool:
        """Whether one of the detectors has seen it beyond doubt."""
        belief = self.kind.belief
        # Who has never looked is not sure of anything.
        by_second = self.best_second > 0 and self.best_second >= belief.sure_second
        return by_second or (self.best_primary > 0 and self.best_primary >= belief.sure_primary)

    @property
    def is_worth_tracing(self) -> bool:
        """Whether it is likely enough to be there to look for it in earlier moments."""
        return self.hits > 1 or self.best_second >= self.kind.belief.worth_tracing or self.is_sure

    @property
    def is_doubtful(self) -> bool:
        """Whether another look at it would help to decide."""
        belief = self.kind.belief
        is_unsure = self.best_second < belief.sure_second and self.hits < belief.few
        return self.denials > 0 or is_unsure

    def is_believed(self) -> bool:
        """Return whether there is enough support to cover it.

        What either detector has seen well is there. A weak observation counts until close looks
        speak against it, under which a real thing looks clearer and a chance likeness fades,
        or until several looks that should have repeated it did not.
        """
        if self.is_sure:
            return True
        if self.best_second < self.kind.plan.second_threshold:
            return self.denials == 0
        return self.close_votes >= 0 and self.misses <= self.kind.belief.most_misses + self.hits

    def coasts_for(self, longest: float) -> float:
        """Return how long it may go unseen, in seconds: the better known, the longer."""
        known = self.hits if self.is_sure else self.hits / 2
        belief = self.kind.belief
        return longest * min(1.0, belief.coasts_unknown + belief.coasts_known * known)


def at_edge(box: Box, shape: tuple[int, ...]) -> bool:
    """Return whether the picture's edge cuts a box, or nearly so."""
    near = box.pad(_EDGE_NEAR)
    return near.x1 < 0 or near.y1 < 0 or near.x2 > shape[1] or near.y2 > shape[0]


def _beyond_edges(mask: Box, box: Box, shape: tuple[int, ...]) -> Box:
    """Move a mask off the picture where its thing is cut by the edge: the rest is out there."""
    near = _EDGE_NEAR * box.height
    dx = (box.x2 > shape[1] - near) - (box.x1 < near)
    dy = (box.y2 > shape[0] - near) - (box.y1 < near)
    return mask.shift(
        dx * max(0.0, mask.width - box.width) / 2, dy * max(0.0, mask.height - box.height) / 2
    )
