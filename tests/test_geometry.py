"""Boxes: what must hold for any numbers, and tables for the rest."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamguard.geometry import Box, Detection, containment, intersection, iou, nms

NUMBERS = st.floats(-1e4, 1e4, allow_nan=False)
SIDES = st.floats(0, 1e4, allow_nan=False)
BOXES = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), NUMBERS, NUMBERS, SIDES, SIDES)
DETECTIONS = st.lists(st.builds(Detection, BOXES, st.floats(0, 1)), max_size=12)
UNIT = Box(0, 0, 10, 10)


def near(a: Box, b: Box) -> bool:
    pairs = zip((a.x1, a.y1, a.x2, a.y2), (b.x1, b.y1, b.x2, b.y2), strict=True)
    return all(math.isclose(p, q, rel_tol=1e-9, abs_tol=1e-6) for p, q in pairs)


@pytest.mark.parametrize(
    ("other", "shared", "expected_iou", "expected_containment"),
    [
        (UNIT, 100, 1.0, 1.0),
        (Box(5, 0, 15, 10), 50, 1 / 3, 0.5),
        (Box(2, 2, 4, 4), 4, 0.04, 1.0),
        (Box(10, 0, 20, 10), 0, 0.0, 0.0),
        (Box(20, 20, 30, 30), 0, 0.0, 0.0),
        (Box(5, 5, 5, 5), 0, 0.0, 0.0),
        (Box(8, 8, 2, 2), 0, 0.0, 0.0),
    ],
)
def test_overlap(
    other: Box, shared: float, expected_iou: float, expected_containment: float
) -> None:
    for a, b in ((UNIT, other), (other, UNIT)):
        assert intersection(a, b) == shared
        assert iou(a, b) == pytest.approx(expected_iou)
        assert containment(a, b) == pytest.approx(expected_containment)


@given(BOXES, BOXES)
def test_overlap_is_symmetric_and_bounded(a: Box, b: Box) -> None:
    assert iou(a, b) == iou(b, a)
    assert 0 <= iou(a, b) <= 1 + 1e-9
    assert iou(a, b) <= containment(a, b) + 1e-9


@given(BOXES, BOXES)
def test_a_union_holds_both(a: Box, b: Box) -> None:
    both = a.union(b)
    for box in (a, b):
        assert both.x1 <= box.x1
        assert both.y1 <= box.y1
        assert both.x2 >= box.x2
        assert both.y2 >= box.y2


@given(BOXES, st.integers(1, 500), st.integers(1, 500))
def test_pixels_are_inside_and_hold_all_of_the_box_that_is(
    box: Box, width: int, height: int
) -> None:
    x1, y1, x2, y2 = box.pixels(width, height)
    assert 0 <= x1 <= x2 <= width
    assert 0 <= y1 <= y2 <= height
    inside = box.clip(width, height)
    assert x1 <= inside.x1 <= inside.x2 <= x2
    assert y1 <= inside.y1 <= inside.y2 <= y2


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(0, 0, 64, 48), (0, 0, 64, 48)),
        (Box(-5, -5, 100, 100), (0, 0, 64, 48)),
        (Box(62.1, 46.9, 63.2, 47.01), (62, 46, 64, 48)),
        (Box(63, 47, 64, 48), (63, 47, 64, 48)),
        (Box(-9, -9, -1, -1), (0, 0, 0, 0)),
    ],
)
def test_the_last_row_and_column_count(box: Box, expected: tuple[int, ...]) -> None:
    assert box.pixels(64, 48) == expected


@given(BOXES, st.integers(-8, 8), st.integers(1, 500), st.integers(1, 500))
def test_turning_there_and_back(box: Box, quarters: int, width: int, height: int) -> None:
    turned = box.rotate(quarters, width, height)
    back = (height, width) if quarters % 2 else (width, height)
    assert near(turned.rotate(-quarters, *back), box)
    assert turned.area == pytest.approx(box.area, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    ("quarters", "expected"),
    [
        (0, Box(1, 2, 3, 5)),
        (1, Box(5, 1, 8, 3)),
        (2, Box(17, 5, 19, 8)),
        (3, Box(2, 17, 5, 19)),
        (4, Box(1, 2, 3, 5)),
        (-1, Box(2, 17, 5, 19)),
    ],
)
def test_turning_clockwise(quarters: int, expected: Box) -> None:
    # A picture of 20 by 10: what is at the left goes to the top after a quarter turn.
    assert Box(1, 2, 3, 5).rotate(quarters, 20, 10) == expected


@given(BOXES, st.floats(0, 2))
def test_padding_keeps_the_centre_and_grows(box: Box, ratio: float) -> None:
    padded = box.pad(ratio)
    assert padded.center == pytest.approx(box.center, rel=1e-6, abs=1e-6)
    assert padded.width == pytest.approx(box.width * (1 + 2 * ratio), rel=1e-6, abs=1e-6)
    assert near(box.resize(1 + 2 * ratio), padded)


@given(BOXES, BOXES)
def test_mixing_goes_from_one_to_the_other(a: Box, b: Box) -> None:
    assert near(a.mix(b, 0), a)
    assert near(a.mix(b, 1), b)
    assert near(a.mix(b, 0.5), b.mix(a, 0.5))


@given(BOXES, st.floats(1, 10))
def test_limiting_bounds_the_sides(box: Box, factor: float) -> None:
    limited = box.limit(UNIT, factor)
    for side in (limited.width, limited.height):
        assert 10 / factor - 1e-6 <= side <= 10 * factor + 1e-6


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(4))
def test_what_is_no_number_is_known(bad: float, place: int) -> None:
    corners = [0.0, 0.0, 1.0, 1.0]
    corners[place] = bad
    assert not Box(*corners).is_finite
    assert Box(0, 0, 1, 1).is_finite


@given(DETECTIONS, st.floats(0, 0.9))
def test_suppression_keeps_the_best_and_leaves_no_face_without(
    detections: list[Detection], limit: float
) -> None:
    kept = nms(detections, limit)
    assert [d.confidence for d in kept] == sorted((d.confidence for d in kept), reverse=True)
    assert all(iou(a.box, b.box) <= limit for a, b in combinations(kept, 2))
    for detection in detections:
        assert detection in kept or any(
            iou(detection.box, k.box) > limit and k.confidence >= detection.confidence for k in kept
        )
