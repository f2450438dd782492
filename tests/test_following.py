"""A drawn box follows what it was drawn round, both ways in time, and says when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
from conftest import FACE
from numpy.typing import NDArray

from streamguard.geometry import Box, Detection, containment, iou
from streamguard.tracking.flow import Gray
from streamguard.tracking.following import Follower
from streamguard.tracking.framing import CutSides, Framing
from streamguard.tracking.trail import Ending

HEIGHT, WIDTH, RATE = 270, 480, 25
SIDE = 150
"""Side of the drawn photograph in pixels; the face in it is then 29 by 38."""


def texture(seed: int) -> Gray:
    noise = np.random.default_rng(seed).normal(128, 90, (HEIGHT, WIDTH)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 4).clip(0, 255).astype(np.uint8)


class Scene:
    """The astronaut's photograph, drawn anywhere and at any size on a background of its own."""

    def __init__(self, photo: NDArray[np.uint8]) -> None:
        self._photo = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
        self._ground = texture(1)

    def picture(self, x: float, y: float, scale: float = 1.0) -> Gray:
        factor = scale * SIDE / self._photo.shape[0]
        small = cv2.resize(self._photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        to_picture = np.array([[1, 0, x], [0, 1, y]], np.float64)
        drawn = cv2.warpAffine(small, to_picture, (WIDTH, HEIGHT))
        inside = cv2.warpAffine(np.full_like(small, 255), to_picture, (WIDTH, HEIGHT))
        share = inside.astype(np.float32) / 255
        return np.asarray(drawn * share + self._ground * (1 - share), np.uint8)

    def face(self, x: float, y: float, scale: float = 1.0) -> Box:
        factor = scale * SIDE / self._photo.shape[0]
        return Box(*FACE).scale(factor, factor).shift(x, y)


@pytest.fixture(scope="module")
def scene(astronaut: NDArray[np.uint8]) -> Scene:
    return Scene(astronaut)


def follow(
    pictures: Sequence[Gray],
    box: Box,
    *,
    cuts: Sequence[int] = (),
    detect: Callable[[int], list[Detection]] = lambda _: [],
) -> Follower:
    follower = Follower(pictures[0], 0.0, box)
    follower.observe(detect(0))
    for n, picture in enumerate(pictures[1:], 1):
        follower.advance(picture, n / RATE, n in cuts)
        if follower.wants_look:
            follower.observe(detect(n))
    return follower


@pytest.mark.parametrize("way", [1, -1], ids=["forwards", "backwards"])
def test_a_box_follows_a_face_either_way(scene: Scene, way: int) -> None:
    places = [(40 + 4 * n, 60 + 8 * np.sin(n / 5)) for n in range(50)][::way]
    follower = follow([scene.picture(*p) for p in places], scene.face(*places[0]))
    assert follower.ending is None
    assert len(follower.steps) == 50
    for step, place in zip(follower.steps, places, strict=True):
        assert iou(step.box, scene.face(*place)) > 0.8
        assert step.is_sure


@pytest.mark.parametrize("grows", [True, False])
def test_a_box_grows_and_shrinks_with_a_face(scene: Scene, grows: bool) -> None:
    sizes = np.geomspace(0.7, 2.0, 60)[:: 1 if grows else -1]
    places = [(200 - 75 * size, 120 - 60 * size, size) for size in sizes]
    follower = follow([scene.picture(*p) for p in places], scene.face(*places[0]))
    assert all(
        iou(step.box, scene.face(*place)) > 0.7
        for step, place in zip(follower.steps, places, strict=True)
    )


def test_it_ends_where_the_face_leaves_the_picture(scene: Scene) -> None:
    places = [(300 + 5 * n, 60) for n in range(60)]
    follower = follow([scene.picture(*p) for p in places], scene.face(*places[0]))
    assert follower.ending is Ending.LEFT
    last = len(follower.steps) - 1
    faces = [scene.face(*place).clip(WIDTH, HEIGHT) for place in places]
    assert faces[last - 1].area > 0
    assert all(face.area < 40 for face in faces[last + 1 :])
    for step, face in zip(follower.steps, faces, strict=False):
        if face.area > 100:
            assert iou(step.box.clip(WIDTH, HEIGHT), face) > 0.6


def test_a_face_that_comes_in_over_the_edge_is_covered_whole(scene: Scene) -> None:
    places = [(-65 + 3 * n, 80) for n in range(25)]
    drawn = scene.face(*places[0]).clip(WIDTH, HEIGHT)
    assert drawn.width < 0.6 * scene.face(*places[0]).width
    follower = follow([scene.picture(*p) for p in places], drawn)
    assert iou(follower.steps[-1].box, scene.face(*places[-1])) > 0.7


def test_it_ends_at_a_cut(scene: Scene) -> None:
    pictures = [scene.picture(100, 60)] * 20 + [texture(n) for n in range(10, 40)]
    follower = follow(pictures, scene.face(100, 60), cuts=[20])
    assert follower.ending is Ending.CUT
    assert len(follower.steps) == 20


def test_a_flash_is_no_cut(scene: Scene) -> None:
    flash = np.full((HEIGHT, WIDTH), 250, np.uint8)
    pictures = [scene.picture(100 + n, 60) for n in range(40)]
    pictures[20:22] = [flash, flash]
    follower = follow(pictures, scene.face(100, 60), cuts=[20, 22])
    assert follower.ending is None
    assert iou(follower.steps[-1].box, scene.face(139, 60)) > 0.8


def occluded(scene: Scene, frames: Sequence[int], count: int = 70) -> list[Gray]:
    """A face that moves, behind a bar with a pattern in some frames."""
    pictures = [scene.picture(100 + 2 * n, 60) for n in range(count)]
    bar = texture(7)[:, :110]
    for n in frames:
        left = round(scene.face(100 + 2 * n, 60).center[0]) - 55
        pictures[n] = pictures[n].copy()
        pictures[n][:, left : left + 110] = bar
    return pictures


def test_a_face_is_found_again_after_an_occlusion(scene: Scene) -> None:
    hidden = range(20, 40)
    pictures = occluded(scene, hidden)
    follower = follow(pictures, scene.face(100, 60))
    assert follower.ending is None
    for n, step in enumerate(follower.steps):
        face = scene.face(100 + 2 * n, 60)
        assert iou(step.box, face) > 0.5 or containment(step.box, face) > 0.98, n
        assert step.is_sure == (n not in hidden)


def test_it_is_lost_when_nothing_shows_it_any_more(scene: Scene) -> None:
    pictures = occluded(scene, range(20, 120), 120)
    follower = follow(pictures, scene.face(100, 60))
    assert follower.ending is Ending.LOST
    assert 20 + RATE <= len(follower.steps) < 110
    sizes = [step.box.area for step in follower.steps[20:40]]
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.5 * sizes[0]


def test_a_detector_corrects_what_flow_lost_and_the_steps_before(scene: Scene) -> None:
    """The face jumps by its own size each frame, which flow and search cannot follow."""
    places = [(60, 60)] * 10 + [(60 + 40 * n, 60) for n in range(1, 4)] + [(180, 60)] * 20
    pictures = [scene.picture(*p) for p in places]
    follower = follow(
        pictures,
        scene.face(60, 60),
        detect=lambda n: [Detection(scene.face(*places[n]), 0.9)],
    )
    assert iou(follower.steps[-1].box, scene.face(180, 60)) > 0.8


def test_it_does_not_change_over_to_a_neighbour(scene: Scene) -> None:
    """The face is hidden for a second; the one beside it is seen all the time."""
    pictures = occluded(scene, range(15, 40), 60)
    faces = [scene.face(100 + 2 * n, 60) for n in range(60)]

    def detect(n: int) -> list[Detection]:
        beside = [Detection(faces[n].shift(1.3 * faces[n].width, 0), 0.9)]
        return beside + ([] if 15 <= n < 40 else [Detection(faces[n], 0.9)])

    follower = follow(pictures, faces[0], detect=detect)
    assert iou(follower.steps[-1].box, faces[-1]) > 0.8


def test_the_box_keeps_the_framing_it_was_drawn_with(scene: Scene) -> None:
    places = [(60 + 3 * n, 60) for n in range(30)]
    drawn = scene.face(*places[0]).pad(0.3)
    follower = follow(
        [scene.picture(*p) for p in places],
        drawn,
        detect=lambda n: [Detection(scene.face(*places[n]), 0.9)],
    )
    assert follower.steps[0].box == drawn
    assert iou(follower.steps[-1].box, scene.face(*places[-1]).pad(0.3)) > 0.85


def test_framing_is_undone_as_it_was_applied() -> None:
    detected, drawn = Box(10, 20, 40, 60), Box(4, 8, 50, 70)
    framing = Framing.between(detected, drawn)
    assert framing.apply(detected) == drawn
    undone = framing.undo(drawn)
    assert (undone.x1, undone.y1, undone.x2, undone.y2) == pytest.approx((10, 20, 40, 60))


def test_framing_never_leaves_out_much_of_a_detection() -> None:
    applied = Framing.between(Box(0, 0, 100, 100), Box(45, 45, 55, 55)).apply(Box(0, 0, 100, 100))
    assert applied == Box(25, 25, 75, 75)


def test_a_side_cut_by_the_edge_is_extended_as_far_as_a_head_goes() -> None:
    sides = CutSides.of(Box(0, 100, 20, 150), (HEIGHT, WIDTH))
    assert sides.left
    assert not sides.top
    assert sides.extend(Box(10, 100, 30, 150), (HEIGHT, WIDTH)) == Box(0, 100, 30, 150)
    extended = sides.extend(Box(100, 100, 120, 150), (HEIGHT, WIDTH))
    assert extended.x2 == 120
    assert extended.width == pytest.approx(0.85 * 50)
