"""Who looks where, and when: the promise the docs make, for any frame rate."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from streamguard.detection.looks import CloseLookRequest, Look, Role
from streamguard.detection.schedule import Schedule
from streamguard.detection.turning import WAYS
from streamguard.geometry import Box
from streamguard.plans import PLANS, DetectionPlan, Quality
from streamguard.settings import Settings

WIDTH, HEIGHT = 1920, 1080
WHOLE = Box(0, 0, WIDTH, HEIGHT)
SLACK = 2e-3
"""A look may come this early, so that a frame on the beat is not missed by rounding."""

plans = st.sampled_from([*PLANS.values(), Settings(lookahead=0.0).plan])
steps = st.floats(0, 3, allow_subnormal=False)
# Steady rates, and any times that do not run backwards.
times = st.one_of(
    st.builds(
        lambda rate, count: [n / rate for n in range(count)],
        st.floats(0.5, 240),
        st.integers(1, 300),
    ),
    st.lists(steps, min_size=1, max_size=60).map(lambda parts: [sum(parts[:n]) for n in range(60)]),
)


def whole_second(looks: list[Look]) -> bool:
    return any(is_upright(look) and look.region == WHOLE for look in looks)


def is_upright(look: Look) -> bool:
    """Whether it is the second opinion's, and not of the picture on its side."""
    return look.role is Role.SECOND and not look.turns


def has(looks: list[Look], role: Role) -> bool:
    return any(look.role is role for look in looks)


@given(plan=plans, times=times, cuts=st.sets(st.integers(0, 299)), data=st.data())
def test_the_whole_picture_is_looked_at_in_time(
    plan: DetectionPlan, times: list[float], cuts: set[int], data: st.DataObject
) -> None:
    schedule = Schedule(plan, WIDTH, HEIGHT)
    seen = dict.fromkeys(Role, -1e9)
    doubts = [CloseLookRequest(1, Box(5, 5, 30, 30), 0)] if data.draw(st.booleans()) else []
    for number, time in enumerate(times):
        looks = schedule.looks(time, number in cuts, doubts)
        if whole_second(looks):
            seen[Role.SECOND] = time
        if has(looks, Role.PRIMARY):
            seen[Role.PRIMARY] = time
        if any(look.role is Role.PROPOSER and look.region == WHOLE for look in looks):
            seen[Role.PROPOSER] = time
        assert time - seen[Role.PROPOSER] < plan.proposer_every
        assert time - seen[Role.SECOND] < plan.second_every
        assert time - seen[Role.PRIMARY] <= plan.primary_every
        if number in cuts or number == 0:
            assert seen == dict.fromkeys(Role, time)


@given(plan=plans, times=times)
def test_the_last_frame_is_looked_at_once(plan: DetectionPlan, times: list[float]) -> None:
    schedule = Schedule(plan, WIDTH, HEIGHT)
    for time in times:
        looks = schedule.looks(time, cut=False)
    assert whole_second(looks) != whole_second(schedule.last_looks(times[-1]))


@hypothesis_settings(deadline=None)
@given(plan=plans, times=times, count=st.integers(0, 4))
def test_it_is_deterministic(plan: DetectionPlan, times: list[float], count: int) -> None:
    doubts = [CloseLookRequest(n, Box(9 * n, 5, 9 * n + 30, 40), n) for n in range(count)]
    first, second = (
        [s.looks(time, n % 7 == 3, doubts, (0.01, -0.02)) for n, time in enumerate(times)]
        for s in (Schedule(plan, WIDTH, HEIGHT), Schedule(plan, WIDTH, HEIGHT))
    )
    assert first == second


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_it_looks_no_more_often_than_it_says(plan: DetectionPlan) -> None:
    schedule = Schedule(plan, WIDTH, HEIGHT)
    at = [n / 100 for n in range(1000) if whole_second(schedule.looks(n / 100, cut=False))]
    assert all(b - a >= plan.second_every - SLACK for a, b in pairwise(at))


@pytest.mark.parametrize("level", PLANS)
def test_what_is_found_is_still_in_hand(level: Quality) -> None:
    # Otherwise a face could come in, and its first frames leave before anybody looked.
    assert PLANS[level].whole_every <= PLANS[level].lookahead


@pytest.mark.parametrize("level", PLANS)
def test_times_that_stand_still_do_not_blind_it(level: Quality) -> None:
    schedule = Schedule(PLANS[level], WIDTH, HEIGHT)
    for _ in range(5):
        looks = schedule.looks(0.0, cut=False)
        assert whole_second(looks)
        assert has(looks, Role.PRIMARY)


def test_camera_motion_brings_the_next_look_forward() -> None:
    for plan in (PLANS[Quality.BALANCED], PLANS[Quality.BALANCED].without_proposer()):
        _look_where_the_camera_goes(plan, Role.PROPOSER if plan.proposer_every else Role.SECOND)


def _look_where_the_camera_goes(plan: DetectionPlan, role: Role) -> None:
    schedule = Schedule(plan, WIDTH, HEIGHT)
    schedule.looks(0.0, cut=False)
    still = [schedule.looks(n / 100, cut=False) for n in range(1, 12)]
    panned = [schedule.looks(n / 100, cut=False, motion=(0.02, 0.0)) for n in range(12, 24)]
    assert not any(has(looks, role) for looks in still)
    # The picture moves to the right, so what is new shows on the left: a tenth of it at most.
    first = next(n for n, looks in enumerate(panned, 1) if has(looks, role))
    assert first * 0.02 < 0.1
    assert min(look.region.x1 for look in panned[first - 1] if look.role is role) == 0
    assert any(look.role is role and look.region == WHOLE for looks in panned for look in looks)


@given(
    plan=plans,
    rate=st.floats(5, 120),
    tries=st.integers(0, 20),
    count=st.integers(1, 6),
    exposed=st.floats(0, 0.05),
)
def test_close_looks_are_never_beyond_their_rate(
    plan: DetectionPlan, rate: float, tries: int, count: int, exposed: float
) -> None:
    schedule = Schedule(plan, WIDTH, HEIGHT)
    places = {n: Box(200 * n, 50, 200 * n + 40, 100) for n in range(1, count + 1)}
    doubts = [CloseLookRequest(n, box, tries) for n, box in places.items()]
    at: dict[int, list[float]] = {n: [] for n in places}
    for number in range(150):
        time = number / rate
        looks = schedule.looks(time, cut=False, requests=doubts, motion=(exposed, 0.0))
        close = [look for look in looks if look.is_close]
        assert len(close) <= 1
        assert not (close and whole_second(looks))
        for look in close:
            (track_id,) = (n for n, box in places.items() if box.center == look.region.center)
            at[track_id].append(time)
    for moments in at.values():
        assert all(b - a >= plan.crop_every - SLACK for a, b in pairwise(moments))
    every = sorted(time for moments in at.values() for time in moments)
    assert all(b - a >= plan.crop_every / 2 - SLACK for a, b in pairwise(every))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_doubt_gets_its_close_look(plan: DetectionPlan) -> None:
    schedule = Schedule(plan, WIDTH, HEIGHT)
    places = [Box(200 * n, 50, 200 * n + 40, 100) for n in range(1, 7)]
    tries = dict.fromkeys(places, 0)
    for n in range(int(60 * plan.crop_every * 25)):
        doubts = [CloseLookRequest(n, box, tries[box]) for n, box in enumerate(places)]
        doubts.sort(key=lambda doubt: doubt.tries)
        for look in schedule.looks(n / 25, cut=False, requests=doubts):
            for box in places:
                tries[box] += look.is_close and look.region.center == box.center
    assert min(tries.values()) > 0


def test_doubts_that_are_over_are_forgotten() -> None:
    schedule = Schedule(PLANS[Quality.BALANCED], WIDTH, HEIGHT)
    for n in range(500):
        schedule.looks(n / 5 + 0.1, cut=False, requests=[CloseLookRequest(n, Box(0, 0, 9, 9), 0)])
    assert len(schedule._questions._next) <= 1


@given(
    plan=plans,
    width=st.integers(1, 9000),
    height=st.integers(1, 9000),
    box=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_looks_lie_in_the_picture_and_hold_the_face(
    plan: DetectionPlan, width: int, height: int, box: tuple[float, float, float, float]
) -> None:
    x1, x2 = sorted((box[0] * width, box[1] * width))
    y1, y2 = sorted((box[2] * height, box[3] * height))
    face = Box(x1, y1, x2, y2)
    schedule = Schedule(plan, width, height)
    looks = [*schedule.looks(0.0, cut=False), *schedule.last_looks(1.0), *schedule.still_looks()]
    close = [
        look
        for look in schedule.looks(
            plan.whole_every / 2, cut=False, requests=[CloseLookRequest(1, face, 0)]
        )
        if look.is_close
    ]
    assert close
    for look in [*looks, *close]:
        region = look.region
        assert min(look.width, look.height) >= 1
        assert max(look.width, look.height) <= max(plan.second_side, plan.proposer_side)
        assert look.smallest > 0 or (look.is_close and not face.area)
        assert region.x1 >= 0
        assert region.y1 >= 0
        assert region.x2 <= width + 1e-6
        assert region.y2 <= height + 1e-6
    (region,) = (look.region for look in close)
    assert region.width == pytest.approx(region.height)
    if max(face.width, face.height) <= min(width, height):
        x, y = face.center
        assert region.x1 - 1e-6 <= x <= region.x2 + 1e-6
        assert region.y1 - 1e-6 <= y <= region.y2 + 1e-6


def covered(regions: list[Box], parts: int = 60) -> bool:
    """Whether every one of a grid of points lies in one of the regions."""
    points = [
        ((x + 0.5) * WIDTH / parts, (y + 0.5) * HEIGHT / parts)
        for x in range(parts)
        for y in range(parts)
    ]
    return all(any(r.x1 <= x <= r.x2 and r.y1 <= y <= r.y2 for r in regions) for x, y in points)


def test_tiles_show_every_part_within_their_round() -> None:
    plan = PLANS[Quality.THOROUGH]
    schedule = Schedule(plan, WIDTH, HEIGHT)
    beats = []
    for n in range(200):
        looks = [look for look in schedule.looks(n / 50, cut=False) if is_upright(look)]
        if looks:
            whole, tile = looks
            assert whole.region == WHOLE
            # Closer than the whole, or it would be for nothing.
            assert tile.smallest < 0.7 * whole.smallest
            beats.append(tile.region)
    around = plan.tiles**2
    assert len(beats) > 3 * around
    for start in range(len(beats) - around):
        assert covered(beats[start : start + around])
        assert not covered(beats[start : start + around - 1])


@pytest.mark.parametrize("level", PLANS)
def test_a_photo_is_looked_at_by_everybody_and_in_parts(level: Quality) -> None:
    plan = Settings(quality=level).plan.for_still()
    looks = Schedule(plan, WIDTH, HEIGHT).still_looks()
    assert whole_second(looks)
    assert has(looks, Role.PRIMARY)
    tiles = [look for look in looks if look.region != WHOLE]
    assert len(tiles) == plan.tiles**2
    assert not tiles or covered([look.region for look in tiles])
    seconds = [look for look in looks if look.role is Role.SECOND and look.region == WHOLE]
    assert all((look.width, look.height) == (WIDTH, HEIGHT) for look in seconds)
    # Each way up: who lies in a photo is not seen in another frame.
    assert sorted(look.turns for look in seconds) == [0, 1, 2, 3]


def turned_looks(
    plan: DetectionPlan, seconds: float, seen: dict[float, list[int]]
) -> list[tuple[float, Look]]:
    """Return the turned looks with their times, in the order of time.

    Args:
        plan: The plan.
        seconds: How long to look, at 50 frames a second.
        seen: From which second on people are seen in which quarter turns.
    """
    schedule = Schedule(plan, WIDTH, HEIGHT)
    found = []
    for n in range(round(seconds * 50)):
        now = max((start for start in seen if start <= n / 50), default=None)
        ways = seen[now] if now is not None else []
        looks = schedule.looks(n / 50, n == 0, ways=ways)
        found += [(n / 50, look) for look in looks if look.turns]
    assert all(look.region == WHOLE for _, look in found)
    return found


def times_of(looks: list[tuple[float, Look]], role: Role, turns: int, width: int) -> list[float]:
    """Return the times of the looks that are like that."""
    like = (role, turns, width)
    return [time for time, look in looks if (look.role, look.turns, look.width) == like]


@pytest.mark.parametrize("level", [Quality.BALANCED, Quality.THOROUGH])
@pytest.mark.parametrize("is_proposed", [True, False])
def test_each_way_is_searched_at_the_start_and_then_in_turn(
    level: Quality, is_proposed: bool
) -> None:
    plan = PLANS[level] if is_proposed else PLANS[level].without_proposer()
    role = Role.PROPOSER if is_proposed else Role.SECOND
    looks = turned_looks(plan, 12, {})
    found = [times_of(looks, role, way, plan.turned_side) for way in WAYS]
    assert sum(map(len, found)) == len(looks)
    for times in found:
        assert times[0] == 0.0
        assert all(b - a <= len(WAYS) * plan.turned_every + 0.1 for a, b in pairwise([*times, 12]))
    later = [time for times in found for time in times if time]
    assert len(later) == len(set(later))


@pytest.mark.parametrize(("width", "side"), [(1920, 640), (1280, 533), (960, 400), (640, 320)])
def test_a_small_picture_is_searched_at_a_small_size(width: int, side: int) -> None:
    looks = Schedule(PLANS[Quality.BALANCED], width, width * 9 // 16).looks(0.0, cut=True)
    assert {look.width for look in looks if look.turns} == {side}


def test_who_lies_is_looked_for_as_often_as_anybody_while_somebody_does() -> None:
    plan = PLANS[Quality.BALANCED]
    looks = turned_looks(plan, 20, {4.0: [0, 3, 0], 9.0: [0]})
    for role, every, side in (
        (Role.PROPOSER, plan.proposer_every, plan.proposer_side),
        (Role.SECOND, plan.second_every, plan.second_side),
    ):
        closely = times_of(looks, role, 3, side)
        assert closely[0] == pytest.approx(4.0)
        assert all(b - a <= every + 0.02 for a, b in pairwise(closely))
        # Somebody may turn up again so, and a look costs.
        assert 9 + every < closely[-1] < 14
        assert not times_of(looks, role, 1, side)
    # The others are searched meanwhile, and that way again in the end.
    search = [times_of(looks, Role.PROPOSER, way, plan.turned_side) for way in WAYS]
    assert sum(4 < t < 9 for times in search for t in times) >= 5 / plan.turned_every - 1
    assert not any(4 < t < 12 for t in search[WAYS.index(3)])
    assert all(any(t > 14 for t in times) for times in search)


def test_a_new_view_is_looked_at_the_way_up_that_people_are() -> None:
    schedule = Schedule(PLANS[Quality.BALANCED], WIDTH, HEIGHT)
    schedule.looks(0.0, cut=True)
    schedule.looks(0.1, cut=False, ways=[1])
    looks = schedule.looks(0.2, False, motion=(0.2, 0.0), ways=[1])
    assert {(look.role, look.turns) for look in looks} >= {
        (Role.PROPOSER, 0),
        (Role.PROPOSER, 1),
        (Role.SECOND, 1),
    }


def test_the_last_frame_is_looked_at_the_way_up_that_people_are() -> None:
    schedule = Schedule(PLANS[Quality.BALANCED], WIDTH, HEIGHT)
    schedule.looks(0.0, cut=True)
    first = schedule.looks(0.1, cut=False, ways=[2])
    turned = [(Role.SECOND, 2), (Role.PROPOSER, 2)]
    assert [(look.role, look.turns) for look in first if look.turns] == turned
    # Not twice in one frame.
    assert not [look for look in schedule.last_looks(0.1) if look.turns]
    assert [(look.role, look.turns) for look in schedule.last_looks(0.2) if look.turns] == turned


@pytest.mark.parametrize(
    ("ways", "usual"), [([], 0), ([1, 0], 0), ([1, 1, 0], 1), ([2, 3, 3], 3), ([0, 1, 2, 2, 0], 0)]
)
def test_the_first_detector_is_shown_most_people_upright(ways: list[int], usual: int) -> None:
    schedule = Schedule(PLANS[Quality.BALANCED], WIDTH, HEIGHT)
    looks = schedule.looks(0.0, cut=True, ways=ways)
    assert [look.turns for look in looks if look.role is Role.PRIMARY] == [usual]


def test_nobody_looks_another_way_up_where_the_plan_says_so() -> None:
    never = replace(PLANS[Quality.BALANCED], turned_every=0.0)
    whichever = replace(PLANS[Quality.BALANCED], any_way_up=True)
    for plan in (never, whichever):
        assert not turned_looks(plan, 5, {1.0: [1, 2, 0, 0]})


@pytest.mark.parametrize(
    ("tilt", "tries", "shown"), [(0, 0, 0), (10, 0, 0), (-30, 0, -30), (30, 1, 0), (45, 2, 45)]
)
def test_a_close_look_is_tilted_like_its_face_and_the_next_is_not(
    tilt: float, tries: int, shown: float
) -> None:
    schedule = Schedule(PLANS[Quality.BALANCED], WIDTH, HEIGHT)
    schedule.looks(0.0, cut=False)
    request = CloseLookRequest(1, Box(50, 50, 90, 90), tries, 1, tilt, is_open=True)
    (look,) = schedule.looks(0.1, cut=False, requests=[request])
    assert (look.is_close, look.turns, look.tilt) == (True, 1, shown)


def test_a_close_look_is_the_way_up_its_face_was_seen() -> None:
    for turns in range(4):
        schedule = Schedule(PLANS[Quality.BALANCED], WIDTH, HEIGHT)
        schedule.looks(0.0, cut=False)
        (look,) = schedule.looks(
            0.1, cut=False, requests=[CloseLookRequest(1, Box(50, 50, 90, 90), 0, turns)]
        )
        assert (look.is_close, look.turns) == (True, turns)


def test_a_look_says_which_face_it_must_see() -> None:
    # Ten pixels of the picture that is looked at: 30 of a frame that is three times as large.
    plan = DetectionPlan(primary_every=1, second_every=1, second_side=640)
    look = Schedule(plan, WIDTH, HEIGHT).looks(0.0, cut=False)[0]
    assert (look.width, look.height) == (640, 360)
    assert look.smallest == 30
