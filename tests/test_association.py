"""Which detection belongs to which track."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamguard.geometry import Box, iou
from streamguard.tracking.association import has_left, held_in, is_covered, match, similarity

A = Box(100, 100, 140, 150)

boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.floats(-50, 400),
    st.floats(-50, 300),
    st.floats(0, 90),
    st.floats(0, 90),
)


@given(a=boxes, b=boxes)
def test_similarity_is_a_symmetric_share(a: Box, b: Box) -> None:
    assert 0 <= similarity(a, b) <= 1 + 1e-9
    assert similarity(a, b) == pytest.approx(similarity(b, a), abs=1e-9)
    assert similarity(a, b) >= iou(a, b) or similarity(a, b) < 0.15


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        (A, True),
        (A.shift(10, 10), True),
        (A.pad(0.3), True),
        # A small fast face: hardly any overlap left, but near and of the same size.
        (A.shift(26, 0), True),
        (A.shift(80, 0), False),
        # Near, but of quite another size.
        (Box(141, 120, 147, 128), False),
        (Box(120, 125, 120, 125), False),
    ],
)
def test_what_is_alike(other: Box, alike: bool) -> None:
    assert (similarity(A, other) > 0) is alike


@given(tracks=st.lists(boxes, max_size=8), found=st.lists(boxes, max_size=8))
def test_pairs_are_one_to_one_and_none_is_left_over(tracks: list[Box], found: list[Box]) -> None:
    pairs = match(tracks, found)
    assert len({t for t, _ in pairs}) == len({d for _, d in pairs}) == len(pairs)
    assert all(similarity(tracks[t], found[d]) > 0 for t, d in pairs)
    free_tracks = set(range(len(tracks))) - {t for t, _ in pairs}
    free_found = set(range(len(found))) - {d for _, d in pairs}
    assert not any(similarity(tracks[t], found[d]) > 0 for t in free_tracks for d in free_found)


def test_the_most_alike_go_together() -> None:
    left, right = A, A.shift(30, 0)
    # Two faces side by side move a little: neither takes the other's detection.
    assert sorted(match([left, right], [right.shift(4, 0), left.shift(4, 0)])) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("box", "others", "covered"),
    [
        (A, [], False),
        (A, [A], True),
        (A, [A.shift(8, 0)], True),
        (A, [A.shift(20, 0)], False),
        (A, [A.shift(200, 0), A.pad(1)], True),
        # Two halves do not make a whole here: each box is judged by itself.
        (A, [Box(100, 100, 120, 150), Box(120, 100, 140, 150)], False),
    ],
)
def test_what_is_covered(box: Box, others: list[Box], covered: bool) -> None:
    assert is_covered(box, others) is covered


@given(box=boxes)
def test_what_is_held_in_has_not_left(box: Box) -> None:
    held = held_in(box, (240, 320))
    assert not has_left(held.resize(1.01), (240, 320)) or held.area == 0
    assert held.width == pytest.approx(box.width)
    x, y = box.center
    assert (held == box) is (0 <= x <= 320 and 0 <= y <= 240)
