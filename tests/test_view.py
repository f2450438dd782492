"""What detectors and the tracker see is what FFmpeg's own scaler would have shown them."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from streamguard.detection.view import FrameView
from streamguard.frames import Frame
from streamguard.geometry import Box
from streamguard.media.planes import layout_of, native_layout, nearest_native

Rgb = NDArray[np.uint8]

COLOURED = """yuv420p yuv422p yuv444p yuv411p yuv410p yuv440p yuvj420p yuvj444p nv12 nv21 nv16 nv24
p010le p016le p210le yuv420p10le yuv422p10le yuv444p12le yuv444p16le yuva420p yuva444p10le gbrp
gbrp10le gbrap rgb24 bgr24 rgba bgra argb abgr rgb0 bgr0 rgb48le rgba64le""".split()
GREY = ["gray", "gray10le", "gray16le", "ya8", "ya16le"]
CONVERTED = ["yuyv422", "uyvy422", "rgb565le", "yuv420p10be", "gbrpf32le", "y210le"]
SCALER = int(Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT)


def picture_of(rgb: Rgb, pix_fmt: str, space: int = 5, span: int = 1) -> av.VideoFrame:
    """A picture in another format, of the given AVColorSpace and AVColorRange."""
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    tags = {"dst_colorspace": space, "dst_color_range": span}
    result = picture.reformat(format=pix_fmt, interpolation=SCALER, **tags)
    if not result.format.is_rgb:
        result.colorspace, result.color_range = space, span
    return result


def rgb_of(picture: av.VideoFrame, width: int, height: int) -> Rgb:
    """FFmpeg's own opinion."""
    shown = picture.reformat(width, height, format="rgb24", interpolation=SCALER, dst_color_range=2)
    return np.asarray(native_layout("rgb24").views(shown)[0], np.uint8).copy()


def view_of(picture: av.VideoFrame, turns: int = 0) -> FrameView:
    return FrameView(Frame(picture, 0, 0.0, turns))


def difference(a: Rgb, b: Rgb) -> tuple[float, float]:
    """Mean and 99.9th percentile of the absolute difference."""
    assert a.shape == b.shape
    apart = np.abs(a.astype(int) - b)
    return float(apart.mean()), float(np.percentile(apart, 99.9))


def whole(picture: av.VideoFrame) -> Box:
    return Box(0, 0, picture.width, picture.height)


@pytest.mark.parametrize("pix_fmt", [*COLOURED, *GREY, *CONVERTED])
def test_every_format_looks_as_ffmpeg_shows_it(pix_fmt: str, astronaut: Rgb) -> None:
    picture = picture_of(astronaut[:384], pix_fmt)
    seen = view_of(picture).rgb(whole(picture), 128, 96)
    assert seen.flags.c_contiguous
    assert seen.dtype == np.uint8
    mean, most = difference(seen, rgb_of(picture, 128, 96))
    # The steps of five bits are eight wide, and may be filled from below or from the middle.
    assert mean < (4 if pix_fmt == "rgb565le" else 1.5)
    # Where chroma is coarse, both interpolate it in their own way.
    assert most <= (40 if pix_fmt in ("yuv410p", "yuv411p") else 16)


@pytest.mark.parametrize("pix_fmt", [*COLOURED, *GREY])
def test_ordinary_formats_are_not_converted_whole(pix_fmt: str, astronaut: Rgb) -> None:
    assert layout_of(pix_fmt)
    assert nearest_native(pix_fmt) == pix_fmt
    picture = picture_of(astronaut, pix_fmt)
    view = view_of(picture)
    assert view._picture is picture


@pytest.mark.parametrize("space", [1, 5, 9])
@pytest.mark.parametrize("span", [1, 2])
@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv420p10le", "nv12"])
def test_matrix_and_range_are_those_of_the_tags(
    space: int, span: int, pix_fmt: str, astronaut: Rgb
) -> None:
    picture = picture_of(astronaut, pix_fmt, space, span)
    seen = view_of(picture).rgb(whole(picture), 128, 128)
    plain = rgb_of(picture_of(astronaut, "rgb24"), 128, 128)
    assert difference(seen, plain)[0] < 2


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "nv12", "p010le", "rgb24", "gbrp", "ya8"])
def test_a_region_is_the_same_part_of_the_picture(pix_fmt: str, astronaut: Rgb) -> None:
    picture = picture_of(astronaut, pix_fmt)
    region = Box(144, 32, 304, 224)
    seen = view_of(picture).rgb(region, 80, 96)
    part = picture_of(astronaut[32:224, 144:304], pix_fmt)
    assert difference(seen, rgb_of(part, 80, 96))[0] < 1.5


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "nv12", "yuv420p10le", "bgra", "gray"])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_picture_is_turned_upright(turns: int, pix_fmt: str, astronaut: Rgb) -> None:
    # A coded picture that lies on its side: turned clockwise, it stands upright.
    upright = astronaut[:384]
    picture = picture_of(np.rot90(upright, turns), pix_fmt)
    size = (128, 96) if turns % 2 == 0 else (96, 128)
    seen = view_of(picture, turns).rgb(whole(picture), *size)
    assert difference(seen, rgb_of(picture_of(upright, pix_fmt), 128, 96))[0] < 2
    for more in range(4):
        further = view_of(picture, turns).rgb(whole(picture), *size, more)
        assert np.array_equal(further, np.rot90(seen, -more))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv410p", "nv12", "p010le", "rgb24", "yuva420p"])
@pytest.mark.parametrize(("width", "height"), [(101, 57), (57, 101), (3, 5), (1, 1)])
def test_odd_sizes(pix_fmt: str, width: int, height: int, astronaut: Rgb) -> None:
    picture = picture_of(astronaut[40 : 40 + height, 180 : 180 + width], pix_fmt)
    view = view_of(picture)
    for box in (whole(picture), Box(width - 1, height - 1, width, height)):
        assert view.rgb(box, 33, 21).shape == (21, 33, 3)
    assert view.luma(33, 21).shape == (21, 33)
    if width > 50:
        shown = rgb_of(picture, width // 2, height // 2)
        mean, _ = difference(view.rgb(whole(picture), width // 2, height // 2), shown)
        assert mean < 4


@pytest.mark.parametrize("pix_fmt", [*COLOURED, *GREY, *CONVERTED])
def test_luma_is_the_picture_without_colour(pix_fmt: str, astronaut: Rgb) -> None:
    picture = picture_of(astronaut, pix_fmt)
    luma = view_of(picture, turns=1).luma(120, 90)
    assert luma.shape == (90, 120)
    assert luma.flags.c_contiguous
    grey = rgb_of(picture, 120, 90).astype(float) @ (0.299, 0.587, 0.114)
    # Limited-range luma is used as it is: flow and cuts need contrast, not black at zero.
    assert np.corrcoef(luma.ravel(), grey.ravel())[0, 1] > 0.999


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "p010le", "rgb24", "yuyv422"])
def test_looking_changes_nothing(pix_fmt: str, astronaut: Rgb) -> None:
    picture = picture_of(astronaut, pix_fmt)
    before = [bytes(plane) for plane in picture.planes]
    view = view_of(picture, turns=1)
    small = view.rgb(whole(picture), 512, 512)
    small[...] = 0
    view.luma(512, 512)[...] = 0
    assert [bytes(plane) for plane in picture.planes] == before
    assert not any(plane.flags.writeable for plane in view._planes)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize(("step", "error"), [(2, 0.51), (3, 0.51), (4, 1.01), (6, 1.01), (8, 1.51)])
def test_luma_by_a_whole_step_is_the_mean_of_blocks(pix_fmt: str, step: int, error: float) -> None:
    """Halving, the fast way down, adds at most half a level in each step."""
    picture = av.VideoFrame(32 * step, 20 * step, pix_fmt)
    layout = native_layout(pix_fmt)
    random = np.random.default_rng(step)
    for plane in layout.views(picture):
        plane[...] = random.integers(0, 2**layout.bits, plane.shape)
    luma = layout.views(picture)[0] / 2 ** (layout.bits - 8)
    blocks = luma.reshape(20, step, 32, step).mean(axis=(1, 3))
    small = view_of(picture).luma(32, 20)
    assert np.abs(small - blocks.clip(0, 255)).max() <= error + (layout.bits > 8) * 0.5


@pytest.mark.parametrize("width", [300, 255, 130, 119, 64, 33])
def test_halving_first_shows_the_same_at_any_ratio(width: int, astronaut: Rgb) -> None:
    picture = picture_of(astronaut, "yuv420p")
    luma = native_layout("yuv420p").views(picture)[0]
    areas = cv2.resize(luma, (width, width), interpolation=cv2.INTER_AREA)
    apart = np.abs(view_of(picture).luma(width, width).astype(int) - areas)
    assert apart.mean() < 1
    assert apart.max() <= 24
