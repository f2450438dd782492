"""Somebody is left clear beside others: what hides the others stays, and all of the others does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import av
import numpy as np
import pytest
from edit_kit import FRAMES, HEIGHT, WIDTH, Made, Way, numbered, standing, walking
from numpy.typing import NDArray

from streamguard.edits.acts import Act, Believe, Clear, Confirm, Group
from streamguard.edits.placing import Placed, place
from streamguard.frames import Cover, Frame, Verdict
from streamguard.geometry import Box
from streamguard.outlines import BitMask, Polygon
from streamguard.redaction import MaskRedactor
from streamguard.settings import Effect, RedactionSettings

OWN, BESIDE = Box(300, 100, 380, 180), Box(400, 100, 430, 130)


def two(first: Box = OWN, second: Box = BESIDE) -> Made:
    """Two faces side by side, so near that the cover of the first reaches into the second."""
    return Made({1: (0, 99, lambda _: first), 2: (0, 99, lambda _: second)})


def after(made: Made, *acts: Act) -> Placed:
    return place(made, numbered(*acts))


def bare(covers: Sequence[Cover], padding: float = 0.3) -> NDArray[np.bool_]:
    """Return which pixels of a picture are bare under covers, shape ``(HEIGHT, WIDTH)``."""
    pixels = np.full((HEIGHT, WIDTH), 200, np.uint8)
    picture = av.VideoFrame.from_ndarray(pixels, format="gray")
    redactor = MaskRedactor(RedactionSettings(padding=padding, effect=Effect.SOLID))
    redacted = redactor.redact(Verdict(Frame(picture, 0, 0.0), tuple(covers))).picture
    return np.asarray(redacted.to_ndarray(format="gray") == 200)


def share(pixels: NDArray[np.bool_], box: Box) -> float:
    x1, y1, x2, y2 = box.pixels(WIDTH, HEIGHT)
    return float(pixels[y1:y2, x1:x2].mean())


@pytest.mark.parametrize("padding", [0.05, 0.3, 0.45])
def test_a_neighbour_that_reaches_beyond_its_cover_is_no_barer(padding: float) -> None:
    made = two()
    made.header = replace(made.header, settings={"redaction": {"padding": padding}})
    placed = after(made, Clear(track=1, confirm=True))
    record = made.record(50)
    before, now = bare(record.covers, padding), bare(placed.painted(record), padding)
    # The true face beside is larger than its box.
    assert share(now & ~before, Box(387, 92, 443, 138)) < 0.01
    ys, xs = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    face = ((xs - 340) / 40) ** 2 + ((ys - 140) / 40) ** 2 <= 1
    assert now[face].mean() > 0.99
    # Away from the neighbour the whole cover is gone.
    assert now[:, :340].all()
    assert not before[130:150, 290:300].any()


def test_without_what_stays_the_neighbour_would_be_barer() -> None:
    made = two()
    placed = after(made, Clear(track=1, confirm=True))
    record = made.record(50)
    corner = Box(387, 122, 392, 132)
    assert share(bare(record.covers), corner) < 0.05
    assert share(bare(placed.apply(record)), corner) > 0.6
    assert share(bare(placed.painted(record)), corner) < 0.05


@pytest.mark.parametrize(
    "acts",
    [
        [Clear(track=1)],
        [Clear(track=1, confirm=True), Clear(track=2, confirm=True)],
        [Group(tracks=(1, 2), person=1), Clear(track=1)],
    ],
)
def test_nothing_stays_where_nobody_else_is_to_be_hidden(acts: Sequence[Act]) -> None:
    made = two()
    placed = after(made, *acts)
    for n in range(FRAMES):
        record = made.record(n)
        assert placed.stays(record) == ()
        assert placed.painted(record) == placed.apply(record)


def test_what_stays_is_painted_beside_whole_covers_as_part_of_its_track() -> None:
    made = two()
    placed = after(made, Clear(track=1, confirm=True))
    record = made.record(3)
    whole, part = placed.painted(record)
    assert whole == record.covers[1]
    assert isinstance(part.outline, BitMask)
    assert (part.track_id, part.label) == (1, "face")
    assert placed.apply(record) == (whole,)


def test_of_a_polygon_nothing_beyond_it_stays() -> None:
    cover = Cover(Polygon(((300, 100), (380, 100), (380, 180), (300, 180))), 1, "code")
    made = two()
    record = replace(made.record(0), covers=(cover, Cover(Box(375, 100, 405, 130), 2)))
    (part,) = after(made, Clear(track=1, confirm=True)).stays(record)
    assert part.box.x1 >= 300 - 4
    assert part.box.x2 <= 380 + 4


def test_who_was_covered_beside_a_moment_ago_may_still_be_there() -> None:
    made = Made({1: (0, 99, standing(300)), 2: (0, 49, standing(350))})
    placed = after(made, Clear(track=1, at=99))
    assert [(e.first, e.last) for e in placed.exemptions()] == [(65, 99)]
    (held,) = placed.withheld()
    assert (held.confirm, held.reasons) == ((0, 64), ("it touches track 2",))


@pytest.mark.parametrize(
    ("way", "first", "last"),
    [
        # Beside it all the time: while the candidate was seen, and half a second round that.
        (lambda _: Box(545, 300, 585, 340), 25, 65),
        (walking(300, 700, 310), 25, 63),
    ],
)
def test_somebody_seen_and_not_covered_parts_a_track(way: Way, first: int, last: int) -> None:
    made = Made({1: (0, 99, way)})
    placed = after(made, Clear(track=1, at=0))
    (held,) = placed.withheld()
    assert held.reasons == ("it touches candidate 1",)
    assert abs(held.confirm[0] - first) <= 12
    assert abs(held.confirm[1] - last) <= 2
    confirmed = after(made, Clear(track=1, at=0), Confirm(track=1, first=0, last=99))
    assert confirmed.withheld() == ()


def test_a_candidate_that_is_the_face_itself_or_was_believed_is_nobody_else() -> None:
    made = Made({1: (0, 99, lambda _: Box(490, 290, 570, 350))})
    assert after(made, Clear(track=1, at=0)).withheld() == ()
    beside = Made({1: (0, 99, lambda _: Box(545, 300, 585, 340))})
    placed = after(beside, Believe(candidate=1, new=7), Clear(track=1, at=0))
    assert {w.reasons for w in placed.withheld()} == {("it touches track 7",)}


def test_somebody_seen_and_not_covered_is_no_barer_once_confirmed() -> None:
    made = Made({1: (0, 99, lambda _: Box(545, 300, 605, 360))})
    placed = after(made, Clear(track=1, confirm=True))
    record = made.record(45)  # the candidate is at 510 to 550 then
    before, now = bare(record.covers), bare(placed.painted(record))
    assert share(now & ~before, Box(510, 300, 545, 340)) < 0.01
    assert share(now, Box(570, 310, 600, 350)) > 0.95
