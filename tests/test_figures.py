"""Polygons and bit masks are hidden to the last pixel, and what lies elsewhere stays as it is."""

from __future__ import annotations

import math
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamguard.errors import RedactionError, UsageError
from streamguard.frames import Cover, Frame, RedactedFrame, Verdict
from streamguard.geometry import Box
from streamguard.media.planes import native_layout
from streamguard.outlines import BitMask, Outline, Polygon, to_pixels
from streamguard.redaction import MaskRedactor
from streamguard.redaction.covers import cover_of
from streamguard.redaction.masks import MAX_CELLS, Region, region_of
from streamguard.redaction.overlap import uncovered
from streamguard.settings import Effect, RedactionSettings

WIDTH, HEIGHT = 101, 57
GREEN, BLUE = (0, 255, 0), (0, 0, 255)
FORMATS = ["yuv420p", "yuv411p", "nv12", "rgb24", "yuva420p", "yuv420p10le", "gray"]
TOLERANCE = 8.0
"""Pixels beyond an outline from which nothing changes: the margin, and whole chroma samples."""


def noise(pix_fmt: str, width: int = WIDTH, height: int = HEIGHT, seed: int = 0) -> av.VideoFrame:
    picture = av.VideoFrame(width, height, pix_fmt)
    layout = native_layout(pix_fmt)
    rng = np.random.default_rng(seed)
    for view in layout.views(picture):
        # Never a value that black, the colour of the solid cover, has.
        view[...] = rng.integers(40, 100, view.shape) << (layout.bits - 8 + layout.shift)
    return picture


def samples(picture: av.VideoFrame) -> list[np.ndarray]:
    return [view.copy() for view in native_layout(picture.format.name).views(picture)]


def redact(picture: av.VideoFrame, *covers: Cover, **look: object) -> RedactedFrame:
    redactor = MaskRedactor(RedactionSettings(**look))  # type: ignore[arg-type]
    return redactor.redact(Verdict(Frame(picture, 3, 0.0), covers))


def changed(pix_fmt: str, outline: Outline, **look: object) -> list[NDArray[np.bool_]]:
    """Which samples of each plane a cover changes."""
    picture = noise(pix_fmt)
    result = redact(picture, Cover(outline, 1), **look).picture
    return [
        (a != b) if a.ndim == 2 else (a != b).any(axis=2)
        for a, b in zip(samples(picture), samples(result), strict=True)
    ]


def probes(width: int = WIDTH, height: int = HEIGHT) -> tuple[np.ndarray, np.ndarray]:
    """Nine points in each pixel, as ``(rows, columns, 9)`` of x and of y."""
    part = np.array([0.02, 0.5, 0.98])
    x = np.arange(width)[None, :, None] + np.tile(part, 3)
    y = np.arange(height)[:, None, None] + np.repeat(part, 3)
    return np.broadcast_arrays(x, y)[0], np.broadcast_arrays(x, y)[1]


def is_in_polygon(points: tuple[tuple[float, float], ...]) -> NDArray[np.bool_]:
    """Which pixels a polygon takes in by the even-odd rule, if only in part."""
    x, y = probes()
    inside = np.zeros(x.shape, bool)
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        if ay != by:
            crosses = (ay > y) != (by > y)
            inside ^= crosses & (x < ax + (y - ay) / (by - ay) * (bx - ax))
    return np.asarray(inside.any(axis=2))


def distance_to(points: tuple[tuple[float, float], ...]) -> np.ndarray:
    """How far the middle of each pixel is from the nearest edge."""
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    least = np.full((HEIGHT, WIDTH), np.inf)
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        t = ((x - ax) * dx + (y - ay) * dy) / length if length else np.zeros_like(x)
        t = np.clip(t, 0, 1)
        least = np.minimum(least, np.hypot(x - ax - t * dx, y - ay - t * dy))
    return least


def is_in_mask(mask: BitMask) -> NDArray[np.bool_]:
    """Which pixels the set cells of a mask take in, if only in part, computed the slow way."""
    inside = np.zeros((HEIGHT, WIDTH), bool)
    bits = np.unpackbits(np.frombuffer(mask.bits, np.uint8))
    wide, high = mask.box.width / mask.columns, mask.box.height / mask.rows
    for row in range(mask.rows):
        for column in range(mask.columns):
            if bits[row * mask.columns + column]:
                x, y = mask.box.x1 + column * wide, mask.box.y1 + row * high
                x1, y1, x2, y2 = Box(x, y, x + wide, y + high).pixels(WIDTH, HEIGHT)
                inside[y1:y2, x1:x2] = True
    return inside


def mask_of(box: Box, columns: int, rows: int, seed: int, share: float = 0.3) -> BitMask:
    grid = np.random.default_rng(seed).random((rows, columns)) < share
    return BitMask(box, columns, rows, np.packbits(grid).tobytes())


point = st.tuples(
    st.integers(-960, 2560).map(lambda n: n / 16), st.integers(-960, 1920).map(lambda n: n / 16)
)
polygons = st.lists(point, min_size=3, max_size=9).map(lambda p: Polygon(tuple(p)))
masks = st.builds(
    lambda x, y, w, h, columns, rows, seed: mask_of(Box(x, y, x + w, y + h), columns, rows, seed),
    *(st.floats(-40, 100), st.floats(-40, 60), st.floats(0.5, 150), st.floats(0.5, 150)),
    *(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99)),
)


@settings(deadline=None, max_examples=120)
@given(polygons, st.sampled_from(FORMATS))
def test_every_pixel_of_a_polygon_is_hidden(polygon: Polygon, pix_fmt: str) -> None:
    inside, near = is_in_polygon(polygon.points), distance_to(polygon.points)
    for moved in changed(pix_fmt, to_pixels(polygon), effect=Effect.SOLID):
        if moved.shape == inside.shape:  # luma and alpha, or the packed colours
            assert moved[inside].all()
            assert not moved[~inside & (near > TOLERANCE)].any()


def test_a_polygon_hides_chroma_too() -> None:
    corners = ((10.0, 5.0), (80.0, 20.0), (60.0, 50.0), (20.0, 40.0))
    luma, u, v = changed("yuv420p", Polygon(corners), effect=Effect.SOLID)
    inside = is_in_polygon(corners)
    for y, x in np.argwhere(inside):
        assert luma[y, x]
        assert u[y // 2, x // 2]
        assert v[y // 2, x // 2]


@settings(deadline=None, max_examples=80)
@given(masks, st.sampled_from(FORMATS))
def test_every_pixel_of_a_bit_mask_is_hidden(mask: BitMask, pix_fmt: str) -> None:
    inside = is_in_mask(mask)
    reach = max(mask.box.width / mask.columns, mask.box.height / mask.rows) + TOLERANCE
    size = 2 * math.ceil(reach) + 1
    near = cv2.dilate(np.pad(inside, size).astype(np.uint8), np.ones((size, size), np.uint8))[
        size:-size, size:-size
    ]
    cut_off = mask.box.x1 < 0 or mask.box.y1 < 0 or mask.box.x2 > WIDTH or mask.box.y2 > HEIGHT
    for moved in changed(pix_fmt, to_pixels(mask), effect=Effect.SOLID):
        if moved.shape == inside.shape:
            assert moved[inside].all()
            if not cut_off:
                assert not moved[near == 0].any()


def test_the_first_cell_is_the_first_bit() -> None:
    mask = BitMask(Box(20, 10, 60, 50), 4, 4, bytes([0b10000000, 0]))
    hidden = np.argwhere(changed("gray", mask, effect=Effect.SOLID)[0])
    # The set cell lies at 20 to 30 by 10 to 20; one cell and one pixel go with it.
    assert hidden.min(axis=0).tolist() == [0, 9]
    assert hidden.max(axis=0).tolist() == [30, 40]


def test_even_and_odd_count_where_a_polygon_crosses_itself() -> None:
    star = Polygon(((50, -60), (120, 110), (-40, 0), (140, 0), (-20, 110)))
    hidden = changed("gray", star, effect=Effect.SOLID)[0]
    deep, inside = distance_to(star.points) > TOLERANCE, is_in_polygon(star.points)
    assert hidden[deep & inside].all()
    assert not hidden[30, 50]
    assert (deep & inside).any()
    assert not hidden[deep & ~inside].any()


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_what_stays_are_a_few_averages(pix_fmt: str, effect: Effect) -> None:
    """Two pictures whose cells have the same averages give the same covers."""
    triangle = Polygon(((2, 3), (96, 10), (40, 55)))
    size = (WIDTH, HEIGHT)
    look = RedactionSettings(effect=effect)
    region = region_of(triangle, *size, look, native_layout(pix_fmt).alignment)
    assert region is not None
    assert max(region.columns, region.rows) <= MAX_CELLS
    first, second = noise(pix_fmt), noise(pix_fmt)
    layout = native_layout(pix_fmt)
    for view, plane in zip(layout.views(second), layout.planes, strict=True):
        part = view[plane.cut(region.rect)]
        rows, columns = min(region.rows, part.shape[0]), min(region.columns, part.shape[1])
        down = [(i * part.shape[0] + rows // 2) // rows for i in range(rows + 1)]
        across = [(i * part.shape[1] + columns // 2) // columns for i in range(columns + 1)]
        for y1, y2 in pairwise(down):
            for x1, x2 in pairwise(across):
                part[y1:y2, x1:x2] = part[y1:y2, x1:x2][::-1, ::-1].copy()
    cover = np.zeros((HEIGHT, WIDTH), np.uint8)
    x1, y1, x2, y2 = region.rect
    cover[y1:y2, x1:x2] = cover_of(region)
    one, two = (
        samples(redact(picture, Cover(triangle, 1), effect=effect).picture)
        for picture in (first, second)
    )
    for plane, a, b in zip(layout.planes, one, two, strict=True):
        hidden = cover[:: plane.sub_y, :: plane.sub_x] == 255
        assert hidden.any()
        assert np.array_equal(a[hidden], b[hidden])


def test_the_soft_edge_of_a_polygon_lies_outside() -> None:
    corners = ((20.0, 10.0), (80.0, 12.0), (70.0, 45.0), (25.0, 40.0))
    region = region_of(Polygon(corners), WIDTH, HEIGHT, RedactionSettings(), (2, 2))
    assert region is not None
    cover = np.zeros((HEIGHT, WIDTH), np.uint8)
    x1, y1, x2, y2 = region.rect
    cover[y1:y2, x1:x2] = cover_of(region)
    assert (cover[is_in_polygon(corners)] == 255).all()
    assert len(np.unique(cover)) > 2
    assert not cover[(distance_to(corners) > 14) & ~is_in_polygon(corners)].any()


def found(*outlines: Outline, **look: object) -> list[Region]:
    how = RedactionSettings(**look)  # type: ignore[arg-type]
    all_found = [region_of(outline, 400, 400, how, (2, 2)) for outline in outlines]
    return sorted((r for r in all_found if r is not None), key=lambda r: r.order)


def test_the_largest_lies_on_top_whatever_its_outline() -> None:
    big = Polygon(((20.0, 20.0), (380.0, 30.0), (370.0, 380.0), (30.0, 370.0)))
    small, mask = Box(150, 150, 190, 190), mask_of(Box(160, 160, 220, 220), 6, 6, 1)
    regions = found(big, small, mask)
    assert regions[-1].figure == big
    picture = noise("yuv444p", 400, 400)
    alone = samples(redact(picture, Cover(big, 1)).picture)
    outlines: tuple[Outline, ...] = (small, big, mask)
    covers = [Cover(outline, number) for number, outline in enumerate(outlines)]
    for a, b in zip(alone, samples(redact(picture, *covers).picture), strict=True):
        assert np.array_equal(a, b)


def test_a_figure_hidden_by_a_larger_box_is_left_out_and_a_figure_hides_nothing() -> None:
    inner = Polygon(((190.0, 190.0), (210.0, 195.0), (200.0, 210.0)))
    assert len(uncovered(found(inner, Box(50, 50, 350, 350)))) == 1
    hollow = Polygon(((0.0, 0.0), (400.0, 0.0), (0.0, 400.0)))
    assert len(uncovered(found(hollow, Box(350, 350, 360, 360)))) == 2


@pytest.mark.parametrize(
    "outline",
    [
        Polygon(((500.0, 500.0), (600.0, 500.0), (500.0, 600.0))),
        mask_of(Box(-300, -300, -200, -200), 4, 4, 0, 2),
        mask_of(Box(10, 10, 50, 50), 4, 4, 0, 0),
    ],
)
def test_what_lies_outside_or_is_empty_changes_nothing(outline: Outline) -> None:
    assert not any(plane.any() for plane in changed("yuv420p", outline))


def test_corners_far_away_do_not_bend_the_edges() -> None:
    slanted = Polygon(((-1e9, -5e8), (1e9, 5e8), (1e9, 1e12), (-1e9, 1e12)))
    hidden = changed("gray", slanted, effect=Effect.SOLID)[0]
    assert hidden[is_in_polygon(slanted.points)].all()
    assert not hidden[2, 60:].any()  # the edge runs along y = x / 2


@pytest.mark.parametrize(
    "outline",
    [
        Polygon(((0.0, 0.0), (math.nan, 5.0), (5.0, 5.0))),
        Polygon(((0.0, 0.0), (math.inf, 5.0), (5.0, 5.0))),
        Polygon(((0.0, 0.0), (5.0, 5.0))),
        BitMask(Box(0, 0, math.nan, 5), 1, 1, b"\x80"),
        BitMask(Box(0, 0, 5, 5), 4, 4, b"\xff"),
        BitMask(Box(0, 0, 5, 5), 0, 4, b""),
        BitMask(Box(5, 5, 0, 0), 1, 1, b"\x80"),
    ],
)
def test_an_outline_without_sense_stops_the_frame(outline: Outline) -> None:
    with pytest.raises(RedactionError):
        redact(noise("yuv420p"), Cover(outline, 1))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 1), (3, 5), (17, 2)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "nv12", "rgb24"])
def test_tiny_pictures(width: int, height: int, pix_fmt: str) -> None:
    for outline in (Polygon(((0, 0), (9, 0), (0, 9))), mask_of(Box(0, 0, 9, 9), 3, 3, 0, 2)):
        picture = noise(pix_fmt, width, height)
        result = redact(picture, Cover(outline, 1), effect=Effect.SOLID)
        assert (samples(result.picture)[0] != samples(picture)[0]).any()


# Effects of labels and of covers.


def at(picture: av.VideoFrame, x: int, y: int) -> tuple[int, ...]:
    return tuple(int(value) for value in samples(picture)[0][y, x])


def test_each_label_and_each_cover_can_have_an_effect_of_its_own() -> None:
    places = [Box(5, 5, 15, 15), Box(45, 5, 55, 15), Box(80, 40, 90, 50)]
    covers = [
        Cover(places[0], 1, "face"),
        Cover(places[1], 2, "code"),
        Cover(places[2], 3, "face", Effect.SOLID),
    ]
    look = {"effects": (("code", Effect.SOLID),), "color": GREEN}
    result = redact(noise("rgb24"), *covers, **look).picture
    assert at(result, 50, 10) == at(result, 85, 45) == GREEN
    assert at(result, 10, 10) != GREEN


def test_where_effects_overlap_the_larger_one_shows() -> None:
    covers = [Cover(Box(40, 20, 50, 30), 1, "code"), Cover(Box(10, 0, 90, 57), 2, "face")]
    look = {"effects": (("code", Effect.SOLID),), "color": BLUE}
    assert at(redact(noise("rgb24"), *covers, **look).picture, 45, 25) != BLUE
    look = {"effects": (("face", Effect.SOLID),), "color": BLUE}
    assert at(redact(noise("rgb24"), *covers, **look).picture, 45, 25) == BLUE


def test_a_label_has_one_effect() -> None:
    with pytest.raises(UsageError, match="code"):
        RedactionSettings(effects=(("code", Effect.SOLID), ("code", Effect.BLUR)))
    look = RedactionSettings(effects=(("code", Effect.SOLID),))
    assert {look: 1}[look] == 1
