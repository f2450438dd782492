"""What is known of one tracked thing: where it is, how sure that is, and what of it to cover."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from streamguard.geometry import Box
from streamguard.tracking.edges import at_edge, beyond_edges
from streamguard.tracking.flow import Gray, Moved
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.presence import Presence
from streamguard.tracking.support import Support
from streamguard.tracking.ways import nearest

_GRACE = 0.45
"""Seconds unseen that mean nothing: nobody looked."""
_BLIND_GROWTH = 0.03
"""Growth of a mask per frame in which flow could not follow it."""
_MOST_STILL = 0.25
"""Most such growth of a thing that did not move before: what it may do meanwhile."""
_MAX_GROWTH, _MAX_TALLER = 1.6, 1.1
_MAX_SCALE = 1.25
"""Flow's small errors of scale add up; nothing unseen grows or shrinks by more."""
_VELOCITY_MEMORY = 0.7
_FADES = 0.7
"""Share of what was sure of a thing's way up that is left when a look misses it."""
_LIFELESS = 3.0
"""Seconds without any motion after which a thing is probably no living one."""


@dataclass(slots=True)
class Track(Support):
    """One thing, as far as it could be followed.

    Attributes:
        track_id: Number, never used again in a run.
        first: Where it was first seen.
        born: When that was, in seconds.
        box: Where it is in the newest moment.
        before: Where it was in the moment before.
        seen: Where it was last seen.
        last_seen: When that was, in seconds.
        scene_end: Time of the first cut since it was last seen, in seconds.
        cuts: How many there were.
        last_profile: Time of the last observation from the side, in seconds.
        last_second: Time of the second opinion's last observation, in seconds.
        turns: Clockwise quarter turns beyond upright of the picture it saw the thing in.
        tilt: Degrees clockwise beyond those that bring it upright.
        lately: How sure it was of that, less with each look that missed it.
        refused_ways: Quarter turns of the looks that denied it.
        velocity: Pixels a frame that it moves by itself, smoothed.
        camera: Pixels a frame that the picture as a whole moved, when that was last known.
        pace: Pixels a frame that it moved when it was last seen.
        waits: Whether it may be behind something.
        blind: Frames, of late, in which flow could not follow it.
        frames: Frames since it was last seen.
        carried: Frames it was followed into.
        lost: Those of them in which flow could not follow it.
        still: Longest time in seconds for which it did not move while the camera stood still.
        stirs: Whether it moved at such a time.
        light: Sum of the mean brightness at every observation, 0 to 255 each.
        full_width: Width of all of it, of which a thing that turns away shows less.
        full_height: Height of it.
        presence: Whether its place still looks like it.
    """

    track_id: int
    first: Box
    born: float
    box: Box = field(init=False)
    before: Box = field(init=False)
    seen: Box = field(init=False)
    last_seen: float = field(init=False)
    scene_end: float = math.inf
    cuts: int = 0
    last_profile: float = -math.inf
    last_second: float = -math.inf
    turns: int = 0
    tilt: float = 0.0
    lately: float = 0.0
    velocity: tuple[float, float] = (0.0, 0.0)
    camera: tuple[float, float] = (0.0, 0.0)
    pace: tuple[float, float] = (0.0, 0.0)
    waits: bool = False
    refused_ways: set[int] = field(default_factory=set)
    blind: int = 0
    frames: int = 0
    carried: int = 0
    lost: int = 0
    still: float = 0.0
    stirs: bool = False
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
        if not observation.is_cut:
            self.box, self.seen = self._adjusted(observation), observation.box
        self.last_seen = time
        self.scene_end, self.cuts = math.inf, 0
        self.blind = self.frames = 0
        (vx, vy), (cx, cy) = self.velocity, self.camera
        self.pace, self.waits = (vx + cx, vy + cy), False
        self._take_way(observation)
        self.count(observation)
        if observation.is_second:
            # What the picture's edge cuts is narrow too.
            narrow = self.kind.anatomy.narrow
            is_narrow = observation.box.width < narrow * observation.box.height
            if is_narrow and not observation.is_cut and not at_edge(observation.box, shape):
                self.last_profile = time
            self.last_second = time

    def _take_way(self, observation: Observation) -> None:
        """Take in which way up it was seen: as it was, unless another way is seen more surely."""
        if not observation.is_second and self.best_second:
            return  # who decides also knows which way up
        turns, tilt = nearest(observation.turns, observation.tilt)
        least = max(self.lately, self._enough) if self.hits else 0.0
        if turns != self.turns and observation.confidence <= least:
            return
        if turns not in self.refused_ways:
            self.denial = None  # who denied it saw it the wrong way up
        self.turns, self.tilt, self.lately = turns, tilt, observation.confidence

    def carry(self, step: Moved, camera: tuple[float, float] | None) -> None:
        """Follow flow, or where flow cannot be trusted the camera and the thing's own speed."""
        self.before = self.box
        self.carried += 1
        self.frames += 1
        cx, cy = self.camera
        self.camera = camera or (0.8 * cx, 0.8 * cy)
        (vx, vy), (cx, cy) = self.velocity, self.camera
        if step.trusted:
            (ax, ay), (bx, by) = self.box.center, step.box.center
            keep = _VELOCITY_MEMORY
            self.velocity = (
                keep * vx + (1 - keep) * (bx - ax - cx),
                keep * vy + (1 - keep) * (by - ay - cy),
            )
            self.box = step.box.limit(self.seen, _MAX_SCALE)
            self.blind = max(0, self.blind - 1)
        else:
            self.box = self.box.shift(vx + cx, vy + cy)
            # It may stop, and does less and less by itself.
            self.velocity = 0.8 * vx, 0.8 * vy
            self.blind += 1
            self.lost += 1

    def _adjusted(self, observation: Observation) -> Box:
        """Return the box after an observation.

        The two detectors frame a thing differently, and the second opinion's frame is the
        truer one: once it has spoken, the primary only says where, not how large.
        """
        if observation.is_second or observation.is_proposal:
            return self.box.mix(observation.box, 0.8)
        if not self.best_second:
            return self.box.mix(observation.box, 0.5)
        (ax, ay), (bx, by) = self.box.center, observation.box.center
        return self.box.shift((bx - ax) / 2, (by - ay) / 2)

    def miss(self, look: SearchedRegion, luma: Gray) -> None:
        """Take in that the second opinion looked and did not see it.

        Args:
            look: Where it looked; it was able to see the thing.
            luma: The tracking picture.
        """
        self.count_miss(look, luma, self.box)
        self.lately *= _FADES
        if self.is_denied:
            self.refused_ways.add(self.turns)

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
        if not self.waits:
            # Never wider than all of it is from any side.
            most = max(width, anatomy.side_aspect * height)
            width = min(most, width * (1 + anatomy.wider * unseen))
            width *= 1 + self._adrift(width)
            height *= min(_MAX_TALLER, 1 + anatomy.taller * unseen) + self._adrift(height)
        x, y = self.box.center
        mask = Box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return beyond_edges(mask, self.box, shape)

    def _adrift(self, size: float) -> float:
        """Return the growth for not knowing where it is, by its own speed, in shares of a size."""
        speed = math.hypot(*self.pace)
        most = _MOST_STILL + 2 * speed * self.blind / max(size, 1.0)
        return min(_BLIND_GROWTH * self.blind, most, _MAX_GROWTH - 1)

    @property
    def expected(self) -> Box:
        """Where it would be had it gone on as when it was last seen."""
        (vx, vy), frames = self.pace, self.frames
        return self.seen.shift(vx * frames, vy * frames)

    @property
    def way(self) -> tuple[int, float]:
        """Quarter turns and degrees clockwise beyond them that bring it upright."""
        return self.turns, self.tilt

    @property
    def gone_since(self) -> float:
        """Time from which on it is known not to be there any more, in seconds."""
        return self.presence.gone_since if self.presence else math.inf

    def is_missed(self, now: float) -> bool:
        """Return whether it was never sure, and a look that should have shown it did not."""
        return (
            not self.is_sure
            and self.is_believed()
            and now - self.last_seen > self.kind.plan.whole_every
        )

    @property
    def never_moves(self) -> bool:
        """Whether it stood as still as nobody can, for seconds."""
        return not self.stirs and self.still >= _LIFELESS

    def is_doubtful(self, now: float) -> bool:
        """Return whether another look at it would help to decide."""
        belief = self.kind.belief
        is_unsure = not self.is_sure and self.hits < belief.few
        is_late = now - self.last_seen > self.kind.plan.whole_every
        return self.denials > 0 or is_unsure or is_late or self.is_unconfirmed
