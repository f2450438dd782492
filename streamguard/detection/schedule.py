"""Who looks where, frame by frame. Pure and deterministic: times and boxes in, looks out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamguard.detection.confirming import Questions
from streamguard.detection.looks import CloseLookRequest, Look, Role
from streamguard.detection.turning import WAYS, Turning
from streamguard.geometry import Box
from streamguard.plans import DetectionPlan
from streamguard.tracking.ways import usual

_CROP_SIDE = 128
_CROP_CONTEXT = 3.0
"""A crop's side, in sizes of the face: what CenterFace needs to see a face as one."""
_MAX_ENLARGEMENT = 2.0
"""Of a tile of a photo: faces of 8 to 16 px are found when they have 16 to 32."""
_TILE_OVERLAP = 0.15
_NEW_SHARE = 0.06
"""Camera motion, in shares of the picture's sides, after which whoever sees the smallest looks at
the band where it showed new things: what comes in over the edge is seen before it can leave."""
_NEW_VIEW = 0.12
"""Camera motion, in shares of the picture's sides, after which it looks at all of it again."""
_BAND = 0.35
"""Width of such a band: the new part, and enough beside it to know a face by."""
_ROUGH, _LEAST_ROUGH = 1 / 2.4, 320
"""Share of a picture's long side, and the least number of pixels, with which it is searched for
people who are turned: nearly always for nothing."""
_LEAST_TILT = 15.0
"""Degrees below which a face is seen as well as upright."""


class Schedule:
    """Decides the looks of every frame of one video.

    The guarantee: every part of the picture is shown to the proposer, scaled to
    ``proposer_side``, at least every ``proposer_every`` seconds, and to the second opinion,
    scaled to ``second_side``, at least every ``second_every`` seconds; to both on the first
    frame of every scene. Where nobody proposes, the second opinion alone looks.

    Args:
        plan: The quality level's plan.
        width: Coded width of the frames in pixels.
        height: Coded height.
        extent: Size of the picture that close looks may be cut from, if it is another.
    """

    def __init__(
        self,
        plan: DetectionPlan,
        width: int,
        height: int,
        extent: tuple[float, float] | None = None,
    ) -> None:
        self._plan = plan
        self._whole = Box(0, 0, width, height)
        self._extent = Box(0, 0, *extent) if extent else self._whole
        self._last = self._next_primary = float("-inf")
        self._next_second = self._next_proposer = float("-inf")
        self._questions = Questions(plan)
        self._tile = 0
        self._turning = Turning()
        self._moved, self._travelled, self._unseen = (0.0, 0.0), 0.0, 0.0

    def adapt(self, plan: DetectionPlan) -> None:
        """Look by another plan from the next frame on; where that looks more often, at once."""
        self._plan = self._questions.plan = plan
        self._next_primary = min(self._next_primary, self._last + plan.primary_every - 1e-3)
        self._next_second = min(self._next_second, self._last + plan.second_every - 1e-3)
        self._next_proposer = min(self._next_proposer, self._last + plan.proposer_every - 1e-3)

    def looks(
        self,
        time: float,
        cut: bool,
        requests: Sequence[CloseLookRequest] = (),
        motion: tuple[float, float] = (0.0, 0.0),
        ways: Sequence[int] = (),
    ) -> list[Look]:
        """Return the looks due at one frame.

        Args:
            time: Presentation time in seconds; never decreases.
            cut: Whether the frame starts a new scene.
            requests: Tracks that want a close look, most urgent first.
            motion: How far the whole picture moved since the frame before, in shares of its
                width and height; what it moves away from is new.
            ways: Clockwise quarter turns beyond upright of all who are seen.
        """
        self._moved = (self._moved[0] + motion[0], self._moved[1] + motion[1])
        travelled = abs(motion[0]) + abs(motion[1])
        self._travelled, self._unseen = self._travelled + travelled, self._unseen + travelled
        # Where time stands still nobody knows how much has passed: every frame is the first.
        cut, self._last = cut or time <= self._last, time
        renewed = cut or self._travelled > _NEW_VIEW
        looks = [*self._second_looks(time, cut), *self._proposer_looks(time, cut)]
        if self._travelled > 0 and not any(look.region == self._whole for look in looks):
            looks += self._bands()
        self._turning.note(time, ways)
        looks += self._turned(time, cut, renewed)
        if cut or time >= self._next_primary:
            self._next_primary = time + self._plan.primary_every - 1e-3
            primary = self._look(Role.PRIMARY, self._whole, self._plan.primary_side)
            looks.append(replace(primary, turns=usual(ways)))
        if not any(look.role is not Role.PRIMARY for look in looks):
            looks += self.close_looks(time, requests)
        return looks

    def close_looks(self, time: float, requests: Sequence[CloseLookRequest]) -> list[Look]:
        """Return the close looks due at one frame; arguments as for `looks`."""
        return [self._close_look(each) for each in self._questions.choose(time, requests)]

    def last_looks(self, time: float) -> list[Look]:
        """Return the looks the very last frame still needs: nothing comes after to trace back."""
        plan, looks = self._plan, []
        if time + plan.second_every - 1e-3 != self._next_second:
            looks.append(self._look(Role.SECOND, self._whole, plan.second_side))
        if plan.proposer_every and time + plan.proposer_every - 1e-3 != self._next_proposer:
            looks.append(self._look(Role.PROPOSER, self._whole, plan.proposer_side))
        return looks + self._turned_closely(time, renewed=True)

    def all_close_looks(self, requests: Sequence[CloseLookRequest]) -> list[Look]:
        """Return close looks at everything proposed that nobody has answered yet."""
        return [self._close_look(each) for each in requests if each.is_open]

    def still_looks(self) -> list[Look]:
        """Return the looks at a photo.

        They are at the whole of it, each way up, and, if the plan has tiles, at each of these
        enlarged.
        """
        looks = [self._look(Role.SECOND, self._whole, self._plan.second_side)]
        if self._plan.proposer_every:
            looks.append(self._look(Role.PROPOSER, self._whole, self._plan.proposer_side))
        if not self._plan.any_way_up:
            looks += [replace(look, turns=turns) for look in looks for turns in WAYS]
        looks.append(self._look(Role.PRIMARY, self._whole, self._plan.primary_side))
        tiles = [self._next_tile(_MAX_ENLARGEMENT) for _ in range(self._plan.tiles**2)]
        return looks + tiles

    def _second_looks(self, time: float, cut: bool) -> list[Look]:
        plan = self._plan
        # What comes in over the edge is the proposer's, if there is one: it sees smaller faces.
        enough = _NEW_VIEW * (plan.second_every / plan.whole_every)
        if not (cut or time >= self._next_second or self._unseen > enough):
            return []
        self._next_second = time + plan.second_every - 1e-3
        self._unseen = 0.0
        if not plan.proposer_every:
            self._moved, self._travelled = (0.0, 0.0), 0.0
        looks = [self._look(Role.SECOND, self._whole, plan.second_side)]
        if plan.tiles:
            looks.append(self._next_tile())
        return looks

    def _proposer_looks(self, time: float, cut: bool) -> list[Look]:
        plan = self._plan
        is_due = cut or time >= self._next_proposer or self._travelled > _NEW_VIEW
        if not plan.proposer_every or not is_due:
            return []
        self._next_proposer = time + plan.proposer_every - 1e-3
        self._moved, self._travelled = (0.0, 0.0), 0.0
        return [self._look(Role.PROPOSER, self._whole, plan.proposer_side)]

    def _bands(self) -> list[Look]:
        """Return looks at the bands along the edges over which the camera showed new things."""
        moved_x, moved_y = self._moved
        width, height = self._whole.width, self._whole.height
        looks: list[Look] = []
        if abs(moved_x) > _NEW_SHARE:
            left = 0.0 if moved_x > 0 else (1 - _BAND) * width
            looks.append(self._band(Box(left, 0, left + _BAND * width, height)))
            moved_x = 0.0
        if abs(moved_y) > _NEW_SHARE:
            top = 0.0 if moved_y > 0 else (1 - _BAND) * height
            looks.append(self._band(Box(0, top, width, top + _BAND * height)))
            moved_y = 0.0
        self._moved = (moved_x, moved_y)
        return looks

    def _band(self, region: Box) -> Look:
        """Return a look at a band at the scale of the whole picture's looks."""
        plan = self._plan
        role = Role.PROPOSER if plan.proposer_every else Role.SECOND
        side = plan.proposer_side if plan.proposer_every else plan.second_side
        shrink = max(self._whole.width, self._whole.height) / side
        long_side = max(region.width, region.height) / max(1.0, shrink)
        return self._look(role, region, round(long_side))

    def _close_look(self, request: CloseLookRequest) -> Look:
        look = close_look(request.box, self._extent, request.turns)
        side = self._plan.close_side
        # How far it is tilted may have been a guess.
        is_tilted = abs(request.tilt) >= _LEAST_TILT and request.tries % 2 == 0
        return replace(look, width=side, height=side, tilt=request.tilt if is_tilted else 0.0)

    def _turned(self, time: float, start: bool, renewed: bool) -> list[Look]:
        """Return looks at the picture turned, for who is seen so and who may be."""
        plan = self._plan
        if plan.any_way_up or not plan.turned_every:
            return []
        seeker = Role.PROPOSER if plan.proposer_every else Role.SECOND
        looks = self._turned_closely(time, renewed)
        long_side = max(self._whole.width, self._whole.height)
        side = min(plan.turned_side, max(_LEAST_ROUGH, round(_ROUGH * long_side)))
        for way in self._turning.searching(time, start, plan.turned_every):
            looks.append(replace(self._look(seeker, self._whole, side), turns=way))
        return looks

    def _turned_closely(self, time: float, renewed: bool) -> list[Look]:
        plan = self._plan
        whole = [(Role.SECOND, plan.second_every, plan.second_side)]
        if plan.proposer_every:
            whole.append((Role.PROPOSER, plan.proposer_every, plan.proposer_side))
        return [
            replace(self._look(role, self._whole, side), turns=way)
            for role, every, side in whole
            for way in self._turning.closely(role, time, every, renewed)
        ]

    def _next_tile(self, enlarge: float = 1.0) -> Look:
        parts = self._plan.tiles
        row, column = divmod(self._tile, parts)
        self._tile = (self._tile + 1) % parts**2
        width, height = self._whole.width / parts, self._whole.height / parts
        tile = Box(column * width, row * height, (column + 1) * width, (row + 1) * height)
        region = tile.pad(_TILE_OVERLAP).clip(self._whole.width, self._whole.height)
        return self._look(Role.SECOND, region, self._plan.second_side, enlarge)

    def _look(self, role: Role, region: Box, long_side: int, enlarge: float = 1.0) -> Look:
        """Return a look scaled to a long side, enlarged at most by a factor."""
        scale = min(enlarge, long_side / max(region.width, region.height))
        width = max(1, round(region.width * scale))
        height = max(1, round(region.height * scale))
        return Look(role, region, width, height)


def close_look(box: Box, extent: Box, turns: int = 0, context: float = 1.0) -> Look:
    """Return a square look round a face, moved inside the picture where it sticks out.

    Args:
        box: The face, in coded pixels.
        extent: What the look may be cut from.
        turns: Clockwise quarter turns beyond upright.
        context: How much more than usual to show round the face, as a factor.
    """
    side = max(box.width, box.height, 1.0) * _CROP_CONTEXT * context
    side = min(side, extent.width, extent.height)
    x, y = box.center
    left = min(max(x - side / 2, 0.0), extent.width - side)
    top = min(max(y - side / 2, 0.0), extent.height - side)
    region = Box(left, top, left + side, top + side)
    pixels = round(_CROP_SIDE * context)
    return Look(Role.SECOND, region, pixels, pixels, True, turns)
