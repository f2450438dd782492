"""GIF, APNG, WebP and AVIF animations: every frame covered, and shown as before."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from streamguard import Effect, InputSettings, RedactionSettings, Settings, anonymize
from streamguard.errors import SourceDamagedError, SourceError
from streamguard.frames import Frame, Verdict
from streamguard.redaction import MaskRedactor
from streamguard.sinks import open_sink
from streamguard.sinks.suffixes import fitting_suffix
from streamguard.sources import AnimationSource, PhotoSource, open_source

DELAYS = [100, 300, 500, 1000]
SHIFT = 8
SIDE = 216
# The face of a photograph of half size, from which 40 columns are cut.
FACE = (87 - 40, 31, 136 - 40, 95)
SOLID = Settings(redaction=RedactionSettings(effect=Effect.SOLID))
SAVED: dict[str, dict[str, object]] = {
    "gif": {"disposal": 2},
    "png": {"lossless": True},
    "webp": {"quality": 95},
    "avif": {"quality": 95},
}


def pictures(astronaut: NDArray[np.uint8], clear: bool) -> list[Image.Image]:
    """Return four frames in which the face moves; with a transparent frame round it if clear."""
    frames = []
    for number in range(len(DELAYS)):
        left = 40 - SHIFT * number
        photo = astronaut[: 2 * SIDE : 2, 2 * left : 2 * (left + SIDE) : 2]
        alpha = np.full((SIDE, SIDE, 1), 255, np.uint8)
        if clear:
            alpha[-40:] = 0
        frames.append(Image.fromarray(np.concatenate([photo, alpha], axis=2)))
    return frames


def write(path: Path, frames: list[Image.Image], **options: object) -> Path:
    kind = path.suffix.removeprefix(".")
    many: dict[str, object] = {"save_all": True, "append_images": frames[1:], "duration": DELAYS}
    frames[0].save(path, **(many | SAVED[kind] | options))  # type: ignore[arg-type]
    return path


def shown(path: Path) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """Yield each frame as RGBA with its delay in milliseconds."""
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            yield np.asarray(image.convert("RGBA")), image.info["duration"]


def passed(source: Path, output: Path) -> int:
    """Pass an animation through redaction with nothing to cover; return how many frames."""
    opened, redactor, frames = open_source(source), MaskRedactor(RedactionSettings()), 0
    with closing(opened):
        sink = open_sink(output, opened, SOLID)
        for frame in opened.read():
            assert isinstance(frame, Frame)
            sink.write(redactor.redact(Verdict(frame)))
            frames += 1
        sink.close()
    return frames


def face_of(pixels: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    x1, y1, x2, y2 = FACE
    return pixels[y1:y2, x1 + SHIFT * number : x2 + SHIFT * number, :3]


@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "clear"])
@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.avif"])
def test_every_frame_is_covered_and_shown_as_before(
    name: str, clear: bool, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    source = write(tmp_path / name, pictures(astronaut, clear), loop=3)
    output = tmp_path / f"out{fitting_suffix(source)}"
    report = anonymize(source, output, SOLID)
    assert report.frames == report.frames_with_faces == len(DELAYS)
    before, after = list(shown(source)), list(shown(output))
    assert [delay for _, delay in after] == [delay for _, delay in before] == DELAYS
    for number, ((old, _), (new, _)) in enumerate(zip(before, after, strict=True)):
        assert face_of(new, number)[16:-8, 12:-12].max() < 40
        assert ((old[..., 3] > 127) == (new[..., 3] > 127)).all()
        foot = np.abs(old[146:174, :, :3].astype(int) - new[146:174, :, :3])
        assert foot.mean() < 12


@pytest.mark.parametrize("loop", [None, 0, 1, 3])
@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_the_loop_count_stays(
    name: str, loop: int | None, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    options = {} if loop is None else {"loop": loop}
    source = write(tmp_path / name, pictures(astronaut, False), **options)
    output = tmp_path / f"out{source.suffix}"
    passed(source, output)
    with Image.open(source) as old, Image.open(output) as new:
        assert new.info.get("loop") == old.info.get("loop")


def test_what_lies_below_a_transparent_pixel_goes(
    astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    opaque, clear = pictures(astronaut, False), pictures(astronaut, True)
    source = write(tmp_path / "a.gif", [opaque[0], clear[1], opaque[2], clear[3]])
    passed(source, tmp_path / "out.gif")
    kept = [int(pixels[..., 3].min()) for pixels, _ in shown(tmp_path / "out.gif")]
    assert kept == [255, 0, 255, 0]


def test_a_gif_of_equal_frames_keeps_them(tmp_path: Path) -> None:
    source = AnimationKit.equal_gif(tmp_path / "a.gif")
    assert passed(source, tmp_path / "out.gif") == 3
    assert [delay for _, delay in shown(tmp_path / "out.gif")] == [70, 80, 90]


def test_an_animated_png_may_say_so_late(astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    whole = write(tmp_path / "a.png", pictures(astronaut, False)).read_bytes()
    text = b"tEXt" + b"Comment\0" + b"x" * 9000
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    late = tmp_path / "late.png"
    late.write_bytes(whole[:33] + chunk + whole[33:])
    assert passed(late, tmp_path / "out.png") == 4
    assert b"tEXt" not in (tmp_path / "out.png").read_bytes()


def test_a_picture_for_old_viewers_is_no_frame(
    astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    frames = pictures(astronaut, False)
    source = tmp_path / "a.png"
    frames[0].save(
        source, save_all=True, default_image=True, append_images=frames[1:], duration=DELAYS[1:]
    )
    assert passed(source, tmp_path / "out.png") == 3


def test_an_animation_can_become_a_video(astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    source = write(tmp_path / "a.webp", pictures(astronaut, True))
    report = anonymize(source, tmp_path / "out.mp4", SOLID)
    assert report.frames == 4
    assert report.duration == pytest.approx(0.9)


def test_a_video_can_become_an_animation(face_clip: Path, tmp_path: Path) -> None:
    for name in ("out.gif", "out.apng", "out.webp"):
        report = anonymize(face_clip, tmp_path / name, SOLID)
        assert report.frames == 50
        delays = [delay for _, delay in shown(tmp_path / name)]
        assert sum(delays) == 2000
        assert "sound and subtitles dropped" in " ".join(report.notes)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.avif"])
def test_one_frame_is_a_photo(name: str, astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    pictures(astronaut, False)[0].save(tmp_path / name)
    with closing(open_source(tmp_path / name)) as source:
        assert isinstance(source, PhotoSource)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.avif"])
def test_a_cut_animation_is_damaged(
    name: str, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    source = write(tmp_path / name, pictures(astronaut, False))
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * 2 // 3])
    output = tmp_path / f"out{fitting_suffix(source)}"
    try:
        report = anonymize(source, output, SOLID)
    except SourceDamagedError:
        assert not output.exists()
    else:
        assert report.damage
        assert report.damage_notes


@pytest.mark.parametrize(
    ("options", "flag"),
    [
        (InputSettings(max_pixels=SIDE * SIDE - 1), "--max-pixels"),
        (InputSettings(max_frames=3), "--max-frames"),
    ],
)
def test_limits_are_named(
    options: InputSettings, flag: str, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    source = write(tmp_path / "a.gif", pictures(astronaut, False))
    with pytest.raises(SourceError, match=flag):
        open_source(source, options)


def test_hidden_colour_is_dropped(astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    frames = pictures(astronaut, False)
    for frame in frames:
        frame.putalpha(0)
    source = write(tmp_path / "a.png", frames)
    with closing(AnimationSource(source)) as opened:
        first = next(iter(opened.read()))
        assert first.picture.to_ndarray(format="rgba").max() == 0  # type: ignore[union-attr]


class AnimationKit:
    """Files that Pillow would not write."""

    @staticmethod
    def equal_gif(path: Path) -> Path:
        """Write a GIF of three equal frames, which Pillow would merge."""
        from PIL import GifImagePlugin

        image = Image.new("P", (32, 32), 1)
        image.putpalette([0, 0, 0, 200, 100, 50])
        blocks = [b"GIF89a" + struct.pack("<HHBBB", 32, 32, 0x70, 0, 0)]
        for delay in (70, 80, 90):
            blocks += GifImagePlugin.getdata(image, duration=delay, include_color_table=True)
        path.write_bytes(b"".join([*blocks, b";"]))
        return path
