"""Edits laid over a decision: what is clear, what stays covered, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from edit_kit import FRAMES, Made, apart, crossing, numbered, standing, walking
from hypothesis import given, settings
from hypothesis import strategies as st

from streamguard.edits.acts import (
    Act,
    Believe,
    ChangeSound,
    Clear,
    Confirm,
    CoverAgain,
    Dismiss,
    DrawBox,
    DrawPolygon,
    Follow,
    Group,
    Relabel,
    SetEffect,
    Split,
    Undo,
)
from streamguard.edits.applying import active
from streamguard.edits.placing import Placed, place
from streamguard.errors import AnalysisError, EditError
from streamguard.geometry import Box
from streamguard.outlines import Polygon
from streamguard.settings import Effect, SoundChange, SoundSpan


def after(made: Made, *acts: Act) -> Placed:
    return place(made, numbered(*acts))


def clear_frames(made: Made, placed: Placed, track: int) -> list[int]:
    """Return the frames in which a track of the decision is not covered."""
    return [
        index
        for index in range(FRAMES)
        if any(cover.track_id == track for cover in made.record(index).covers)
        and all(
            cover.box != made.ways[track][2](index) for cover in placed.apply(made.record(index))
        )
    ]


def test_at_first_all_is_covered() -> None:
    made = apart()
    placed = after(made)
    assert all(placed.apply(made.record(n)) == made.record(n).covers for n in range(FRAMES))
    assert (placed.exemptions(), placed.withheld()) == ((), ())


def test_leaving_a_track_clear_leaves_out_its_covers_and_no_others() -> None:
    made = apart()
    placed = after(made, Clear(track=2))
    for n in range(FRAMES):
        record = made.record(n)
        assert placed.apply(record) == tuple(c for c in record.covers if c.track_id != 2)
        assert placed.cleared(record) == tuple(c for c in record.covers if c.track_id == 2)
    (exemption,) = placed.exemptions()
    assert (exemption.track, exemption.first, exemption.last) == (2, 0, 99)
    assert (exemption.actor, exemption.reason, exemption.is_face) == ("Ann", "a reason", True)


@pytest.mark.parametrize(
    ("acts", "frames"),
    [
        ([Clear(track=2, first=10, last=19)], range(10, 20)),
        ([Clear(track=2, first=90)], range(90, 100)),
        ([Clear(track=2), CoverAgain(track=2)], range(0)),
        ([Clear(track=2), CoverAgain(track=2, last=89)], range(90, 100)),
        ([Clear(track=2), Undo(edit=1)], range(0)),
        ([Clear(track=2), Undo(edit=1), Undo(edit=2)], range(100)),
        ([Clear(track=2), Undo(edit=1), Undo(edit=2), Undo(edit=3)], range(0)),
        ([Dismiss(track=2)], range(100)),
        ([Dismiss(track=2), CoverAgain(track=2)], range(0)),
        ([Group(tracks=(2, 3), person=1), Clear(person=1, last=29)], range(30)),
        ([Relabel(track=2, label="poster")], range(0)),
    ],
)
def test_frames_that_are_clear(acts: Sequence[Act], frames: range) -> None:
    made = apart()
    placed = after(made, *acts)
    assert clear_frames(made, placed, 2) == list(frames)
    assert clear_frames(made, placed, 1) == []


def test_what_crosses_stays_covered_from_there_until_somebody_confirms() -> None:
    made = crossing()
    placed = after(made, Clear(track=1, at=0))
    clear = clear_frames(made, placed, 1)
    (held,) = placed.withheld()
    first, last = held.confirm
    assert clear == list(range(first))
    assert (held.first, held.last) == (first, 99)
    assert held.reasons == ("it touches track 2",)
    for n in clear:
        assert abs(made.ways[1][2](n).x1 - made.ways[2][2](n).x1) > 1.6 * 40
    half = after(made, Clear(track=1, at=0), Confirm(track=1, first=first, last=last - 1))
    assert clear_frames(made, half, 1) == list(range(last))
    whole = after(made, Clear(track=1, at=0), Confirm(track=1, first=first, last=last))
    assert clear_frames(made, whole, 1) == list(range(FRAMES))
    assert whole.withheld() == ()
    assert clear_frames(made, after(made, Clear(track=1, confirm=True)), 1) == list(range(FRAMES))
    assert clear_frames(made, after(made, Clear(track=1, at=99)), 1) == list(range(last + 1, 100))
    assert clear_frames(made, after(made, Clear(track=2, at=0)), 2) == list(range(first))


def test_in_a_frame_of_more_covers_than_can_be_compared_all_touch() -> None:
    many = {n: (10, 12, standing(20.0 * n, 10, 5)) for n in range(1, 600)}
    many[1] = 0, 99, standing(20, 10, 5)
    made = Made(many)
    acts: list[Act] = [Group(tracks=tuple(many), person=1), Clear(person=1, at=11)]
    assert after(made, *acts).exemptions() == ()
    alone = after(made, Clear(track=1, at=0))
    assert clear_frames(made, alone, 1) == list(range(100))


def test_settings_that_are_none_are_an_error() -> None:
    made = apart()
    settings: Mapping[str, Any]
    for settings in ({"redaction": [1]}, {"redaction": {"padding": "x"}}):
        made.header = replace(made.header, settings=settings)
        with pytest.raises(AnalysisError, match="settings that are not understood"):
            after(made, Clear(track=1))


def test_a_track_that_became_somebody_else_bares_nobody() -> None:
    """Two faces cross and their tracks turn back: each follows the other face from there on."""
    first, second = walking(50, 550), walking(550, 50)
    turned = {
        1: (0, 99, lambda n: (first if n < 50 else second)(n)),
        2: (0, 99, lambda n: (second if n < 50 else first)(n)),
    }
    made = Made(turned)

    def bare(placed: Placed) -> list[int]:
        covers = [{c.box for c in placed.apply(made.record(n))} for n in range(FRAMES)]
        return [n for n in range(FRAMES) if second(n) not in covers[n]]

    assert bare(after(made, Clear(track=1, at=0))) == []
    # Else this proves nothing: who vouches for the track without a look bares the other face.
    assert bare(after(made, Clear(track=1, at=0, confirm=True))) == list(range(50, FRAMES))


def test_what_somebody_pointed_at_in_the_middle_of_a_crossing_is_not_clear() -> None:
    made = crossing()
    placed = after(made, Clear(track=1, at=50))
    assert clear_frames(made, placed, 1) == []
    (held,) = placed.withheld()
    assert (held.first, held.last) == (0, 99)
    assert held.look is not None
    looked = after(made, Clear(track=1, at=held.look))
    assert held.look in clear_frames(made, looked, 1)
    assert looked.withheld()[0].look is None


def test_tracks_of_one_person_do_not_part_it() -> None:
    made = crossing()
    placed = after(made, Group(tracks=(1, 2), person=1), Clear(person=1))
    assert clear_frames(made, placed, 1) == clear_frames(made, placed, 2) == list(range(FRAMES))


@pytest.mark.parametrize(
    ("made", "clear"),
    [
        (Made({1: (0, 99, standing(50))}, blind={1: 0.5}), []),
        (Made({1: (0, 99, standing(50))}, slates=frozenset({60})), list(range(60))),
        (Made({1: (0, 99, standing(50))}, lost=((60, 70), (90, 99))), list(range(60))),
        (Made({1: (0, 99, standing(50))}, hits=0), []),
        (
            Made({1: (0, 99, lambda n: standing(50)(n) if n < 60 else standing(80)(n))}),
            list(range(60)),
        ),
        (
            Made({1: (0, 99, lambda n: standing(50, size=40 if n < 60 else 90)(n))}),
            list(range(60)),
        ),
        (Made({1: (0, 99, walking(10, 590))}), list(range(FRAMES))),
    ],
    ids=["blind", "damaged", "lost", "unknown", "jumps", "grows", "walks"],
)
def test_where_flow_was_lost_it_stays_covered(made: Made, clear: list[int]) -> None:
    assert clear_frames(made, after(made, Clear(track=1)), 1) == clear


def test_a_drawn_box_over_a_clear_face_is_painted() -> None:
    made = apart()
    drawn = DrawBox(box=(40, 90, 100, 150), first=10, last=30, new=9)
    placed = after(made, Clear(track=1, confirm=True), drawn)
    for n in range(FRAMES):
        boxes = [cover.box for cover in placed.apply(made.record(n))]
        assert (Box(40, 90, 100, 150) in boxes) == (10 <= n <= 30)
    assert clear_frames(made, placed, 1)[:10] == list(range(10))


def test_a_part_that_is_somebody_else_is_covered_again() -> None:
    made = apart()
    placed = after(made, Clear(track=1), Split(track=1, frame=50, new=9))
    assert clear_frames(made, placed, 1) == list(range(50))
    placed = after(made, Split(track=1, frame=50, new=9), Clear(track=9))
    assert clear_frames(made, placed, 1) == list(range(50, 100))
    assert [e.track for e in placed.exemptions()] == [9]


def test_the_new_part_of_a_split_track_belongs_to_nobody_yet() -> None:
    made = crossing()
    acts: list[Act] = [Group(tracks=(1, 2), person=1), Split(track=1, frame=30, new=9)]
    placed = after(made, *acts, Clear(person=1))
    assert {part.number for part in placed.edited.members(1)} == {1, 2}
    # So it touches the other track as anybody would.
    (held,) = (item for item in placed.withheld() if item.track == 2)
    assert held.reasons == ("it touches track 9",)


def test_a_track_that_leaves_a_clear_person_is_covered_again() -> None:
    made = apart()
    acts: list[Act] = [Group(tracks=(1, 2), person=1), Clear(person=1)]
    assert clear_frames(made, after(made, *acts), 2) == list(range(FRAMES))
    placed = after(made, *acts, Group(tracks=(2,), person=2))
    assert clear_frames(made, placed, 2) == []
    assert clear_frames(made, placed, 1) == list(range(FRAMES))
    # Who joins a clear person later is not clear: nobody said so.
    placed = after(made, *acts, Group(tracks=(3,), person=1))
    assert clear_frames(made, placed, 3) == []


def test_a_person_is_looked_at_in_one_frame_and_its_other_parts_where_they_show_best() -> None:
    made = apart()
    made.lost = ((40, 45),)
    acts: list[Act] = [Group(tracks=(1, 3), person=1), Clear(person=1, at=5)]
    placed = after(made, *acts)
    assert clear_frames(made, placed, 1) == list(range(40))
    assert clear_frames(made, placed, 3) == list(range(20, 40))
    placed = after(made, acts[0], Clear(person=1, at=60))
    assert clear_frames(made, placed, 1) == list(range(46, 100))
    assert clear_frames(made, placed, 3) == list(range(46, 80))


def test_a_person_is_split_at_a_frame() -> None:
    made = apart()
    acts: list[Act] = [Group(tracks=(1, 3), person=1), Clear(person=1)]
    parts = ((1, 11), (3, 13))
    placed = after(made, *acts, Split(person=1, frame=50, new=2, parts=parts))
    assert clear_frames(made, placed, 1) == list(range(50))
    assert clear_frames(made, placed, 3) == list(range(20, 50))
    assert {p.number for p in placed.edited.members(2)} == {11, 13}


def test_a_believed_candidate_is_covered_between_its_looks_and_round_them() -> None:
    made = apart()
    placed = after(made, Believe(candidate=1, new=9))
    covered = {
        n: cover.box
        for n in range(FRAMES)
        for cover in placed.apply(made.record(n))
        if cover.track_id == 9
    }
    assert list(covered) == list(range(25, 66))
    assert covered[45] == Box(510, 300, 550, 340)
    assert covered[25] == Box(500, 300, 540, 340)


def test_drawn_things_are_covered_where_they_were_drawn() -> None:
    made = apart()
    placed = after(
        made,
        DrawPolygon(points=((1, 1), (50, 1), (1, 60)), first=5, last=6, new=10, label="badge"),
        Follow(frame=3, box=(1, 2, 11, 12), boxes=((3, 1, 2, 11, 12), (5, 5, 2, 15, 12)), new=11),
    )
    added = [[c for c in placed.apply(made.record(n)) if c.track_id > 3] for n in range(8)]
    assert [[c.track_id for c in covers] for covers in added] == (
        [[], [], [], [11], [11], [10, 11], [10], []]
    )
    assert added[4][0].outline == Box(3, 2, 13, 12)
    assert added[6][0].outline == Polygon(((1, 1), (50, 1), (1, 60)))
    assert added[6][0].label == "badge"


def test_effects_labels_and_sound() -> None:
    made = apart()
    placed = after(
        made,
        SetEffect(label="face", effect=Effect.SOLID),
        SetEffect(track=2, effect=Effect.PIXELATE),
        Relabel(track=3, label="poster"),
        ChangeSound(start=0.5, end=1.25, sound=SoundChange.BLEEP),
    )
    assert placed.effects == {"face": Effect.SOLID}
    assert placed.sound == (SoundSpan(0.5, 1.25, SoundChange.BLEEP),)
    covers = {c.track_id: c for c in placed.apply(made.record(50))}
    assert covers[2].effect is Effect.PIXELATE
    assert covers[1] == replace(made.record(50).covers[0], effect=Effect.SOLID)
    assert covers[3].label == "poster"


@pytest.mark.parametrize(
    ("acts", "words"),
    [
        ([Clear(track=7)], "there is no track 7"),
        ([Clear(person=7)], "there is no person 7"),
        ([Clear()], "either a track or a person"),
        ([Clear(track=1, person=1)], "either a track or a person"),
        ([Clear(track=3, first=0)], "frames 0 to 79 are not all in it"),
        ([Clear(track=1, last=100)], "frames 0 to 100 are not all in it"),
        ([Clear(track=1, first=20, last=10)], "is empty"),
        ([Clear(track=1, first=20, last=30, at=40)], "frame 40 is not in"),
        ([Dismiss(track=3, at=5)], "frames 5 to 5 are not all in it"),
        ([CoverAgain(track=1)], "nothing of it was left clear"),
        ([Confirm(track=9)], "there is no track 9"),
        ([Believe(candidate=2, new=9)], "there is no candidate 2"),
        ([Believe(candidate=1, new=9), Believe(candidate=1, new=10)], "believed already"),
        ([Believe(candidate=1, new=3)], "the number 3"),
        ([DrawBox(box=(10, 10, 10, 20), new=9)], "is empty"),
        ([DrawBox(box=(700, 10, 710, 20), new=9)], "outside the picture"),
        ([DrawBox(box=(0, 0, 9, 9), first=100, last=100, new=9)], "not all in it"),
        ([DrawPolygon(points=((0, 0), (9, 9)), new=9)], "a polygon has 3"),
        ([Follow(frame=1, box=(0, 0, 9, 9), new=9)], "not followed yet"),
        (
            [Follow(frame=1, box=(0, 0, 9, 9), boxes=((1, 0, 0, 9, 9),) * 2, new=9)],
            "do not stand in the order",
        ),
        ([Follow(frame=5, box=(0, 0, 9, 9), boxes=((1, 0, 0, 9, 9),), new=9)], "not all in it"),
        ([Group(tracks=(1, 8), person=1)], "there is no track 8"),
        ([Group(tracks=(), person=1)], "at least one track"),
        ([Split(track=1, frame=0, new=9)], "cannot be split at frame 0"),
        ([Split(track=1, frame=50, new=2)], "the number 2"),
        ([Group(tracks=(1,), person=1), Split(person=1, frame=0, new=2)], "nobody is left"),
        ([Relabel(track=5, label="x")], "there is no track 5"),
        ([SetEffect(track=1, label="face", effect=Effect.BLUR)], "a label, a track or"),
        ([SetEffect(effect=Effect.BLUR)], "either a track or a person"),
        ([ChangeSound(start=2, end=1, sound=SoundChange.MUTE)], "is empty"),
        ([ChangeSound(start=99, end=100, sound=SoundChange.MUTE)], "beyond the end"),
        ([Undo(edit=1)], "edit 1 cannot be undone"),
        ([Clear(track=1), Undo(edit=1), Undo(edit=1)], "edit 1 cannot be undone"),
        ([Undo(edit=2), Clear(track=1)], "edit 2 cannot be undone"),
        ([Split(track=1, frame=50, new=9), Clear(track=9), Undo(edit=1)], "there is no track 9"),
    ],
)
def test_an_edit_that_cannot_be_placed_is_an_error(acts: Sequence[Act], words: str) -> None:
    with pytest.raises(EditError, match=words):
        after(apart(), *acts)


def test_only_the_frames_of_what_is_clear_are_read() -> None:
    made = apart()
    after(made, DrawBox(box=(0, 0, 9, 9), new=9), Group(tracks=(1,), person=1))
    assert made.read <= 2
    after(made, Clear(track=3))
    assert made.read <= 2 + 2 + 60 + 15  # half a second before it


_FRAME = st.integers(0, FRAMES - 1)
_TRACK = st.sampled_from([1, 2, 3, 11, 12, 13])
_ACTS = st.one_of(
    st.builds(Clear, track=_TRACK, confirm=st.booleans()),
    st.builds(Clear, track=_TRACK, first=_FRAME, last=_FRAME),
    st.builds(Clear, person=st.sampled_from([1, 2])),
    st.builds(CoverAgain, track=_TRACK),
    st.builds(Confirm, track=_TRACK, first=_FRAME, last=_FRAME),
    st.builds(Dismiss, track=_TRACK),
    st.builds(Believe, candidate=st.just(1), new=st.just(11)),
    st.builds(DrawBox, box=st.just((5, 5, 60, 60)), first=_FRAME, new=st.just(12)),
    st.builds(Group, tracks=st.tuples(_TRACK), person=st.sampled_from([1, 2])),
    st.builds(Split, track=_TRACK, frame=_FRAME, new=st.just(13)),
    st.builds(Relabel, track=_TRACK, label=st.just("poster")),
    st.builds(Undo, edit=st.integers(1, 8)),
)


def _placeable(made: Made, wanted: Sequence[Act]) -> list[Act]:
    """Return the acts that can be placed, each after those before it."""
    acts: list[Act] = []
    for act in wanted:
        try:
            after(made, *acts, act)
        except EditError:
            continue
        acts.append(act)
    return acts


@settings(max_examples=60, deadline=None)
@given(st.lists(_ACTS, max_size=9), st.sampled_from([apart, crossing]))
def test_covers_after_edits_are_those_before_but_for_what_is_clear(
    wanted: list[Act], make: Callable[[], Made]
) -> None:
    made = make()
    placed = after(made, *_placeable(made, wanted))
    exempt = {(e.track, n) for e in placed.exemptions() for n in range(e.first, e.last + 1)}
    for n in range(0, FRAMES, 7):
        record = made.record(n)
        kept = [cover.outline for cover in placed.apply(record)]
        cleared = placed.cleared(record)
        assert sorted(map(str, kept)) == sorted(
            map(str, set(kept) | {c.outline for c in record.covers} - {c.outline for c in cleared})
        )
        assert {(c.track_id, n) for c in cleared} == {pair for pair in exempt if pair[1] == n}


@settings(max_examples=40, deadline=None)
@given(st.lists(_ACTS, max_size=6))
def test_undoing_everything_gives_the_decision_back(wanted: list[Act]) -> None:
    made = apart()
    acts = _placeable(made, wanted)
    for edit in reversed(active(numbered(*acts))):
        acts.append(Undo(edit=edit.number))
        after(made, *acts)
    placed = after(made, *acts)
    assert placed.exemptions() == ()
    assert all(placed.apply(made.record(n)) == made.record(n).covers for n in range(FRAMES))
