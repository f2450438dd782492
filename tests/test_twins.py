"""One head, one track: what lies on another's head ends, and two people never become one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from streamguard.detection.finder import Finding
from streamguard.detection.looks import Look, Role
from streamguard.detection.subjects.face import FACE
from streamguard.geometry import Box, Detection
from streamguard.judges.observing import observe
from streamguard.media.scaling import TrackingScale
from streamguard.plans import PLANS, Quality
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracker import Tracker
from streamguard.tracking.twins import Twins

WIDTH, HEIGHT, EVERY = 320, 180, 0.2
HEAD = Box(140, 60, 180, 110)
CROWN = Box(146, 58, 170, 76)
LOOK = SearchedRegion(Box(0, 0, WIDTH, HEIGHT), 4.0)
GROUND = np.random.default_rng(1).integers(60, 200, (HEIGHT, WIDTH)).astype(np.uint8)


class Watch:
    """A tracker that looks at all of a still picture every 0.2 seconds."""

    def __init__(self) -> None:
        self.tracker = Tracker([FACE.kind(PLANS[Quality.BALANCED])], Timeline())
        self.time = 0.0

    def look(self, *boxes: Box, by_second: bool = True) -> None:
        self.tracker.advance(Moment(GROUND, self.time))
        seen = [Observation(box, 0.9, is_second=by_second) for box in boxes]
        self.tracker.observe(seen, [LOOK] if by_second else [])
        self.time += EVERY

    def place(self, places: Sequence[Box]) -> None:
        for track, box in zip(self.tracker.tracks, places, strict=True):
            track.box = box

    @property
    def alive(self) -> list[int]:
        return [track.track_id for track in self.tracker.tracks]


def started() -> Watch:
    """A head that the second opinion has seen, and a crown that only the primary has."""
    watch = Watch()
    watch.look(HEAD)
    # Away from the head, since it would be taken for the head there.
    watch.look(CROWN.shift(100, 0), by_second=False)
    assert watch.alive == [1, 2]
    return watch


def test_a_crown_ends_after_two_looks_that_show_the_head_alone() -> None:
    watch = started()
    watch.place([HEAD, CROWN])
    watch.look(HEAD)
    assert watch.alive == [1, 2]
    watch.place([HEAD, CROWN])
    watch.look(HEAD)
    assert watch.alive == [1]


def test_it_need_not_stand_still() -> None:
    watch = started()
    for step in (10, 20):
        watch.place([HEAD.shift(step, 0), CROWN.shift(step, 0)])
        watch.look(HEAD.shift(step, 0))
    assert watch.alive == [1]


@pytest.mark.parametrize("steps", [(0, 8, 16), (-12, -2, 8)])
def test_who_passes_behind_a_head_stays(steps: tuple[int, ...]) -> None:
    watch = started()
    for step in steps:
        watch.place([HEAD, CROWN.shift(step, 0)])
        watch.look(HEAD)
    assert watch.alive == [1, 2]


def test_who_was_seen_beside_the_head_is_somebody_else() -> None:
    for together in (True, False):
        twins, (head, crown) = Twins(), started().tracker.tracks
        crown.box = CROWN
        if together:
            assert not twins.extra([head, crown], [], [LOOK], 0.0)
        ends = [twins.extra([head], [crown], [LOOK], now) for now in (0.2, 0.4, 0.6)]
        assert any(ends) is not together


def test_what_the_other_cover_would_leave_bare_stays() -> None:
    outside = HEAD.shift(-30, 0)
    watch = started()
    for _ in range(3):
        watch.place([HEAD, outside])
        watch.look(HEAD)
    assert watch.alive == [1, 2]


# What the edge of a close look cuts.


def seen_in(region: Box, box: Box, is_close: bool = True) -> Tracker:
    """A head, and a close look that shows something of it."""
    watch = Watch()
    watch.look(HEAD)
    watch.tracker.advance(Moment(GROUND, watch.time))
    look = Look(Role.SECOND, region, 128, 128, is_close)
    found = Finding(look, (Detection(box, 0.9),))
    observe(watch.tracker, TrackingScale(WIDTH, HEIGHT, 1.0, 1.0), "face", [found])
    return watch.tracker


def test_half_a_face_at_the_edge_of_a_close_look_says_nothing_of_its_size() -> None:
    half = Box(HEAD.x1, HEAD.y1, HEAD.center[0] + 4, HEAD.y2)
    tracker = seen_in(Box(half.x2 - 100, 30, half.x2, 130), half)
    (track,) = tracker.tracks
    assert track.box == HEAD
    assert track.last_profile < 0 < track.last_second
    # In the middle of one it does.
    (track,) = seen_in(Box(90, 30, 190, 130), half).tracks
    assert track.box.width < 0.8 * HEAD.width


def test_what_the_picture_itself_cuts_is_as_large_as_it_shows() -> None:
    watch = Watch()
    edge = Box(0, 60, 26, 110)
    watch.look(Box(0, 60, 36, 110))
    watch.tracker.advance(Moment(GROUND, watch.time))
    look = Look(Role.SECOND, Box(0, 30, 100, 130), 128, 128, is_close=True)
    scale = TrackingScale(WIDTH, HEIGHT, 1.0, 1.0)
    observe(watch.tracker, scale, "face", [Finding(look, (Detection(edge, 0.9),))])
    assert watch.tracker.tracks[0].box.width < 30


def test_a_face_that_another_look_shows_whole_is_one() -> None:
    whole, half = HEAD, Box(HEAD.x1, HEAD.y1, HEAD.center[0] + 4, HEAD.y2)
    watch = Watch()
    watch.tracker.advance(Moment(GROUND, watch.time))
    findings = [
        Finding(Look(Role.SECOND, region, 128, 128, is_close=True), (Detection(box, sure),))
        for region, box, sure in (
            (Box(half.x2 - 100, 30, half.x2, 130), half, 0.95),
            (Box(110, 30, 210, 130), whole, 0.9),
        )
    ]
    observe(watch.tracker, TrackingScale(WIDTH, HEIGHT, 1.0, 1.0), "face", findings)
    (track,) = watch.tracker.tracks
    assert track.first == whole


def test_what_a_band_cuts_is_no_proposal_and_what_it_shows_whole_is() -> None:
    scale = TrackingScale.of(WIDTH, HEIGHT)
    inside, cut = Box(40, 60, 80, 110), Box(80, 60, 111, 110)
    at_own_edge, picture = Box(0, 60, 30, 110), Box(0, 0, WIDTH, HEIGHT)
    for region, box, begins in (
        (Box(0, 0, 112, HEIGHT), inside, True),
        (Box(0, 0, 112, HEIGHT), at_own_edge, True),
        (Box(0, 0, 112, HEIGHT), cut, False),
        (picture, cut, True),
    ):
        watch = Watch()
        watch.tracker.advance(Moment(GROUND, 0.0))
        look = Look(Role.PROPOSER, region, round(region.width), HEIGHT)
        observe(watch.tracker, scale, "face", [Finding(look, (Detection(box, 0.6),))])
        assert bool(watch.alive) is begins, box
