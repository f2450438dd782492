"""People who pass one another: nobody's cover goes away with somebody else."""

from __future__ import annotations

import pytest
from test_presence import FACE, PLAN, Run, picture

from streamguard.detection.subjects.face import FACE as FACES
from streamguard.geometry import Box
from streamguard.tracking.flow import Moved
from streamguard.tracking.passing import Vector, released
from streamguard.tracking.tracks import Track


def track(number: int, box: Box, velocity: Vector, known: int = 20) -> Track:
    made = Track(track_id=number, kind=FACES.kind(PLAN), first=box, born=0.0)
    made.velocity, made.carried = velocity, known
    return made


@pytest.mark.parametrize(
    ("own", "away", "step", "known", "camera", "is_carried_away"),
    [
        ((0, 0), 15, (8, 0), 20, (0, 0), True),
        ((-5, 0), 15, (8, 0), 20, (0, 0), True),
        ((0, 0), 15, (13, 4), 20, (5, 4), True),
        # It follows its own way, or the camera's.
        ((0, 0), 15, (1, 0), 20, (0, 0), False),
        ((7, 0), 15, (8, 0), 20, (0, 0), False),
        ((0, 0), 15, (8, 0), 20, (8, 0), False),
        # Nobody is there who could take it along, or it goes where nobody goes.
        ((0, 0), 40, (8, 0), 20, (0, 0), False),
        ((0, 0), 15, (-8, 0), 20, (0, 0), False),
        # It is new, and nobody knows its way.
        ((0, 0), 15, (8, 0), 3, (0, 0), False),
    ],
)
def test_what_is_passed_does_not_go_along(
    own: Vector, away: int, step: Vector, known: int, camera: Vector, is_carried_away: bool
) -> None:
    stands, walks = track(1, FACE, own, known), track(2, FACE.shift(away, 2), (8, 0))
    steps = [
        Moved(stands.box.shift(*step), trusted=True),
        Moved(walks.box.shift(8 + camera[0], camera[1]), trusted=True),
    ]
    (_, first), (_, second) = released([stands, walks], steps, camera)
    assert first.trusted is not is_carried_away
    assert first.box == (FACE if is_carried_away else steps[0].box)
    assert second == steps[1]


def test_somebody_who_stands_stays_covered_while_another_passes() -> None:
    run = Run()
    for n in range(40):
        passes = FACE.shift(4 * (n - 18), 0)
        luma = picture()
        x1, y1, x2, y2 = passes.pixels(luma.shape[1], luma.shape[0])
        luma[y1:y2, x1:x2] = picture(FACE, turned=1.0)[40:76, 100 : 100 + x2 - x1]
        # Looks find who passes, and who stands only before.
        seen = ([FACE] if n <= 9 else []) + ([passes] if x2 - x1 == 30 else [])
        run.frame(luma, seen if n % 3 == 0 else None)
    (stands,) = [t for t in run.tracker.known if t.track_id == 1]
    assert abs(stands.box.center[0] - FACE.center[0]) < 5
