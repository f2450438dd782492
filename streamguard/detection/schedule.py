"""Who looks where, frame by frame. Pure and deterministic: times and boxes in, looks out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from streamguard.detection.looks import CloseLookRequest, Look, Role
from streamguard.detection.turning import WAYS, Turning
from streamguard.geometry import Box
from streamguard.plans import DetectionPlan

_CROP_SIDE = 128
_CROP_CONTEXT = 3.0
"""A crop's side, in sizes of the face: what CenterFace needs to see a face as one."""
_CROP_SHARE = 0.5
"""Least time between crops of any two tracks, in shares of that between two of the same."""
_MAX_BACKOFF = 8
_MAX_ENLARGEMENT = 2.0
"""Of a tile of a photo: faces of 8 to 16 px are found when they have 16 to 32."""
_TILE_OVERLAP = 0.15
_NEW_SHARE = 0.06
"""Camera motion, in shares of the picture's sides, after which the second opinion looks at the
band where it showed new things: what comes in over the edge is seen before it can leave."""
_NEW_VIEW = 0.12
"""Camera motion, in shares of the picture's sides, after which it looks at all of it again."""
_BAND = 0.35
"""Width of such a band: the new part, and enough beside it to know a face by."""


class Schedule:
    """Decides the looks of every frame of one video.

    The guarantee: every part of the picture is shown to the second opinion, scaled to
    ``second_side``, at least every ``second_every`` seconds, and on the first frame of
    every scene.

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
        self._last = self._next_primary = self._next_second = float("-inf")
        self._next_crop: dict[int, float] = {}
        self._tile = 0
        self._turning = Turning()
        self._moved, self._travelled = (0.0, 0.0), 0.0
        self._crops_from = float("-inf")

    def adapt(self, plan: DetectionPlan) -> None:
        """Look by another plan from the next frame on; where that looks more often, at once."""
        self._plan = plan
        self._next_primary = min(self._next_primary, self._last + plan.primary_every - 1e-3)
        self._next_second = min(self._next_second, self._last + plan.second_every - 1e-3)

    def looks(
        self,
        time: float,
        cut: bool,
        requests: Sequence[CloseLookRequest] = (),
        motion: tuple[float, float] = (0.0, 0.0),
        turned: Collection[int] = (),
    ) -> list[Look]:
        """Return the looks due at one frame.

        Args:
            time: Presentation time in seconds; never decreases.
            cut: Whether the frame starts a new scene.
            requests: Tracks that want a close look, most urgent first.
            motion: How far the whole picture moved since the frame before, in shares of its
                width and height; what it moves away from is new.
            turned: Clockwise quarter turns beyond upright in which somebody is seen.
        """
        plan = self._plan
        self._moved = (self._moved[0] + motion[0], self._moved[1] + motion[1])
        self._travelled += abs(motion[0]) + abs(motion[1])
        # Where time stands still nobody knows how much has passed: every frame is the first.
        cut, self._last = cut or time <= self._last, time
        looks: list[Look] = []
        renewed = cut or self._travelled > _NEW_VIEW
        if renewed or time >= self._next_second:
            self._moved, self._travelled = (0.0, 0.0), 0.0
            self._next_second = time + plan.second_every - 1e-3
            looks.append(self._look(Role.SECOND, self._whole, plan.second_side))
            if plan.tiles:
                looks.append(self._next_tile())
        else:
            looks += self._bands()
        looks += self._turned(time, cut, turned, renewed)
        if cut or time >= self._next_primary:
            self._next_primary = time + plan.primary_every - 1e-3
            looks.append(self._look(Role.PRIMARY, self._whole, self._plan.primary_side))
        if not any(look.role is Role.SECOND for look in looks):
            looks += self._crops(time, requests)
        return looks

    def last_looks(self, time: float) -> list[Look]:
        """Return the looks the very last frame still needs: nothing comes after to trace back."""
        if time + self._plan.second_every - 1e-3 == self._next_second:
            return []
        return [self._look(Role.SECOND, self._whole, self._plan.second_side)]

    def still_looks(self) -> list[Look]:
        """Return the looks at a photo.

        They are at the whole of it, each way up, and, if the plan has tiles, at each of these
        enlarged.
        """
        whole = self._look(Role.SECOND, self._whole, self._plan.second_side)
        looks = [whole, self._look(Role.PRIMARY, self._whole, self._plan.primary_side)]
        if not self._plan.any_way_up:
            looks += [replace(whole, turns=turns) for turns in WAYS]
        tiles = [self._next_tile(_MAX_ENLARGEMENT) for _ in range(self._plan.tiles**2)]
        return looks + tiles

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
        shrink = max(self._whole.width, self._whole.height) / self._plan.second_side
        long_side = max(region.width, region.height) / max(1.0, shrink)
        return self._look(Role.SECOND, region, round(long_side))

    def _crops(self, time: float, requests: Sequence[CloseLookRequest]) -> list[Look]:
        alive = {request.track_id for request in requests}
        self._next_crop = {i: t for i, t in self._next_crop.items() if i in alive}
        due = [d for d in requests if time >= self._next_crop.get(d.track_id, time)]
        if not due or time < self._crops_from:
            return []
        self._crops_from = time + _CROP_SHARE * self._plan.crop_every - 1e-3
        wait = self._plan.crop_every * min(1 + due[0].tries, _MAX_BACKOFF)
        self._next_crop[due[0].track_id] = time + wait - 1e-3
        look = close_look(due[0].box, self._extent, due[0].turns)
        return [replace(look, width=self._plan.close_side, height=self._plan.close_side)]

    def _turned(self, time: float, cut: bool, turned: Collection[int], renewed: bool) -> list[Look]:
        """Return looks at the picture turned, for who is seen so and who may be."""
        plan = self._plan
        if plan.any_way_up or not plan.turned_every:
            return []
        closely = self._look(Role.SECOND, self._whole, plan.second_side)
        roughly = self._look(Role.SECOND, self._whole, plan.turned_side)
        known = self._turning.closely(time, turned, plan.second_every, renewed)
        search = self._turning.searching(time, cut, plan.turned_every)
        return [
            *(replace(closely, turns=turns) for turns in known),
            *(replace(roughly, turns=turns) for turns in search),
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
