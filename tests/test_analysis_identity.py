"""Which files an analysis belongs to."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import av
import pytest
from analysis_kit import HEADER

from streamguard.analysis.identity import check_identity, identify
from streamguard.analysis.records import FileRecord
from streamguard.errors import AnalysisError, CancelledError, SourceError, SourceNotFoundError
from streamguard.sources import open_source


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "secret folder" / "a.mp4"
    path.parent.mkdir()
    path.write_bytes(b"x" * 3_000_000)
    digest = hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert identify([path]) == (FileRecord("a.mp4", 3_000_000, digest),)


def check(files: Sequence[Path], against: Sequence[Path]) -> None:
    check_identity(replace(HEADER, files=identify(files)), against)


def test_another_name_is_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"one")
    check([tmp_path / "a"], [tmp_path / "b"])


@pytest.mark.parametrize("content", [b"two", b"longer", b""])
def test_other_content_is_another_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(content)
    with pytest.raises(AnalysisError, match="not the file that was analyzed"):
        check([tmp_path / "a"], [tmp_path / "b"])
    with pytest.raises(AnalysisError, match="2 files"):
        check([tmp_path / "a"], [tmp_path / "a", tmp_path / "b"])


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError):
        identify([tmp_path / "missing"])
    with pytest.raises(SourceError, match="regular file"):
        identify([tmp_path])


def test_a_file_that_changes_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")

    class Touching:
        def __init__(self) -> None:
            self._real = hashlib.new("sha256")

        def update(self, block: bytes) -> None:
            os.utime(path, ns=(1, 1))
            self._real.update(block)

        def hexdigest(self) -> str:
            return self._real.hexdigest()

    monkeypatch.setattr("streamguard.analysis.identity.hashlib.sha256", Touching)
    with pytest.raises(SourceError, match="changed while"):
        identify([path])


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one")
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(CancelledError):
        identify([tmp_path / "a"], cancelled)


def test_a_playlist_is_all_that_it_names(tmp_path: Path, face_clip: Path) -> None:
    path = tmp_path / "list.m3u8"
    with (
        av.open(str(face_clip)) as source,
        av.open(str(path), "w", format="hls", options={"hls_time": "1"}) as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    segments = sorted(tmp_path.glob("*.ts"))
    assert segments
    with closing(open_source(path)) as opened:
        assert opened.files_read == (path, *segments)
        known = replace(HEADER, files=identify(opened.files_read))
        segments[-1].write_bytes(segments[-1].read_bytes()[:-1] + b"!")
        with pytest.raises(AnalysisError, match=segments[-1].name):
            check_identity(known, opened.files_read)


def test_a_photo_and_an_animation_are_themselves(tmp_path: Path) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.png")
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    for path in (tmp_path / "a.png", tmp_path / "a.gif"):
        with closing(open_source(path)) as opened:
            assert opened.files_read == (path,)
