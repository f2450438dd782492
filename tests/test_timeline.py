"""The held moments: tracing back, bridging, and masks that only grow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamguard.geometry import Box, intersection
from streamguard.tracking.timeline import Moment, Sighting, Timeline

Gray = NDArray[np.uint8]
WIDTH, HEIGHT, RATE = 240, 135, 25
SIZE = (30, 36)


def texture(seed: int, shape: tuple[int, int]) -> Gray:
    noise = np.random.default_rng(seed).normal(128, 200, shape).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2.0).clip(0, 255).astype(np.uint8)


GROUND = texture(1, (HEIGHT, WIDTH))
PATCH = texture(2, (SIZE[1], SIZE[0]))


def place(n: int) -> Box:
    """Where the face is in frame ``n``: it comes in over the left edge at frame 5."""
    left = 4 * (n - 5) - SIZE[0]
    return Box(left, 50, left + SIZE[0], 50 + SIZE[1])


def moment(n: int, *, cut: bool = False, flat: bool = False) -> Moment:
    luma = np.full((HEIGHT, WIDTH), 90, np.uint8) if flat else GROUND.copy()
    x1, y1, x2, y2 = place(n).pixels(WIDTH, HEIGHT)
    if x2 > x1 and not flat:
        luma[y1:y2, x1:x2] = PATCH[:, SIZE[0] - (x2 - x1) if x1 == 0 else 0 :][:, : x2 - x1]
    return Moment(luma, n / RATE, cut=cut)


def timeline(count: int, *cuts: int, flat: bool = False) -> Timeline:
    held = Timeline()
    for n in range(count):
        held.append(moment(n, cut=n in cuts, flat=flat))
    return held


def covers(held: Timeline, track_id: int = 1) -> dict[int, list[Box]]:
    return {n: m.covers[track_id] for n, m in enumerate(held.moments) if track_id in m.covers}


def share(face: Box, boxes: list[Box]) -> float:
    """How much of what shows of a face the best box covers."""
    face = face.clip(WIDTH, HEIGHT)
    return max((intersection(face, box) / face.area for box in boxes), default=0.0)


def test_a_face_is_followed_back_to_where_it_came_in() -> None:
    held = timeline(25)
    held.trace_back([Sighting(1, place(24), 24 / RATE)])
    boxes = covers(held)
    assert all(share(place(n), boxes[n]) > 0.8 for n in range(9, 24))
    assert 24 not in boxes  # the moment of the observation covers its own


def test_it_is_not_followed_beyond_the_edge() -> None:
    # The camera pans by 6 pixels a frame; the face comes into view at frame 10.
    wide, held = texture(3, (HEIGHT, 600)), Timeline()
    for n in range(25):
        left = 300 - 6 * n
        luma = np.ascontiguousarray(wide[:, left : left + WIDTH])
        held.append(Moment(luma, n / RATE, camera=(6.0, 0.0)))
    at = [Box(6 * (n - 10) - 30, 50, 6 * (n - 10), 86) for n in range(25)]
    held.trace_back([Sighting(1, at[24], 24 / RATE)])
    boxes = covers(held)
    assert all(share(at[n], boxes[n]) > 0.8 for n in range(13, 24))
    assert min(boxes) >= 10 - 3  # a touch too long is better than too short


def test_it_is_not_followed_into_another_scene() -> None:
    held = timeline(25, 15)
    held.trace_back([Sighting(1, place(24), 24 / RATE)])
    assert sorted(covers(held)) == list(range(15, 24))


def test_it_is_not_followed_further_than_asked() -> None:
    held = timeline(25)
    held.trace_back([Sighting(1, place(24), 24 / RATE, until=18 / RATE)])
    assert sorted(covers(held)) == list(range(18, 24))


def test_it_starts_where_the_face_was_seen() -> None:
    held = timeline(25)
    held.trace_back([Sighting(1, place(20), 20 / RATE)])
    boxes = covers(held)
    assert max(boxes) == 19
    assert share(place(12), boxes[12]) > 0.8


def test_things_seen_at_different_times_are_followed_back_together() -> None:
    apart, together = timeline(25), timeline(25)
    sightings = [Sighting(1, place(20), 20 / RATE), Sighting(2, place(24), 24 / RATE)]
    together.trace_back(sightings)
    for sighting in sightings:
        apart.trace_back([sighting])
    for track_id in (1, 2):
        assert covers(together, track_id).keys() == covers(apart, track_id).keys()


def test_it_stops_where_its_own_track_covers_anyway() -> None:
    held = timeline(25)
    held.moments[15].cover(1, place(15).pad(0.2))
    held.moments[18].cover(2, place(18).pad(0.2))
    held.trace_back([Sighting(1, place(24), 24 / RATE)])
    assert sorted(covers(held)) == [15, 16, 17, 18, 19, 20, 21, 22, 23]
    assert len(covers(held)[15]) == 1


def test_without_flow_it_stays_near_for_a_while_and_grows() -> None:
    held = timeline(25, flat=True)
    held.trace_back([Sighting(1, place(24), 24 / RATE)])
    boxes = covers(held)
    assert 3 <= len(boxes) <= 10
    areas = [boxes[n][0].area for n in sorted(boxes)]
    assert areas == sorted(areas, reverse=True)
    assert all(share(place(24), boxes[n]) == pytest.approx(1) for n in boxes)


def test_faces_are_followed_each_by_itself() -> None:
    held = timeline(25)
    still = Box(150, 20, 180, 50)
    held.trace_back([Sighting(1, place(24), 1.0), Sighting(2, still, 1.0)])
    assert share(place(10), covers(held, 1)[10]) > 0.8
    assert share(still, covers(held, 2)[0]) > 0.9


@pytest.mark.parametrize("count", [0, 1])
def test_there_may_be_nothing_to_go_back_to(count: int) -> None:
    held = timeline(count)
    held.trace_back([Sighting(1, place(20), 20 / RATE)])
    held.trace_back([Sighting(1, place(20), -5.0)])
    held.trace_back([])
    assert not covers(held)


def test_a_gap_is_bridged_by_spreading_the_error() -> None:
    held = timeline(11)
    drifted = Box(50, 50, 80, 86)
    for m in held.moments:
        m.cover(1, drifted)
    held.bridge(1, drifted.shift(20, 0), drifted, since=0.0)
    boxes = covers(held)
    # Where flow went astray by more than a third nobody knows when, so both places are covered.
    assert [len(boxes[n]) for n in range(11)] == [*[1] * 5, *[2] * 5, 1]
    for n in range(1, 10):
        assert boxes[n][-1].x1 == pytest.approx(50 + 2 * n)
        assert n < 5 or boxes[n][0] == drifted


def test_a_sighting_in_the_same_moment_bridges_nothing() -> None:
    held = timeline(3)
    for m in held.moments:
        m.cover(1, place(9))
    held.bridge(1, place(20), place(9), since=held.moments[-1].time)
    assert all(len(boxes) == 1 for boxes in covers(held).values())


def test_a_turning_head_is_widened_since_it_was_last_seen() -> None:
    held = timeline(6)
    for m in held.moments:
        m.cover(1, Box(100, 50, 120, 90))
    held.widen(1, 1.0, since=2 / RATE)
    assert [boxes[0].width for boxes in covers(held).values()] == [20, 20, 20, 40, 40, 40]
    held.widen(1, 0.1, since=-1.0)  # never narrower
    assert [boxes[0].width for boxes in covers(held).values()] == [20, 20, 20, 40, 40, 40]


boxes_strategy = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h),
    st.floats(-40, WIDTH),
    st.floats(-40, HEIGHT),
    st.floats(0, 90),
    st.floats(0, 90),
)


@given(
    st.lists(
        st.dictionaries(
            st.integers(1, 3), st.lists(boxes_strategy, min_size=1, max_size=4), max_size=3
        ),
        max_size=9,
    )
)
def test_what_comes_out_holds_all_that_went_in(frames: list[dict[int, list[Box]]]) -> None:
    held = Timeline()
    luma = np.zeros((HEIGHT, WIDTH), np.uint8)
    for n, tracks in enumerate(frames):
        held.append(Moment(luma, n / RATE))
        for track_id, boxes in tracks.items():
            for box in boxes:
                held.moments[-1].cover(track_id, box)
    for n, tracks in enumerate(frames):
        popped, result = held.pop()
        assert popped.time == n / RATE
        assert result.keys() == tracks.keys()
        for track_id, boxes in tracks.items():
            assert len(result[track_id]) <= len(boxes)
            for box in boxes:
                assert any(
                    out.x1 <= box.x1 + 1e-9
                    and out.y1 <= box.y1 + 1e-9
                    and out.x2 >= box.x2 - 1e-9
                    and out.y2 >= box.y2 - 1e-9
                    for out in result[track_id]
                )
    assert not held.moments


def test_masks_do_not_flicker() -> None:
    held = timeline(7)
    for n, m in enumerate(held.moments):
        size = 39 if n == 3 else 40
        m.cover(1, Box(50, 50, 50 + size, 50 + size))
    widths = [held.pop()[1][1][0].width for _ in range(7)]
    assert widths == pytest.approx([40] * 7)
