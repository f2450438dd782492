"""Photos of every kind people bring: covered, upright, in their colours, and nothing beside."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from streamguard import Settings, anonymize
from streamguard.errors import SourceDamagedError, SourceError
from streamguard.frames import Frame, Verdict
from streamguard.jobs.job import plan
from streamguard.redaction import MaskRedactor
from streamguard.settings import InputSettings, Projection, RedactionSettings
from streamguard.sinks import open_sink
from streamguard.sinks.suffixes import fitting_suffix
from streamguard.sources import PhotoSource, open_source

Array = NDArray[Any]
SECRET = b"SecretMaker"
FACE = (173, 62, 271, 190)  # of the astronaut, see conftest.py


@pytest.fixture(scope="module")
def face(astronaut: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(astronaut)


def opened(path: Path, options: InputSettings | None = None) -> PhotoSource:
    source = open_source(path, options or InputSettings())
    assert isinstance(source, PhotoSource)
    return source


def copied(path: Path, output: Path, settings: Settings | None = None) -> list[str]:
    """Pass a photo through redaction with nothing to cover; return the sink's notes."""
    with closing(opened(path)) as source:
        sink = open_sink(output, source, settings or Settings())
        for item in source.read():
            assert isinstance(item, Frame)
            sink.write(MaskRedactor(RedactionSettings()).redact(Verdict(item, slate=item.damage)))
        sink.close()
    return sink.notes


def shown(path: Path, mode: str = "RGB") -> Array:
    """What a viewer shows, without colour management."""
    if path.suffix == ".heic":
        return np.asarray(pillow_heif.open_heif(path).to_pillow().convert(mode)).astype(int)
    with Image.open(path) as picture:
        return np.asarray(picture.convert(mode)).astype(int)


def mean_in_face(values: Array) -> float:
    x1, y1, x2, y2 = FACE
    return float(values[y1:y2, x1:x2].mean())


def save(name: str, **options: Any) -> Callable[[Image.Image, Path], None]:
    def make(picture: Image.Image, path: Path) -> None:
        picture.convert(name).save(path, **options)

    return make


def palette(picture: Image.Image, path: Path, **options: Any) -> None:
    picture.quantize(64).save(path, **options)


def heic(picture: Image.Image, path: Path) -> None:
    image = pillow_heif.from_pillow(picture)
    image.add_from_pillow(picture.rotate(180))  # a second picture, as in a burst
    image.save(path, primary_index=0, thumbnails=[128], quality=90)


KINDS: dict[str, Callable[[Image.Image, Path], None]] = {
    "palette.png": palette,
    "palette.bmp": palette,
    "palette.tif": palette,
    "clear.png": lambda picture, path: palette(picture, path, transparency=3),
    "few.png": lambda picture, path: picture.quantize(16).save(path, bits=4),
    "bits.png": save("1"),
    "grey.png": save("L"),
    "grey_alpha.png": save("LA"),
    "fax.tif": save("1", compression="group4"),
    "jpeg.tif": save("RGB", compression="jpeg"),
    "print.tif": save("CMYK"),
    "lab.tif": save("LAB"),
    "grey.jpg": save("L", quality=90),
    "print.jpg": save("CMYK", quality=90),
    "progressive.jpg": save("RGB", quality=90, progressive=True),
    "plain.webp": save("RGB", quality=90),
    "plain.avif": save("RGB", quality=90),
    "plain.jp2": save("RGB"),
    "plain.ppm": save("RGB"),
    "plain.tga": save("RGB"),
    "burst.heic": heic,
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_read_and_written_as_it_is(
    tmp_path: Path, face: Image.Image, name: str
) -> None:
    photo = tmp_path / name
    KINDS[name](face, photo)
    output = tmp_path / f"out{fitting_suffix(photo)}"
    assert output.suffix == photo.suffix
    assert copied(photo, output) == []
    difference = np.abs(shown(output) - shown(photo))
    assert np.median(difference) <= 1
    assert difference.mean() < 3


@pytest.mark.parametrize("name", ["palette.png", "burst.heic", "jpeg.tif", "print.jpg"])
def test_faces_in_them_are_covered(tmp_path: Path, face: Image.Image, name: str) -> None:
    photo, output = tmp_path / name, tmp_path / f"out{name[name.index('.') :]}"
    KINDS[name](face, photo)
    report = anonymize(photo, output)
    assert (report.frames_with_faces, report.damage) == (1, 0)
    assert mean_in_face(np.abs(shown(output) - shown(photo))) > 8


def test_a_phones_picture_comes_out_once_and_whole(tmp_path: Path, face: Image.Image) -> None:
    heic(face, tmp_path / "in.heic")
    copied(tmp_path / "in.heic", tmp_path / "out.heic")
    result = pillow_heif.open_heif(tmp_path / "out.heic")
    assert (len(result), result.size, result.info["thumbnails"]) == (1, (512, 512), [])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
@pytest.mark.parametrize("number", range(1, 9))
def test_photos_are_turned_once(
    tmp_path: Path, face: Image.Image, suffix: str, number: int
) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = face.crop((0, 0, 400, 512)).resize((100, 128))
    stored = upright.transpose(turns[number]) if number > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = number
    photo, output = tmp_path / f"in.{suffix}", tmp_path / "out.png"
    stored.save(photo, exif=exif)
    copied(photo, output)
    back = shown(output)
    assert back.shape == (128, 100, 3)
    assert np.abs(back - np.asarray(upright).astype(int)).mean() < 8


@pytest.mark.parametrize(
    ("box", "value", "transposed"),
    [
        (b"irot", 1, Image.Transpose.ROTATE_90),
        (b"irot", 2, Image.Transpose.ROTATE_180),
        (b"irot", 3, Image.Transpose.ROTATE_270),
        (b"imir", 0, Image.Transpose.FLIP_TOP_BOTTOM),
        (b"imir", 1, Image.Transpose.FLIP_LEFT_RIGHT),
    ],
)
def test_heic_is_turned_once(
    tmp_path: Path, face: Image.Image, box: bytes, value: int, transposed: Image.Transpose
) -> None:
    stored = face.crop((0, 0, 400, 512)).resize((100, 128))
    pillow_heif.from_pillow(stored).save(tmp_path / "in.heic", quality=95)
    data = bytearray((tmp_path / "in.heic").read_bytes())
    at = data.index(b"pixi")
    data[at : at + 5] = box + bytes((value,))
    (tmp_path / "in.heic").write_bytes(data)
    copied(tmp_path / "in.heic", tmp_path / "out.png")
    wanted = np.asarray(stored.transpose(transposed)).astype(int)
    assert shown(tmp_path / "out.png").shape == wanted.shape
    assert np.abs(shown(tmp_path / "out.png") - wanted).mean() < 8


def deep_png(path: Path, samples: Array, colour: int, chunks: bytes = b"") -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = samples.shape[:2]
    rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    data = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(rows))
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks
        + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    )  # fmt: skip


def deep_samples(path: Path) -> Array:
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
        return picture.to_ndarray(format=picture.format.name.replace("be", "le")).astype(int)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (6, 4)])
def test_sixteen_bits_stay(
    tmp_path: Path, astronaut: Array, suffix: str, colour: int, channels: int
) -> None:
    rgba = np.dstack([astronaut, astronaut[..., :1]]).astype(int) * 256 + 37
    deep = rgba[..., :channels] if channels > 1 else rgba[..., 0]
    deep_png(tmp_path / "in.png", deep, colour)
    assert copied(tmp_path / "in.png", tmp_path / f"out.{suffix}") == []
    assert np.array_equal(deep_samples(tmp_path / f"out.{suffix}"), deep)
    again = tmp_path / f"again.{suffix}"
    copied(tmp_path / f"out.{suffix}", again)
    assert np.array_equal(deep_samples(again), deep)


def test_sixteen_bits_that_a_format_cannot_hold_are_said(tmp_path: Path, astronaut: Array) -> None:
    deep_png(tmp_path / "in.png", astronaut.astype(int) * 257, 2)
    assert "16 bits" in copied(tmp_path / "in.png", tmp_path / "out.jpg")[0]
    assert np.abs(shown(tmp_path / "out.jpg") - astronaut).mean() < 3


def wide_profile() -> bytes:
    """A profile that is not sRGB: sRGB's own with its red and green swapped."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = data.index(b"rXYZ") + 4, data.index(b"gXYZ") + 4
    data[red : red + 8], data[green : green + 8] = data[green : green + 8], data[red : red + 8]
    return bytes(data)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif", "heic"])
def test_profiles_are_kept(tmp_path: Path, face: Image.Image, suffix: str) -> None:
    profile = wide_profile()
    photo, output = tmp_path / "in.png", tmp_path / f"out.{suffix}"
    face.save(photo, icc_profile=profile)
    assert copied(photo, output) == []
    if suffix == "heic":
        assert pillow_heif.open_heif(output).info["icc_profile"] == profile
    else:
        with Image.open(output) as result:
            assert result.info["icc_profile"] == profile


def test_a_profile_that_a_format_cannot_hold_is_followed(tmp_path: Path, face: Image.Image) -> None:
    profile = wide_profile()
    face.save(tmp_path / "in.png", icc_profile=profile)
    assert copied(tmp_path / "in.png", tmp_path / "out.bmp") == ["colours were converted to sRGB"]
    wanted = ImageCms.profileToProfile(
        face, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
    )
    assert wanted is not None
    assert np.abs(shown(tmp_path / "out.bmp") - np.asarray(wanted).astype(int)).max() <= 2
    assert np.abs(shown(tmp_path / "out.bmp") - np.asarray(face).astype(int)).mean() > 10


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_deep_photos_keep_their_profile(tmp_path: Path, astronaut: Array, suffix: str) -> None:
    profile = wide_profile()
    body = b"iCCP" + b"x\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    deep_png(tmp_path / "in.png", astronaut.astype(int) * 256 + 37, 2, chunk)
    copied(tmp_path / "in.png", tmp_path / f"out.{suffix}")
    with Image.open(tmp_path / f"out.{suffix}") as result:
        assert result.info["icc_profile"] == profile
    deep = deep_samples(tmp_path / f"out.{suffix}")
    assert np.array_equal(deep, astronaut.astype(int) * 256 + 37)


@pytest.mark.parametrize("suffix", ["jpg", "webp", "png", "heic", "avif"])
def test_values_stay(tmp_path: Path, suffix: str) -> None:
    bars = np.zeros((128, 320, 3), np.uint8)
    colours = [(16, 16, 16), (128, 128, 128), (235, 235, 235), (255, 0, 0), (0, 0, 255)]
    for number, colour in enumerate(colours):
        bars[:, 64 * number : 64 * (number + 1)] = colour
    Image.fromarray(bars).save(tmp_path / "in.jpg", quality=98, subsampling=0)
    copied(tmp_path / "in.jpg", tmp_path / f"out.{suffix}")
    before, after = shown(tmp_path / "in.jpg"), shown(tmp_path / f"out.{suffix}")
    middles = [32 + 64 * number for number in range(5)]
    assert np.abs(before[64, middles] - after[64, middles]).max() <= 2


@pytest.mark.parametrize(("quality", "sampling"), [(50, 2), (75, 1), (92, 0)])
def test_jpeg_keeps_its_quality(
    tmp_path: Path, face: Image.Image, quality: int, sampling: int
) -> None:
    face.save(tmp_path / "in.jpg", quality=quality, subsampling=sampling)
    copied(tmp_path / "in.jpg", tmp_path / "out.jpg")
    with Image.open(tmp_path / "in.jpg") as before, Image.open(tmp_path / "out.jpg") as after:
        assert before.quantization == after.quantization  # type: ignore[attr-defined]
        assert before.layer == after.layer  # type: ignore[attr-defined]
    sizes = [(tmp_path / name).stat().st_size for name in ("in.jpg", "out.jpg")]
    assert 0.9 < sizes[1] / sizes[0] < 1.1


def test_odd_tags_trailing_data_and_second_pictures_go(tmp_path: Path, face: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Ren\xe9"
    plain = io.BytesIO()
    face.save(plain, "JPEG", exif=exif, comment=SECRET)
    data = plain.getvalue().replace(b"Ren?", b"Ren\xe9")
    thumb = io.BytesIO()
    face.resize((64, 64)).save(thumb, "JPEG", comment=SECRET)
    photo, output = tmp_path / "in.jpg", tmp_path / "out.jpg"
    photo.write_bytes(data + SECRET + thumb.getvalue())
    copied(photo, output)
    assert SECRET not in output.read_bytes()
    assert output.read_bytes().count(b"\xff\xd8\xff") == 1
    with Image.open(output) as result:
        assert not result.getexif()
        assert set(result.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_of_several_pictures_in_a_jpeg_the_main_one_comes_out(
    tmp_path: Path, face: Image.Image
) -> None:
    photo, output = tmp_path / "in.jpg", tmp_path / "out.jpg"
    face.save(photo, "MPO", save_all=True, append_images=[face.rotate(180)])
    copied(photo, output)
    assert output.read_bytes().count(b"\xff\xd8\xff") == 1
    assert np.abs(shown(output) - np.asarray(face).astype(int)).mean() < 8


CUT: dict[str, dict[str, Any]] = {
    "in.jpg": {"quality": 90},
    "in.png": {},
    "in.tif": {},
    "in.bmp": {},
    "in.ppm": {},
    "in.tga": {},
}


@pytest.mark.parametrize("name", CUT)
def test_a_photo_cut_short_is_damage_and_shows_nothing(
    tmp_path: Path, face: Image.Image, name: str
) -> None:
    photo, output = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
    face.save(photo, **CUT[name])
    data = photo.read_bytes()
    photo.write_bytes(data[: len(data) * 3 // 5])
    report = anonymize(photo, output)
    assert (report.damage, report.slate_frames) == (1, 1)
    assert "missing" in report.damage_notes[0]
    assert shown(output, "L")[:100].std() < 1  # the face is in the part that came


def test_a_jpeg_that_only_claims_to_end_is_damage(tmp_path: Path, face: Image.Image) -> None:
    photo = tmp_path / "in.jpg"
    face.save(photo, quality=90)
    data = photo.read_bytes()
    photo.write_bytes(data[: len(data) // 2] + b"\xff\xd9")
    with closing(opened(photo)) as source:
        assert source.damage == 1


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_only_the_mark_of_its_end_is_whole(
    tmp_path: Path, face: Image.Image, progressive: bool
) -> None:
    photo = tmp_path / "in.jpg"
    face.save(photo, quality=90, progressive=progressive)
    wanted = shown(photo)
    photo.write_bytes(photo.read_bytes()[:-2])
    with closing(opened(photo)) as source:
        assert source.damage == 0
    copied(photo, tmp_path / "out.png")
    assert np.array_equal(shown(tmp_path / "out.png"), wanted)


@pytest.mark.parametrize("form", ["plain", "lossless", "alpha"])
def test_a_webp_cut_short_is_damage(tmp_path: Path, face: Image.Image, form: str) -> None:
    photo = tmp_path / "in.webp"
    picture = face.resize((300, 200)).convert("RGBA" if form == "alpha" else "RGB")
    if form == "alpha":
        picture.putalpha(Image.linear_gradient("L").resize((300, 200)))
    picture.save(photo, lossless=form == "lossless")
    photo.write_bytes(photo.read_bytes()[:-2000])
    with closing(opened(photo)) as source:
        assert (source.damage, source.info.width, source.info.height) == (1, 300, 200)


def test_an_avif_cut_short_is_refused(tmp_path: Path, face: Image.Image) -> None:
    photo = tmp_path / "in.avif"
    face.save(photo)
    photo.write_bytes(photo.read_bytes()[:9000])
    with pytest.raises(SourceDamagedError, match="whole"):
        opened(photo)


def tiff(*tags: tuple[int, int, int, int]) -> bytes:
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4 + 4096)


SMALL = ((256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 200))
RAW = {
    "a.dng": tiff(*SMALL, (50706, 1, 4, 0x0401)),
    "named_otherwise.tif": tiff(*SMALL, (50706, 1, 4, 0x0401)),
    "a.nef": tiff(*SMALL, (254, 4, 1, 1)),
    "a.tif": tiff(*SMALL, (254, 4, 1, 1)),
    "a.arw": tiff(*SMALL),
    "a.cr2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(64),
    "a.cr3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(64),
    "a.raf": b"FUJIFILMCCD-RAW 0201" + bytes(64),
    "a.orf": b"IIRO\x08\0\0\0" + bytes(64),
    "a.crw": b"II\x1a\0\0\0HEAPCCDR" + bytes(64),
    "a.rw2": b"IIU\0\x08\0\0\0" + bytes(64),
}


@pytest.mark.parametrize("name", RAW)
def test_camera_raw_files_are_refused_with_what_to_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(RAW[name])
    with pytest.raises(SourceError, match=r"camera raw file.*Export it as JPEG"):
        open_source(tmp_path / name)


def test_camera_raw_files_in_folders_are_not_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.nef").write_bytes(RAW["a.nef"])
    assert [job.source.name for job in plan([folder], None).jobs] == ["a.nef"]


def test_pages_are_refused_and_previews_go(tmp_path: Path, face: Image.Image) -> None:
    pages, preview = tmp_path / "pages.tif", tmp_path / "preview.tif"
    face.save(pages, save_all=True, append_images=[face, face])
    with pytest.raises(SourceError, match="3 pages"):
        opened(pages)
    small = face.resize((64, 64))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    face.save(preview, save_all=True, append_images=[small])
    copied(preview, tmp_path / "out.tif")
    with Image.open(tmp_path / "out.tif") as result:
        assert getattr(result, "n_frames", 1) == 1
        assert result.size == (512, 512)


def test_pixels_that_no_photo_shows_are_refused(tmp_path: Path, astronaut: Array) -> None:
    grey = astronaut.mean(2)
    for number, samples in enumerate((grey.astype(np.float32), grey.astype(np.int32) << 16)):
        path = tmp_path / f"{number}.tif"
        Image.fromarray(samples).save(path)
        with pytest.raises(SourceError, match="no photo format shows"):
            opened(path)


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"\xff\x0a" + bytes(64), "JPEG XL"), (b"v/1\x01" + bytes(64), "OpenEXR")],
)
def test_formats_that_are_not_read_are_named(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / "x.any").write_bytes(data)
    with pytest.raises(SourceError, match=f"format {name}"):
        open_source(tmp_path / "x.any")


def test_a_small_file_that_declares_a_huge_picture_is_refused(
    tmp_path: Path, face: Image.Image
) -> None:
    photo = tmp_path / "in.jpg"
    face.save(photo)
    data = bytearray(photo.read_bytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 16000, 16000)
    photo.write_bytes(data)
    with pytest.raises(SourceError, match=r"16000 x 16000 .*--max-pixels"):
        opened(photo)
    face.save(photo)
    with pytest.raises(SourceError, match="--max-pixels"):
        opened(photo, InputSettings(max_pixels=512 * 512 - 1))
    with closing(opened(photo, InputSettings(max_pixels=512 * 512))) as source:
        assert source.info.width == 512


def test_pillows_own_limit_is_left_to_others(tmp_path: Path, face: Image.Image) -> None:
    face.save(tmp_path / "in.png")
    before = Image.MAX_IMAGE_PIXELS
    opened(tmp_path / "in.png").close()
    assert before == Image.MAX_IMAGE_PIXELS
    assert before is not None


def test_a_spherical_photo_says_so(tmp_path: Path, face: Image.Image) -> None:
    xmp = b'<x GPano:ProjectionType="equirectangular"/>'
    photo = tmp_path / "in.jpg"
    face.save(photo, xmp=xmp)
    for projection in Projection:
        with closing(opened(photo, InputSettings(projection=projection))) as source:
            assert source.info.equirectangular is (projection is not Projection.FLAT)
    face.save(photo)
    with closing(opened(photo)) as source:
        assert not source.info.equirectangular
        assert source.info.time_base == Fraction(1, 1000)


def test_transparency_that_a_format_cannot_hold_is_said(tmp_path: Path, face: Image.Image) -> None:
    clear = face.copy()
    clear.putalpha(Image.new("L", face.size, 0))
    clear.save(tmp_path / "in.png")
    assert "transparency" in copied(tmp_path / "in.png", tmp_path / "out.jpg")[0]
    # What was invisible does not come to light.
    assert shown(tmp_path / "out.jpg").min() > 250


def numbered(picture: Image.Image, path: Path, primaries: int, transfer: int = 13) -> None:
    pillow_heif.from_pillow(picture).save(path, quality=95)
    data = bytearray(path.read_bytes())
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", ["jpg", "png", "heic"])
def test_wide_colours_named_by_number_become_a_profile(
    tmp_path: Path, face: Image.Image, suffix: str
) -> None:
    numbered(face, tmp_path / "in.heic", 12)
    output = tmp_path / f"out.{suffix}"
    assert copied(tmp_path / "in.heic", output) == []
    if suffix == "heic":
        profile = pillow_heif.open_heif(output).info["icc_profile"]
    else:
        with Image.open(output) as result:
            profile = result.info["icc_profile"]
    wide = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    patch = Image.new("RGB", (1, 1), (200, 100, 50))
    back = ImageCms.profileToProfile(patch, wide, ImageCms.createProfile("sRGB"))
    # What Display P3 is in sRGB, by the formulas of CSS Color 4.
    assert back is not None
    assert np.abs(np.asarray(back)[0, 0].astype(int) - (215, 93, 31)).max() <= 2
    assert np.abs(shown(output) - shown(tmp_path / "in.heic")).mean() < 3


def test_what_the_output_cannot_say_of_brightness_is_said(
    tmp_path: Path, face: Image.Image
) -> None:
    numbered(face, tmp_path / "in.heic", 9, 16)
    assert "HDR" in copied(tmp_path / "in.heic", tmp_path / "out.jpg")[0]


def test_jpegs_of_twelve_bits_are_refused_by_name(tmp_path: Path, face: Image.Image) -> None:
    face.save(tmp_path / "in.jpg")
    data = bytearray((tmp_path / "in.jpg").read_bytes())
    data[data.index(b"\xff\xc0") + 4] = 12
    (tmp_path / "in.jpg").write_bytes(data)
    with pytest.raises(SourceError, match="12 bits"):
        opened(tmp_path / "in.jpg")
