"""Films of JPEG pictures are films; photos with further pictures in them are photos."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from test_sources_contract import copy, times_of

from streamguard.sinks.suffixes import fitting_suffix
from streamguard.sources import FileSource, open_source
from streamguard.sources.photo import is_photo


def jpeg(picture: NDArray[np.uint8], shift: int = 0, **options: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.roll(picture, shift, axis=1)).save(data, "JPEG", **options)
    return data.getvalue()


@pytest.fixture
def pictures(astronaut: NDArray[np.uint8]) -> list[bytes]:
    return [jpeg(astronaut[::4, ::4], shift) for shift in range(0, 60, 2)]


@pytest.mark.parametrize("multipart", [False, True])
@pytest.mark.parametrize("name", ["m.mjpeg", "camera.jpg", "stream"])
def test_joined_jpegs_are_a_video(
    tmp_path: Path, pictures: list[bytes], multipart: bool, name: str
) -> None:
    path, output = tmp_path / name, tmp_path / "out.mp4"
    if multipart:
        pictures = [
            b"--cam\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(p), p)
            for p in pictures
        ]
    path.write_bytes(b"".join(pictures))
    assert not is_photo(path)
    assert fitting_suffix(path) == ".mp4"
    source = open_source(path)
    assert isinstance(source, FileSource)
    copy(source, output)
    assert source.damage == 0
    assert len(times_of(output)) == 30


def test_a_jpeg_with_trailing_data_is_a_photo(tmp_path: Path, pictures: list[bytes]) -> None:
    for number, tail in enumerate((b"", b"\0" * 500, b"\0\0\0\x20ftypisom", pictures[1][:200])):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(pictures[0] + tail)
        assert is_photo(path)


def test_a_photo_with_a_smaller_picture_behind_it_is_a_photo(
    tmp_path: Path, astronaut: NDArray[np.uint8]
) -> None:
    path = tmp_path / "map.jpg"
    path.write_bytes(jpeg(astronaut) + jpeg(astronaut[::2, ::2]))
    assert is_photo(path)


def test_a_stereo_photo_is_a_photo(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    path = tmp_path / "stereo.mpo"
    left, right = (Image.fromarray(np.roll(astronaut, n, axis=1)) for n in (0, 8))
    left.save(path, "MPO", save_all=True, append_images=[right])
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 2
    assert is_photo(path)


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 2}])
def test_scans_and_restarts_do_not_end_a_picture(
    tmp_path: Path, astronaut: NDArray[np.uint8], options: dict[str, int]
) -> None:
    one = jpeg(astronaut, **options)
    path = tmp_path / "one.jpg"
    path.write_bytes(one)
    assert is_photo(path)
    path.write_bytes(one * 3)
    assert not is_photo(path)
    with closing(open_source(path)) as source:
        assert len(list(source.read())) == 3
