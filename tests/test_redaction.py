"""The promise of redaction: nothing but a few averages leaves a mask, and nothing else changes."""

from __future__ import annotations

import io
import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from streamguard.errors import RedactionError
from streamguard.frames import Cover, Frame, RedactedFrame, Verdict
from streamguard.geometry import Box
from streamguard.media.planes import PlaneLayout, layout_of, native_layout, nearest_native
from streamguard.protocols import Redactor
from streamguard.redaction import MaskRedactor, blank_slate
from streamguard.redaction.copying import PictureCopier
from streamguard.redaction.covers import cover_of
from streamguard.redaction.effects import averages, blend, weights_of
from streamguard.redaction.masks import (
    MAX_CELLS,
    MIN_CELL,
    Region,
    cells,
    region_of,
)
from streamguard.redaction.overlap import uncovered
from streamguard.redaction.painter import WeightCache
from streamguard.settings import Effect, RedactionSettings, Shape

NATIVE = """yuv420p yuv422p yuv444p yuv411p yuv410p yuv440p yuvj420p yuvj422p yuvj444p nv12 nv21
nv16 nv24 p010le p016le p210le yuv420p10le yuv422p10le yuv444p10le yuv420p12le yuv444p16le gray
gray10le gray16le ya8 ya16le yuva420p yuva422p yuva422p10le yuva444p10le yuva444p16le gbrp gbrp10le
gbrap gbrap12le gbrap16le rgb24 bgr24 rgba bgra argb abgr rgb0 bgr0 rgb48le rgba64le""".split()
CONVERTED = {
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "uyyvyy411": "yuv411p",
    "pal8": "rgba",
    "rgb565le": "rgb24",
    "monow": "gray",
    "yuv420p10be": "yuv420p10le",
    "gray16be": "gray16le",
    "p010be": "p010le",
    "rgb48be": "rgb48le",
    "gbrp10be": "gbrp10le",
    "y210le": "yuv422p10le",
    "gbrpf32le": "rgb48le",
    "gbrapf32le": "rgba64le",
    "ya16be": "ya16le",
    "ayuv64le": "yuva444p16le",
    "vuya": "yuva444p",
}
EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
WIDTH, HEIGHT = 101, 57
FACE = Box(30, 10, 60, 45)
LOOKS = [(effect, shape) for effect in Effect for shape in Shape]


def noise(pix_fmt: str, width: int = WIDTH, height: int = HEIGHT, seed: int = 0) -> av.VideoFrame:
    picture = av.VideoFrame(width, height, pix_fmt)
    layout = native_layout(pix_fmt)
    rng = np.random.default_rng(seed)
    for view in layout.views(picture):
        view[...] = rng.integers(0, 1 << layout.bits, view.shape) << layout.shift
    picture.pts, picture.time_base = 7, Fraction(1, 90000)
    return picture


def samples(picture: av.VideoFrame) -> list[np.ndarray]:
    return [view.copy() for view in native_layout(picture.format.name).views(picture)]


def covers_of(*boxes: Box) -> tuple[Cover, ...]:
    return tuple(Cover(box, number) for number, box in enumerate(boxes, 1))


def redact(picture: av.VideoFrame, *boxes: Box, **look: object) -> RedactedFrame:
    redactor = MaskRedactor(RedactionSettings(**look))  # type: ignore[arg-type]
    return redactor.redact(Verdict(Frame(picture, 3, 0.0), covers_of(*boxes)))


def regions(
    boxes: tuple[Box, ...], pix_fmt: str, width: int, height: int, **look: object
) -> list[Region]:
    how = RedactionSettings(**look)  # type: ignore[arg-type]
    align = native_layout(pix_fmt).alignment
    found = [region_of(box, width, height, how, align) for box in set(boxes)]
    return [region for region in found if region is not None]


def placed(region: Region) -> np.ndarray:
    """The cover of a region, put in its place in the picture."""
    cover = np.zeros((HEIGHT, WIDTH), np.uint8)
    x1, y1, x2, y2 = region.rect
    cover[y1:y2, x1:x2] = cover_of(region)
    return cover


def cover_map(boxes: tuple[Box, ...], width: int, height: int, **look: object) -> np.ndarray:
    """The most that any region covers each pixel, at the picture's own size."""
    result = np.zeros((height, width), np.uint8)
    for region in regions(boxes, "yuv420p", width, height, **look):
        x1, y1, x2, y2 = region.rect
        np.maximum(result[y1:y2, x1:x2], cover_of(region), out=result[y1:y2, x1:x2])
    return result


def block_max(cover: np.ndarray, plane: PlaneLayout) -> np.ndarray:
    """What a chroma plane must cover at least, computed the slow way."""
    height, width = cover.shape
    return np.array(
        [
            [
                cover[y : y + plane.sub_y, x : x + plane.sub_x].max()
                for x in range(0, width, plane.sub_x)
            ]
            for y in range(0, height, plane.sub_y)
        ]
    )


def test_it_is_a_redactor() -> None:
    assert isinstance(MaskRedactor(RedactionSettings()), Redactor)


@pytest.mark.parametrize("pix_fmt", NATIVE)
@pytest.mark.parametrize(("effect", "shape"), LOOKS)
def test_every_format_is_covered_inside_and_untouched_outside(
    pix_fmt: str, effect: Effect, shape: Shape
) -> None:
    picture = noise(pix_fmt)
    before = samples(picture)
    result = redact(picture, FACE, effect=effect, shape=shape)
    assert result.picture.format.name == pix_fmt
    assert (result.picture.pts, result.picture.time_base) == (7, Fraction(1, 90000))
    for old, again in zip(before, samples(picture), strict=True):
        assert np.array_equal(old, again)
    layout = native_layout(pix_fmt)
    (region,) = regions((FACE,), pix_fmt, WIDTH, HEIGHT, effect=effect, shape=shape)
    cover = placed(region)
    for plane, old, new in zip(layout.planes, before, samples(result.picture), strict=True):
        share = block_max(cover, plane)
        channels = [(0, plane.roles)] if old.ndim == 2 else list(enumerate(plane.roles))
        for channel, role in channels:
            was, now = (old, new) if old.ndim == 2 else (old[..., channel], new[..., channel])
            assert np.array_equal(was[share == 0], now[share == 0])
            hidden, raw = now[share == 255], was[share == 255]
            assert (hidden == raw).mean() < 0.1
            # A sample of yuv410p is as wide as half a cell, so averages still vary.
            assert hidden.astype(float).std() < 0.75 * raw.astype(float).std()
            if role == "a" and effect is Effect.SOLID:
                assert (hidden == (1 << layout.bits) - 1).all()


@pytest.mark.parametrize(("pix_fmt", "expected"), CONVERTED.items())
def test_other_formats_leave_as_their_nearest_relative(pix_fmt: str, expected: str) -> None:
    assert nearest_native(pix_fmt) == expected
    picture = av.VideoFrame(64, 48, "rgb24")
    native_layout("rgb24").views(picture)[0][...] = 200
    if pix_fmt in ("pal8", "uyyvyy411"):  # FFmpeg reads these, but cannot make them
        picture = av.VideoFrame(64, 48, pix_fmt)
        for plane in picture.planes:
            plane.update(bytes(plane.buffer_size))
    else:
        picture = picture.reformat(format=pix_fmt)
    picture.pts, picture.time_base = 9, Fraction(1, 25)
    for boxes in ((), (Box(10, 10, 30, 30),)):
        result = redact(picture, *boxes)
        assert result.picture.format.name == expected
        assert (result.picture.pts, result.picture.time_base) == (9, Fraction(1, 25))


def test_no_boxes_no_copy() -> None:
    picture = noise("yuv420p")
    picture.pict_type = 3
    result = redact(picture)
    assert result.picture.planes[0].buffer_ptr == picture.planes[0].buffer_ptr
    assert result.picture.pict_type == 0
    assert result.boxes == ()
    assert result.index == 3


# What leaves depends on averages only.


def shuffled(
    picture: av.VideoFrame, found: list[Region], rng: np.random.Generator
) -> av.VideoFrame:
    """A picture with every cell's samples in another order, so of the same averages."""
    result = PictureCopier().copy(picture)
    layout = native_layout(picture.format.name)
    for region in found:
        for plane, view in zip(layout.planes, layout.views(result), strict=True):
            part = view[plane.cut(region.rect)]
            height, width = part.shape[:2]
            rows, columns = min(region.rows, height), min(region.columns, width)
            down = [(i * height + rows // 2) // rows for i in range(rows + 1)]
            across = [(i * width + columns // 2) // columns for i in range(columns + 1)]
            for y1, y2 in pairwise(down):
                for x1, x2 in pairwise(across):
                    cell = part[y1:y2, x1:x2]
                    flat = cell.reshape(-1, *cell.shape[2:])
                    part[y1:y2, x1:x2] = rng.permutation(flat).reshape(cell.shape)
    return result


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["yuv420p", "yuv422p10le", "nv12", "p010le", "gray", "rgb24", "yuv411p"]),
    st.sampled_from(LOOKS),
    st.builds(
        lambda x, y, width, height: Box(x, y, x + width, y + height),
        *(st.floats(-40, 110), st.floats(-40, 70), st.floats(0, 90), st.floats(0, 90)),
    ),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_nothing_but_averages_leaves_a_mask(
    pix_fmt: str,
    look: tuple[Effect, Shape],
    box: Box,
    padding: float,
    seed: int,
) -> None:
    how = {"effect": look[0], "shape": look[1], "padding": padding}
    first = noise(pix_fmt, seed=seed)
    found = regions((box,), pix_fmt, WIDTH, HEIGHT, **how)
    second = shuffled(first, found, np.random.default_rng(seed))
    layout = native_layout(pix_fmt)
    one, two = (samples(redact(picture, box, **how).picture) for picture in (first, second))
    for region in found:
        assert region.columns <= MAX_CELLS
        assert region.rows <= MAX_CELLS
        cover = placed(region)
        for plane, a, b in zip(layout.planes, one, two, strict=True):
            hidden = block_max(cover, plane) == 255
            assert np.array_equal(a[hidden], b[hidden])


def test_a_box_within_a_face_shows_no_finer_grain() -> None:
    picture = noise("yuv444p", 200, 200)
    face, eye = Box(40, 40, 160, 160), Box(80, 80, 100, 95)
    alone = samples(redact(picture, face).picture)
    both = samples(redact(picture, eye, face).picture)
    for a, b in zip(alone, both, strict=True):
        assert np.array_equal(a, b)


boxes_near = st.lists(
    st.builds(
        lambda x, y, width, height: Box(x, y, x + width, y + height),
        *(st.floats(-30, 120), st.floats(-30, 80), st.floats(0, 120), st.floats(0, 120)),
    ),
    min_size=2,
    max_size=6,
)


@settings(deadline=None, max_examples=60)
@given(boxes_near, st.sampled_from(LOOKS), st.sampled_from(["yuv420p", "yuv411p", "rgb24"]))
def test_leaving_out_hidden_regions_changes_no_pixel(
    boxes: list[Box], look: tuple[Effect, Shape], pix_fmt: str
) -> None:
    how = {"effect": look[0], "shape": look[1]}
    every = sorted(regions(tuple(boxes), pix_fmt, WIDTH, HEIGHT, **how), key=lambda r: r.order)
    few = uncovered(every)
    assert bool(few) == bool(every)
    if not every:  # all boxes lie outside the picture
        return
    cores = [np.max([placed(r) == 255 for r in some], axis=0) for some in (every, few)]
    assert np.array_equal(cores[0], cores[1])
    picture = noise(pix_fmt)
    result = samples(redact(picture, *boxes, **how).picture)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamguard.redaction.painter.uncovered", list)
        slow = samples(redact(picture, *boxes, **how).picture)
    for a, b in zip(result, slow, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("shape", Shape)
def test_a_box_deep_in_another_is_left_out(shape: Shape) -> None:
    boxes = Box(30, 30, 330, 330), Box(150, 150, 190, 190)
    found = regions(boxes, "yuv420p", 400, 400, shape=shape)
    left = uncovered(sorted(found, key=lambda r: r.order))
    assert left == [max(found, key=lambda r: r.order)]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(-40, 110), st.floats(-40, 70)), min_size=2, max_size=8))
def test_covers_remembered_are_covers_made(corners: list[tuple[float, float]]) -> None:
    redactor = MaskRedactor(RedactionSettings())
    picture = noise("yuv420p")
    for x, y in corners:
        box = Box(x, y, x + 40, y + 50)
        again = redactor.redact(Verdict(Frame(picture, 3, 0.0), covers_of(box)))
        for a, b in zip(samples(again.picture), samples(redact(picture, box).picture), strict=True):
            assert np.array_equal(a, b)


def test_covers_are_remembered_within_bounds() -> None:
    layout, cache = native_layout("yuv420p"), WeightCache(800_000)
    for size in range(20, 200, 4):
        (region,) = regions((Box(300, 300, 300 + size, 300 + size),), "yuv420p", 900, 900)
        cache.of(region, layout)
        assert 0 < cache.nbytes <= 800_000
    (same,) = regions((Box(340, 280, 340 + size, 280 + size),), "yuv420p", 900, 900)
    weights = cache.of(same, layout)
    assert weights is cache.of(region, layout)
    assert cache.of(region, native_layout("nv12")).keys() != weights.keys()
    (huge,) = regions((Box(0, 0, 900, 900),), "yuv420p", 900, 900)
    assert cache.of(huge, layout)
    assert cache.nbytes == 0


def test_faces_of_one_size_share_one_cover() -> None:
    boxes = [Box(100 + x, 200 + y, 180.3 + x, 300.2 + y) for x in range(5) for y in range(5)]
    found = [regions((box,), "yuv420p", 900, 900)[0] for box in boxes]
    assert len({region.form for region in found}) == 1


def test_overlapping_regions_leave_no_raw_pixel_between_them() -> None:
    boxes = tuple(Box(20 + 9 * i, 20 + 3 * i, 60 + 9 * i, 70 + 3 * i) for i in range(6))
    cover = cover_map(boxes, 200, 150) == 255
    light, dark = noise("gray", 200, 150, 1), noise("gray", 200, 150, 2)
    (light_view,) = native_layout("gray").views(light)
    (dark_view,) = native_layout("gray").views(dark)
    light_view[...], dark_view[...] = 200, 200
    dark_view[70, 60:100:2], dark_view[70, 61:100:2] = 180, 220
    out = [samples(redact(picture, *boxes).picture)[0][cover] for picture in (light, dark)]
    assert np.abs(out[0].astype(int) - out[1]).max() <= 3


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, 1), (12, 1), (16, 2), (40, 5), (64, 8), (700, 8), (4000, 8)],
)
def test_small_faces_keep_fewer_averages(size: float, expected: int) -> None:
    assert cells(size, size) == expected
    assert size / cells(size, size) >= min(size, MIN_CELL)


def test_half_a_face_keeps_half_the_averages() -> None:
    assert cells(350, 700) == 4


# Where the mask lies.

coordinate = st.floats(-1e6, 1e6) | st.floats(-30, 130)


@settings(deadline=None, max_examples=150)
@given(
    coordinate,
    coordinate,
    coordinate,
    coordinate,
    st.sampled_from(Shape),
    st.floats(0, 2),
)
def test_the_box_itself_is_always_hidden(
    x1: float, y1: float, x2: float, y2: float, shape: Shape, padding: float
) -> None:
    box = Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    cover = cover_map((box,), WIDTH, HEIGHT, shape=shape, padding=padding)
    left, top, right, bottom = box.pixels(WIDTH, HEIGHT)
    assert (cover[top:bottom, left:right] == 255).all()


@settings(deadline=None, max_examples=60)
@given(st.floats(20, 400), st.floats(20, 400), st.floats(0, 1), st.floats(0, 1))
def test_the_ellipse_of_the_padded_box_is_hidden(
    width: float, height: float, dx: float, dy: float
) -> None:
    box = Box(300 + dx, 300 + dy, 300 + dx + width, 300 + dy + height)
    cover = cover_map((box,), 1000, 1000)
    padded = box.pad((math.sqrt(2) - 1) / 2)
    (x, y), a, b = padded.center, padded.width / 2, padded.height / 2
    rows, columns = np.mgrid[0:1000, 0:1000] + 0.5
    inside = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1
    assert (cover[inside] == 255).all()
    far = ((columns - x) / (a + 16)) ** 2 + ((rows - y) / (b + 16)) ** 2 > 1
    assert not cover[far].any()


@pytest.mark.parametrize("shape", Shape)
def test_edges_and_corners_of_the_picture_are_hidden(shape: Shape) -> None:
    picture = noise("yuv420p")
    result = redact(picture, Box(0, 0, WIDTH, HEIGHT), shape=shape, effect=Effect.SOLID)
    luma, u, v = samples(result.picture)
    assert (luma == 16).all()
    assert (u == 128).all()
    assert (v == 128).all()
    assert result.boxes == (Box(0, 0, WIDTH, HEIGHT),)


def test_the_feather_lies_outside_and_only_there() -> None:
    cover = cover_map((Box(100, 100, 200, 200),), 400, 400, shape=Shape.BOX)
    assert (cover[80:220, 80:220] == 255).all()
    ramp = cover[150, 210:240].astype(int)
    assert (np.diff(ramp) <= 0).all()
    assert 0 < ((ramp > 0) & (ramp < 255)).sum() <= 8
    solid = cover_map((Box(100, 100, 200, 200),), 400, 400, effect=Effect.SOLID)
    assert set(np.unique(solid)) == {0, 255}


@pytest.mark.parametrize(
    "box",
    [
        Box(50, 20, 51, 21),
        Box(50, 20, 50, 20),
        Box(60, 30, 50, 20),
        Box(-1e9, -1e9, 1e9, 1e9),
        Box(-20, -20, 1, 1),
        Box(100, 56, 101, 57),
        Box(100.9, 56.9, 300, 300),
    ],
)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv410p", "rgb24"])
def test_odd_boxes_are_covered(box: Box, pix_fmt: str) -> None:
    picture = noise(pix_fmt)
    result = redact(picture, box, effect=Effect.SOLID, color=(255, 255, 255))
    changed = samples(result.picture)[0] != samples(picture)[0]
    assert changed.any()
    assert len(result.boxes) == 1


@pytest.mark.parametrize("box", [Box(-90, -90, -50, -50), Box(500, 500, 600, 600)])
def test_a_box_far_outside_changes_nothing(box: Box) -> None:
    picture = noise("yuv420p")
    result = redact(picture, box)
    assert result.boxes == ()
    for a, b in zip(samples(picture), samples(result.picture), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_box_that_is_no_number_stops_the_frame(bad: float) -> None:
    with pytest.raises(RedactionError, match="not finite"):
        redact(noise("yuv420p"), Box(0, 0, 10, bad))


def test_hundreds_of_boxes() -> None:
    rng = np.random.default_rng(5)
    corners = rng.uniform(-20, 400, (400, 2))
    boxes = tuple(Box(x, y, x + 25, y + 25) for x, y in corners.tolist())
    picture = noise("yuv420p", 400, 300)
    hidden = cover_map(boxes, 400, 300, effect=Effect.SOLID) == 255
    luma = samples(redact(picture, *boxes, effect=Effect.SOLID).picture)[0]
    assert (luma[hidden] == 16).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 1), (3, 5), (17, 2)])
def test_tiny_pictures(width: int, height: int) -> None:
    for pix_fmt in ("yuv420p", "nv12", "rgb24"):
        result = redact(noise(pix_fmt, width, height), Box(0, 0, width, height))
        assert result.picture.width == width


# Colours.


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (220, 40, 90), (10, 200, 60)])
@pytest.mark.parametrize("space", [1, 5, 6, 9])
@pytest.mark.parametrize("span", [1, 2])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le", "nv12", "p010le", "gbrp", "bgra"])
def test_a_solid_cover_has_the_colour_asked_for(
    color: tuple[int, int, int], space: int, span: int, pix_fmt: str
) -> None:
    picture = noise(pix_fmt, 64, 64)
    if not picture.format.is_rgb:
        picture.colorspace, picture.color_range = space, span
    result = redact(picture, Box(0, 0, 64, 64), effect=Effect.SOLID, color=color)
    if not picture.format.is_rgb:
        assert (result.picture.colorspace, result.picture.color_range) == (space, span)
    shown = result.picture.reformat(format="rgb24", dst_color_range=2, interpolation=int(EXACT))
    middle = native_layout("rgb24").views(shown)[0][32, 32]
    assert np.abs(middle.astype(int) - color).max() <= 2


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "yuvj420p"])
def test_full_range_by_name_is_black_at_zero(pix_fmt: str) -> None:
    result = redact(noise(pix_fmt), FACE, effect=Effect.SOLID)
    assert samples(result.picture)[0][25, 45] == 0


def test_p010_keeps_its_low_bits_clear() -> None:
    for view in samples(redact(noise("p010le"), FACE).picture):
        assert not (view & 0x3F).any()


@pytest.mark.parametrize(("pix_fmt", "top"), [("gray", 255), ("gray16le", 65535)])
def test_blending_is_exact_at_both_ends(pix_fmt: str, top: int) -> None:
    layout = native_layout(pix_fmt)
    old = np.arange(top + 1, dtype=layout.dtype).reshape(-1, 64 if top == 255 else 256)
    for value, expected in ((0, old), (255, old[::-1])):
        view, cover = old.copy(), np.full(old.shape, value, np.uint8)
        blend(view, old[::-1].copy(), weights_of(cover, layout, layout.planes[0]))
        assert np.array_equal(view, expected)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 8),
    st.integers(1, 8),
    st.sampled_from([(np.uint8, 256), (np.uint16, 1024), (np.uint16, 65536)]),
)
def test_averages_are_the_means_of_all_samples(
    w: int, h: int, columns: int, rows: int, kind: tuple[type[np.generic], int]
) -> None:
    picture = np.random.default_rng(w * h).integers(0, kind[1], (h, w)).astype(kind[0])
    grid = averages(picture, columns, rows)
    assert grid.shape == (min(rows, h), min(columns, w))
    assert grid.dtype == kind[0]
    if w % grid.shape[1] == 0 and h % grid.shape[0] == 0:
        blocks = picture.reshape(grid.shape[0], h // grid.shape[0], grid.shape[1], -1)
        assert np.abs(blocks.mean((1, 3)) - grid).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1200, 1600), (1201, 1599)])
def test_averages_of_large_cells_do_not_depend_on_order(
    size: tuple[int, int], dtype: type[np.unsignedinteger[Any]]
) -> None:
    rng = np.random.default_rng(8)
    top = np.iinfo(dtype).max
    picture = rng.integers(top - 3, top + 1, (*size, 2)).astype(dtype)
    one = averages(picture, 1, 1)
    assert np.array_equal(one, averages(picture[::-1, ::-1], 1, 1))
    mixed = rng.permutation(picture.reshape(-1, 2)).reshape(picture.shape)
    assert np.array_equal(one, averages(mixed, 1, 1))


# Green boxes and slates.


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "nv12", "rgba", "yuv420p10le"])
def test_the_green_box_is_drawn_round_the_raw_box(pix_fmt: str) -> None:
    picture = noise(pix_fmt, 200, 200)
    result = redact(picture, Box(60, 60, 140, 150), show_boxes=True)
    shown = native_layout("rgb24").views(result.picture.reformat(format="rgb24"))[0].astype(int)
    for y, x in ((60, 100), (149, 100), (100, 60), (100, 139)):
        assert shown[y, x, 1] - shown[y, x, [0, 2]].max() > 150
    assert shown[100, 100, 1] - shown[100, 100, [0, 2]].max() < 100


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuva420p", "nv12", "rgba", "gray", "p010le"])
@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("turns", [0, 1])
def test_a_slate_hides_the_whole_picture(pix_fmt: str, effect: Effect, turns: int) -> None:
    picture = noise(pix_fmt, 320, 240)
    redactor = MaskRedactor(RedactionSettings(effect=effect))
    verdict = Verdict(Frame(picture, 1, 0.0, turns), covers_of(FACE), slate="no signal")
    result = redactor.redact(verdict)
    assert result.slate == "no signal"
    assert result.boxes == (Box(0, 0, 320, 240),)
    layout = native_layout(pix_fmt)
    assert nothing_but_averages(picture, result.picture)
    for plane, view in zip(layout.planes, samples(result.picture), strict=True):
        if "a" in plane.roles:
            alpha = view if view.ndim == 2 else view[..., plane.roles.index("a")]
            assert (alpha == 255).all()


def nothing_but_averages(before: av.VideoFrame, after: av.VideoFrame) -> bool:
    raw, left = samples(before)[0], samples(after)[0]
    return bool((raw == left).mean() < (0.3 if raw.ndim == 3 else 0.05))


def test_a_slate_says_why() -> None:
    redactor = MaskRedactor(RedactionSettings(effect=Effect.SOLID))
    picture = noise("yuv420p", 320, 240)
    with_text = redactor.redact(Verdict(Frame(picture, 0, 0.0), slate="covered"))
    luma = samples(with_text.picture)[0]
    assert luma.max() == 235
    assert 100 < (luma > 200).sum() < luma.size / 10


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuyv422", "nv12", "rgba", "yuv420p10le"])
def test_a_blank_slate_needs_no_frame(pix_fmt: str) -> None:
    result = blank_slate(
        321, 241, pix_fmt, text="no signal", pts=5, time_base=Fraction(1, 30), index=4
    )
    picture = result.picture
    assert (picture.width, picture.height, picture.pts, picture.time_base) == (
        *(321, 241, 5),
        Fraction(1, 30),
    )
    assert (result.index, result.slate) == (4, "no signal")
    shown = native_layout("rgb24").views(picture.reformat(format="rgb24"))[0]
    assert np.abs(shown[5, 5].astype(int) - 128).max() <= 2
    assert shown.max() > 240


def test_a_blank_slate_of_no_size_is_an_error() -> None:
    with pytest.raises(RedactionError):
        blank_slate(64, 64, "no_such_format")


# The decoder's own pictures.


def clip() -> io.BytesIO:
    """Half a second of a moving face with B-frames, so that pictures refer to one another."""
    memory, face = io.BytesIO(), data.astronaut()
    with av.open(memory, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2", "refs": "4"})
        stream.width, stream.height, stream.pix_fmt = 256, 192, "yuv420p"
        for shift in range(0, 48, 4):
            part = np.ascontiguousarray(face[10:202, 60 + shift : 316 + shift])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        container.mux(stream.encode(None))
    return memory


def test_the_decoder_never_sees_a_covered_picture() -> None:
    memory = clip()
    box = Box(90, 40, 180, 140)
    outside = cover_map((box,), 256, 192) == 0
    redactor = MaskRedactor(RedactionSettings())
    memory.seek(0)
    with av.open(memory, "r") as container:
        plain = [samples(picture) for picture in container.decode(video=0)]
    memory.seek(0)
    with av.open(memory, "r") as container:
        for index, picture in enumerate(container.decode(video=0)):
            result = redactor.redact(Verdict(Frame(picture, index, 0.0), covers_of(box)))
            assert result.picture.pict_type == 0
            assert (result.picture.pts, result.picture.time_base) == (
                picture.pts,
                picture.time_base,
            )
            for raw, seen in zip(plain[index], samples(picture), strict=True):
                assert np.array_equal(raw, seen)
            left = samples(result.picture)[0]
            assert np.array_equal(left[outside], plain[index][0][outside])
            assert not np.array_equal(left, plain[index][0])
    assert index == len(plain) - 1 == 11


@pytest.mark.parametrize("pix_fmt", NATIVE)
def test_the_copy_carries_every_tag(pix_fmt: str) -> None:
    for space, span in ((2, 0), (1, 1), (9, 2), (5, 0)):
        picture = noise(pix_fmt)
        picture.colorspace, picture.color_range = space, span
        picture.color_primaries, picture.color_trc = 9, 16
        copy = PictureCopier().copy(picture)
        assert (copy.colorspace, copy.color_range) == (space, span)
        assert (copy.color_primaries, copy.color_trc) == (9, 16)
        assert copy.planes[0].buffer_ptr != picture.planes[0].buffer_ptr
        for a, b in zip(samples(picture), samples(copy), strict=True):
            assert np.array_equal(a, b)


def test_the_copy_stays_interlaced() -> None:
    memory = io.BytesIO()
    with av.open(memory, "w", format="matroska") as container:
        options = {"flags": "+ildct+ilme", "x264-params": "tff=1"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(noise("yuv420p", 64, 64)))
        container.mux(stream.encode(None))
    memory.seek(0)
    with av.open(memory, "r") as container:
        picture = next(container.decode(video=0))
        assert picture.interlaced_frame
        assert redact(picture, FACE).picture.interlaced_frame


def test_the_copier_follows_a_change_of_size() -> None:
    copier = PictureCopier()
    for size in ((64, 48), (32, 16), (64, 48)):
        assert (copy := copier.copy(noise("yuv420p", *size))).width == size[0]
        assert copy.height == size[1]


def test_unknown_trouble_becomes_a_redaction_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("streamguard.redaction.painter.cover_of", fail)
    with pytest.raises(RedactionError, match="frame 3"):
        redact(noise("yuv420p"), FACE)


def test_hardware_and_float_formats_are_not_taken_for_plain_ones() -> None:
    assert layout_of("gbrpf32le") is None
    assert layout_of("yuv420p10be") is None
    assert layout_of("pal8") is None
    assert layout_of("vaapi") is None
