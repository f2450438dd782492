"""A 360° picture wraps round: faces at its seam and near its poles."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from conftest import FACE
from frames_kit import Picture, as_frame, covered
from PIL import Image

import streamguard
from streamguard.cli import run
from streamguard.detection.poles import VIEWS, PoleView
from streamguard.geometry import Box
from streamguard.media.sphere import Sphere
from streamguard.settings import InputSettings, Projection, Settings
from streamguard.sources import open_source

WIDTH, HEIGHT = 1024, 512
GPANO = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    'syntax-ns#"><rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    'GPano:ProjectionType="equirectangular"{more}/></rdf:RDF></x:xmpmeta>'
)
GOOGLE = (
    b"\xff\xcc\x82\x63\xf8\x55\x4a\x93\x88\x14\x58\x7a\x02\x52\x1f\xdd"
    b'<?xml version="1.0"?><rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-'
    b'ns#" xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/"><GSpherical:Spherical>true'
    b"</GSpherical:Spherical><GSpherical:Stitched>true</GSpherical:Stitched><GSpherical:StitchingSoftware>a</GSpherical:StitchingSoftware><GSpherical:"
    b"ProjectionType>equirectangular</GSpherical:ProjectionType></rdf:SphericalVideo>"
)
FORCED = InputSettings(projection=Projection.EQUIRECTANGULAR)


def scene(
    photo: Picture, yaw: float, pitch: float = 0.0, view: float = 50.0
) -> tuple[Picture, Picture]:
    """A flat photo as a 360° camera sees it, and where the face is.

    Args:
        photo: 512 by 512.
        yaw: Degrees of the photo's middle to the right of the picture's; 180 is the seam.
        pitch: Degrees above the horizon.
        view: Degrees the photo takes in.
    """
    lon = (np.arange(WIDTH) + 0.5) / WIDTH * 2 * np.pi - np.pi - math.radians(yaw)
    lat = np.pi / 2 - (np.arange(HEIGHT) + 0.5) / HEIGHT * np.pi
    right = np.cos(lat)[:, None] * np.sin(lon)
    up = np.repeat(np.sin(lat)[:, None], WIDTH, 1)
    ahead = np.cos(lat)[:, None] * np.cos(lon)
    sine, cosine = math.sin(math.radians(pitch)), math.cos(math.radians(pitch))
    up, ahead = up * cosine - ahead * sine, up * sine + ahead * cosine
    scale = 256 / math.tan(math.radians(view) / 2) / np.where(ahead > 0.05, ahead, np.inf)
    x = np.where(ahead > 0.05, right * scale + 256, -1e4).astype(np.float32)
    y = np.where(ahead > 0.05, -up * scale + 256, -1e4).astype(np.float32)
    picture = cv2.remap(photo, x, y, cv2.INTER_LINEAR, borderValue=(90, 90, 90))
    left, top, low_right, bottom = FACE
    is_face = (x > left) & (x < low_right) & (y > top) & (y < bottom)
    return np.asarray(picture, np.uint8), is_face.astype(np.uint8)


def changed(before: Any, after: Any, where: Picture) -> float:
    difference = np.abs(before.astype(int) - after).max(axis=2)
    return float((difference[where > 0] > 0).mean())


def write_photo(path: Path, picture: Picture, more: str | None = None) -> Path:
    xmp = b"" if more is None else GPANO.format(more=more).encode()
    Image.fromarray(picture).save(path, quality=95, subsampling=0, xmp=xmp)
    return path


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (180, 0), (176, 30), (-178, -60)])
def test_a_face_is_covered_on_either_side_of_the_seam(
    yaw: float, pitch: float, astronaut: Picture
) -> None:
    picture, face = scene(astronaut, yaw, pitch)
    before = as_frame(picture, "gbrp")
    ((_, after),) = covered([before], still=True, equirectangular=True)
    assert changed(picture, after.to_ndarray(format="rgb24"), face) > 0.99
    if yaw == 180:
        ((_, flat),) = covered([before], still=True)
        assert changed(picture, flat.to_ndarray(format="rgb24"), face) < 0.9


@pytest.mark.parametrize(("yaw", "pitch"), [(180, 78), (0, 88), (130, -85)])
def test_a_face_near_a_pole_of_a_photo_is_covered(
    yaw: float, pitch: float, astronaut: Picture
) -> None:
    picture, face = scene(astronaut, yaw, pitch)
    before = as_frame(picture, "gbrp")
    ((_, after),) = covered([before], still=True, equirectangular=True)
    assert changed(picture, after.to_ndarray(format="rgb24"), face) > 0.99


@pytest.mark.parametrize("pole", VIEWS)
def test_a_box_of_a_flat_view_is_found_again_in_the_round_one(pole: PoleView) -> None:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    y = HEIGHT * (0.5 - pole.pitch / 180)
    x = WIDTH * (pole.yaw / 360 + 0.5) % WIDTH
    picture[:, :] = np.minimum(np.arange(HEIGHT) // 2, 255)[:, None, None]
    seen = pole.of(picture)
    assert abs(int(seen[320, 320, 0]) - y / 2) <= 2
    place = pole.place(Box(300, 300, 340, 340), WIDTH, HEIGHT)
    assert place.center[1] == pytest.approx(y, abs=2)
    assert place.center[0] % WIDTH == pytest.approx(x, abs=1)
    assert pole.place(Box(0, 0, 640, 640), WIDTH, HEIGHT).width == WIDTH


def test_a_picture_too_high_for_a_sphere_gets_no_wider_covers() -> None:
    assert list(Sphere(640, 480).places(Box(250, 50, 350, 200))) == [Box(250, 50, 350, 200)]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_seam_is_where_the_upright_picture_has_it(turns: int, astronaut: Picture) -> None:
    frames, faces = [], []
    for number in range(20):
        picture, face = scene(astronaut, 168 + 1.2 * number)
        frames.append(as_frame(np.rot90(picture, turns), "yuv444p", number, turns))
        faces.append(np.rot90(face, turns))
    for before, after in covered(frames, equirectangular=True):
        raw, done = (one.to_ndarray(format="rgb24") for one in (before.picture, after))
        assert changed(raw, done, faces[before.index]) > 0.97, before.index


def test_a_photo_with_the_mark_wraps(tmp_path: Path, astronaut: Picture) -> None:
    picture, face = scene(astronaut, 180)
    raw = write_photo(tmp_path / "round.jpg", picture, "")
    done = tmp_path / "done.png"
    report = streamguard.anonymize(raw, done)
    assert report.frames_with_faces == 1
    shown = np.asarray(Image.open(done).convert("RGB"))
    decoded = np.asarray(Image.open(raw))
    assert changed(decoded, shown, face) > 0.99
    assert streamguard.verify(done, raw).passed
    assert not streamguard.verify(raw).passed
    assert not streamguard.verify(raw, raw).passed


@pytest.mark.parametrize(
    ("more", "projection", "wraps"),
    [
        (None, Projection.AUTO, False),
        (None, Projection.EQUIRECTANGULAR, True),
        ("", Projection.AUTO, True),
        ("", Projection.FLAT, False),
        (
            ' GPano:FullPanoWidthPixels="9000" GPano:CroppedAreaImageWidthPixels="1024"',
            Projection.AUTO,
            False,
        ),
        (
            ' GPano:FullPanoWidthPixels="1024" GPano:CroppedAreaImageWidthPixels="1024"',
            Projection.AUTO,
            True,
        ),
    ],
)
def test_what_says_that_a_photo_wraps(
    more: str | None, projection: Projection, wraps: bool, tmp_path: Path
) -> None:
    path = write_photo(tmp_path / "a.jpg", np.zeros((64, 128, 3), np.uint8), more)
    assert open_source(path, InputSettings(projection=projection)).info.equirectangular is wraps


def write_video(path: Path, pictures: list[Picture]) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "15"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def mark(path: Path, text: bytes = GOOGLE) -> None:
    """Put Google's mark into the track of an MP4 whose index comes last."""
    data = bytearray(path.read_bytes())
    index = data.index(b"moov") - 4
    track = data.index(b"trak", index) - 4
    box = struct.pack(">I", 8 + len(text)) + b"uuid" + text
    (size,) = struct.unpack_from(">I", data, track)
    data[track + size : track + size] = box
    for at in (index, track):
        struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + len(box))
    path.write_bytes(data)


def test_a_video_with_the_mark_wraps(tmp_path: Path, astronaut: Picture) -> None:
    scenes = [scene(astronaut, 166 + 2 * number) for number in range(15)]
    raw = write_video(tmp_path / "round.mp4", [picture for picture, _ in scenes])
    assert not open_source(raw).info.equirectangular
    assert open_source(raw, FORCED).info.equirectangular
    mark(raw)
    assert open_source(raw).info.equirectangular
    done = tmp_path / "done.mp4"
    streamguard.anonymize(raw, done)
    with av.open(str(done)) as container, av.open(str(raw)) as original:
        pairs = zip(container.decode(video=0), original.decode(video=0), strict=True)
        for (after, before), (_, face) in zip(pairs, scenes, strict=True):
            new, old = (one.to_ndarray(format="gray").astype(float) for one in (after, before))
            detail = [one - cv2.GaussianBlur(one, (0, 0), 3) for one in (new, old)]
            left = [float((part[face > 0] ** 2).mean()) for part in detail]
            assert left[0] < 0.15 * left[1]


@pytest.mark.parametrize(
    ("old", "new", "wraps"),
    [
        (b"", b"", True),
        (b"StitchingSoftware", b"Software", True),
        (b"Spherical>true", b"Spherical> 1", True),
        (b">equirectangular<", b">cubemap<", False),
        (b">true", b">false", False),
    ],
)
def test_the_older_mark_is_read_also_where_it_is_not_complete(
    old: bytes, new: bytes, wraps: bool, tmp_path: Path
) -> None:
    path = write_video(tmp_path / "a.mp4", [np.zeros((HEIGHT, WIDTH, 3), np.uint8)])
    mark(path, GOOGLE.replace(old, new) if old else GOOGLE)
    assert open_source(path).info.equirectangular is wraps


def test_the_command_line_says_that_it_wraps(tmp_path: Path, astronaut: Picture) -> None:
    picture, face = scene(astronaut, 180)
    raw, done = write_photo(tmp_path / "round.jpg", picture), tmp_path / "done.png"
    words = ["anonymize", str(raw), "-o", str(done), "--projection", "equirectangular", "--verify"]
    assert run(words) == 0
    assert run(["verify", str(raw), str(done), "--projection", "equirectangular"]) == 0
    assert run(["verify", str(raw), "--projection", "equirectangular"]) == 3
    shown = np.asarray(Image.open(done).convert("RGB"))
    assert changed(np.asarray(Image.open(raw)), shown, face) > 0.99


# Where the covers go.


def places(box: Box, turns: int = 0) -> list[Box]:
    return list(Sphere(WIDTH, HEIGHT, turns).places(box))


def test_a_box_at_the_seam_is_covered_at_both_edges() -> None:
    assert lefts(places(Box(1000, 240, 1050, 270))) == [-24, 1000]
    # One that only its padding carries over the seam, and one that lies in the second copy.
    assert lefts(places(Box(994, 240, 1023, 270))) == [-30, 994]
    assert lefts(places(Box(1200, 240, 1230, 270))) == [176]
    assert lefts(places(Box(500, 240, 530, 270))) == [500]


def lefts(boxes: list[Box]) -> list[int]:
    return sorted(round(box.x1) for box in boxes)


@pytest.mark.parametrize("degrees", [0, 20, 45, 60, 70, -60])
def test_a_cover_is_as_wide_as_its_latitude_makes_it(degrees: float) -> None:
    y = HEIGHT * (0.5 - degrees / 180)
    (wide, *_) = places(Box(500, y - 10, 510, y + 10))
    assert wide.width >= 0.75 * 20 / math.cos(math.radians(degrees)) - 1e-6
    (kept, *_) = places(Box(480, y - 10, 540, y + 10))
    assert kept.width >= 60
    assert kept.center[0] == pytest.approx(510)


@pytest.mark.parametrize("top", [-3, 4, HEIGHT - 24])
def test_the_whole_width_is_covered_at_a_pole(top: float) -> None:
    assert Box(0, top, WIDTH, top + 20) in places(Box(500, top, 520, top + 20))


def test_turned_pictures_wrap_along_the_other_side() -> None:
    sphere = Sphere(HEIGHT, WIDTH, turns=1)
    assert list(sphere.extent) == [HEIGHT, 1.5 * WIDTH]
    found = sphere.places(Box(240, 1000, 270, 1050))
    assert sorted(round(box.y1) for box in found) == [-24, 1000]


def test_a_picture_for_each_eye_has_two_spheres() -> None:
    sphere = Sphere(1000, 1000)
    (level,) = sphere.places(Box(480, 740, 520, 760))
    assert level.width == pytest.approx(40, abs=0.5)
    assert Box(0, 490, 1000, 510) in sphere.places(Box(480, 490, 520, 510))


def test_settings_name_the_projection() -> None:
    assert Settings().input.projection is Projection.AUTO
    assert Projection.AUTO.wraps(True)
    assert not Projection.FLAT.wraps(True)
