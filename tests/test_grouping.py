"""Which tracks seem to be one person: by time and place, and by nothing else."""

from __future__ import annotations

import pytest
from edit_kit import Made, standing
from hypothesis import given
from hypothesis import strategies as st

from streamguard.edits.grouping import TrackEnds, ends_of, propose_groups
from streamguard.geometry import Box


def ends(track: int, start: float, end: float, x: float = 100, **other: object) -> TrackEnds:
    box = other.get("first", Box(x, 100, x + 40, 150))
    assert isinstance(box, Box)
    label = str(other.get("label", "face"))
    return TrackEnds(track, label, start, end, box, box)


@pytest.mark.parametrize(
    ("tracks", "groups"),
    [
        ([], []),
        ([ends(1, 0, 5)], []),
        ([ends(1, 0, 5), ends(2, 5.5, 9)], [(1, 2)]),
        ([ends(2, 5.5, 9), ends(1, 0, 5)], [(1, 2)]),
        ([ends(1, 0, 5), ends(2, 5.5, 9), ends(3, 9.2, 12)], [(1, 2, 3)]),
        ([ends(1, 0, 5), ends(2, 4.9, 9)], [(1, 2)]),
        ([ends(1, 0, 5), ends(2, 4, 9)], []),
        ([ends(1, 0, 5), ends(2, 8, 9)], []),
        ([ends(1, 0, 5), ends(2, 5.5, 9, x=300)], []),
        ([ends(1, 0, 5), ends(2, 5.1, 9, x=150)], []),
        ([ends(1, 0, 5), ends(2, 6, 9, x=150)], [(1, 2)]),
        ([ends(1, 0, 5), ends(2, 5.5, 9, label="code")], []),
        ([ends(1, 0, 5), ends(2, 5.5, 9, first=Box(60, 60, 180, 190))], []),
        # Two could continue it, or it could continue two: nobody knows which.
        ([ends(1, 0, 5), ends(2, 5.5, 9, x=110), ends(3, 5.5, 9, x=90)], []),
        ([ends(1, 0, 5, x=90), ends(2, 0, 5, x=110), ends(3, 5.5, 9)], []),
        ([ends(1, 0, 5), ends(2, 5.5, 9, x=101), ends(3, 5.5, 9, x=140)], [(1, 2)]),
    ],
)
def test_tracks_that_continue_one_another(
    tracks: list[TrackEnds], groups: list[tuple[int, ...]]
) -> None:
    assert propose_groups(tracks) == groups


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 5), st.floats(0, 500)), max_size=12))
def test_no_track_is_in_two_groups(made: list[tuple[float, float, float]]) -> None:
    tracks = [ends(n, start, start + length, x) for n, (start, length, x) in enumerate(made, 1)]
    groups = propose_groups(tracks)
    members = [track for group in groups for track in group]
    assert len(members) == len(set(members))
    starts = {t.track: t.start for t in tracks}
    for group in groups:
        assert len(group) > 1
        assert list(group) == sorted(group, key=lambda t: starts[t])


def test_a_face_that_was_lost_for_a_moment_is_proposed_as_one() -> None:
    made = Made({1: (0, 40, standing(50)), 2: (50, 99, standing(55)), 3: (50, 99, standing(400))})
    assert propose_groups(ends_of(made)) == [(1, 2)]
