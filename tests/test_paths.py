"""Ways from several drawn boxes become one, which passes through each of them."""

from __future__ import annotations

from streamguard.geometry import Box
from streamguard.tracking.paths import FollowedPath, joined, unsure_spans
from streamguard.tracking.trail import Step

FIRST, LAST = Box(0, 0, 10, 10), Box(100, 0, 120, 20)


def way(boxes: dict[int, Box], *, is_sure: bool = True) -> FollowedPath:
    return FollowedPath(
        {n: Step(box, box, is_sure) for n, box in boxes.items()}, "", max(boxes, default=0)
    )


def standing(box: Box, *, is_sure: bool = True) -> FollowedPath:
    return way(dict.fromkeys(range(11), box), is_sure=is_sure)


def test_two_ways_that_agree_are_mixed_and_end_in_the_drawn_boxes() -> None:
    on, back = standing(Box(50, 0, 60, 10)), standing(Box(54, 0, 64, 10))
    steps = joined((0, FIRST), (10, LAST), on, back)
    assert list(range(11)) == sorted(steps)
    assert (steps[0].box, steps[10].box) == (FIRST, LAST)
    assert steps[5].box == Box(52, 0, 62, 10)
    assert steps[1].box.x1 < steps[5].box.x1 < steps[9].box.x1


def test_two_sure_ways_that_lie_apart_are_both_covered() -> None:
    on, back = standing(FIRST), standing(LAST)
    step = joined((0, FIRST), (10, LAST), on, back)[5]
    assert step.box == FIRST.union(LAST)
    assert not step.is_sure


def test_of_two_ways_that_lie_apart_the_sure_one_counts() -> None:
    on, back = standing(FIRST), standing(LAST, is_sure=False)
    assert joined((0, FIRST), (10, LAST), on, back)[5] == Step(FIRST, FIRST)
    assert joined((0, LAST), (10, FIRST), back, on)[5] == Step(FIRST, FIRST)


def test_where_one_way_has_ended_the_other_counts() -> None:
    on, back = way({0: FIRST, 1: FIRST}), way({10: LAST, 9: LAST, 8: LAST})
    steps = joined((0, FIRST), (10, LAST), on, back)
    assert steps[1].box == FIRST
    assert steps[8].box == LAST
    assert 5 not in steps


def test_unsure_spans_are_told_by_their_first_and_last_frame() -> None:
    sure = {0: True, 1: False, 2: False, 3: True, 5: False, 7: False}
    steps = {n: Step(FIRST, FIRST, is_sure) for n, is_sure in sure.items()}
    assert unsure_spans(steps) == [(1, 2), (5, 5), (7, 7)]
