"""What a video says of itself beside its pixels: kept where the format can, else said by name."""

from __future__ import annotations

import re
import struct
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import matplotlib
import numpy as np
import pytest
from test_sources_contract import copy, times_of

from streamguard.frames import Frame
from streamguard.media.filters import chain
from streamguard.settings import Codec, EncodingSettings, Settings
from streamguard.sinks.sphere import mark_as_sphere
from streamguard.sources import FileSource, open_source

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def film(
    path: Path,
    pix_fmt: str = "yuv420p",
    codec: str = "libx264",
    fields: str = "prog",
    **options: str,
) -> Path:
    """Write ten frames."""
    with av.open(str(path), "w") as output:
        video = cast("Any", output.add_stream(codec, rate=25, options=options))
        video.width, video.height, video.pix_fmt = 64, 48, pix_fmt
        for number in range(10):
            picture = np.full((48, 64, 3), 20 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)
            graph = chain(frame, f"setfield={fields}")
            graph.vpush(frame)
            frame = graph.vpull()
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return path


def notes_of(source: Path, output: Path, codec: Codec = Codec.H264, keep: bool = False) -> str:
    settings = Settings(encoding=EncodingSettings(codec=codec), keep_metadata=keep)
    return "; ".join(cast("Any", copy(open_source(source), output, settings)).notes)


def traits(path: Path) -> Any:
    source = open_source(path)
    assert isinstance(source, FileSource)
    source.close()
    return source.traits


@pytest.mark.parametrize("stereo", [0, 1, 2])
@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.ts"])
def test_a_360_video_says_so_or_the_loss_is_said(tmp_path: Path, name: str, stereo: int) -> None:
    flat, path = film(tmp_path / "flat.mp4", movflags=""), tmp_path / "sphere.mp4"
    assert mark_as_sphere(flat, path, stereo)
    assert traits(path).stereo == stereo
    assert traits(path).is_equirectangular
    assert not traits(flat).is_equirectangular
    assert times_of(path) == times_of(flat)
    notes = notes_of(path, tmp_path / name)
    keeps = name in ("out.mp4", "out.mov")
    assert traits(tmp_path / name).is_equirectangular == keeps
    assert ("360° mark is gone" in notes) != keeps
    assert traits(tmp_path / name).stereo == stereo
    assert "3D" not in notes
    hevc = notes_of(path, tmp_path / f"hevc-{name}", Codec.HEVC)
    assert ("3D" in hevc) == (bool(stereo) and not keeps)
    assert traits(tmp_path / f"hevc-{name}").stereo == (stereo if keeps else 0)
    assert len(times_of(tmp_path / name)) == 10
    assert not list(tmp_path.glob(".*"))


def test_a_file_without_a_place_for_the_mark_is_left_alone(tmp_path: Path) -> None:
    for content in (
        b"",
        b"\0" * 64,
        struct.pack(">I4s", 8, b"moov"),
        b"\0\0\0\x20moov" + b"\xff" * 9,
    ):
        path = tmp_path / "odd.mp4"
        path.write_bytes(content)
        assert not mark_as_sphere(path, tmp_path / "made.mp4")
        assert not (tmp_path / "made.mp4").exists()


def captioned(path: Path) -> Path:
    """Write H.264 with two bytes of captions (CEA-608 in A/53 user data) for each picture."""
    plain = film(path.with_name("plain.h264"), bf="0", threads="1", **{"x264-params": "slices=1"})
    payload = b"\xb5\x00\x31GA94\x03\x41\xff\xfc\x94\x20\xff"
    sei = b"\0\0\0\1\x06\x04" + bytes([len(payload)]) + payload + b"\x80"
    out = b""
    for nal in filter(None, re.split(b"\0\0\0\1|\0\0\1", plain.read_bytes())):
        out += (sei if nal[0] & 31 in (1, 5) else b"") + b"\0\0\0\1" + nal
    path.write_bytes(out)
    return path


@pytest.mark.parametrize("codec", list(Codec))
def test_captions_stay_or_their_loss_is_said(tmp_path: Path, codec: Codec) -> None:
    path = captioned(tmp_path / "in.h264")
    assert traits(path).captions
    notes = notes_of(path, tmp_path / "out.mp4", codec)
    assert traits(tmp_path / "out.mp4").captions != ("captions are gone" in notes)
    assert traits(tmp_path / "out.mp4").captions == (codec is Codec.H264)


def test_hdr_stays_in_webm(tmp_path: Path) -> None:
    params = (
        "log-level=error:hdr10=1:max-cll=1000,400:master-display="
        "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    )
    path = film(tmp_path / "in.mp4", "yuv420p10le", "libx265", **{"x265-params": params})
    before = traits(path)
    assert len(before.hdr) == 2
    for name in ("out.webm", "out.mkv", "out.mp4"):
        assert "HDR" not in notes_of(path, tmp_path / name)
        assert set(traits(tmp_path / name).hdr) == set(before.hdr)


@pytest.mark.parametrize(("codec", "pix_fmt"), [("prores_ks", "yuva444p10le"), ("png", "rgba")])
def test_lost_transparency_is_said_and_no_odd_size(
    tmp_path: Path, codec: str, pix_fmt: str
) -> None:
    path = film(tmp_path / "in.mov", pix_fmt, codec)
    notes = notes_of(path, tmp_path / "out.mp4")
    assert "transparency is gone" in notes
    assert "odd size" not in notes


def test_transparency_of_webm_is_read_and_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "in.webm"
    with av.open(str(path), "w") as output:
        video = cast("Any", output.add_stream("libvpx-vp9", rate=25))
        video.width, video.height, video.pix_fmt = 64, 48, "yuva420p"
        video.metadata["alpha_mode"] = "1"
        for number in range(10):
            picture = np.full((48, 64, 4), 200, np.uint8)
            picture[:, 32:, 3] = 0
            frame = av.VideoFrame.from_ndarray(picture, format="rgba").reformat(format="yuva420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    assert "transparency" not in notes_of(path, tmp_path / "out.webm")
    for name in (path, tmp_path / "out.webm"):
        with closing(open_source(name)) as source:
            assert source.info.pix_fmt == "yuva420p"
            frames = [item.picture for item in source.read() if isinstance(item, Frame)]
        assert len(frames) == 10
        alpha = np.frombuffer(memoryview(frames[-1].planes[3]), np.uint8)
        rows = alpha.reshape(-1, frames[-1].planes[3].line_size)
        assert rows[24, 8] > 200
        assert rows[24, 56] < 50
    assert "transparency is gone" in notes_of(path, tmp_path / "out.mp4")


@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.mpg", "out.mxf", "out.webm"])
def test_the_order_of_fields_stays_or_its_loss_is_said(
    tmp_path: Path, order: str, name: str
) -> None:
    path = film(
        tmp_path / "in.mp4", fields=order, flags="+ilme+ildct", **{"x264-params": f"{order}=1"}
    )
    assert traits(path).interlaced == order
    notes = notes_of(path, tmp_path / name)
    lost = name == "out.webm"
    assert ("interlaced" in notes) == lost
    assert traits(tmp_path / name).interlaced == ("" if lost else order)


@pytest.fixture
def subtitled(tmp_path: Path) -> Path:
    """A film with ASS subtitles, a font, a picture that calls itself a font, and titled sound."""
    path = tmp_path / "in.mkv"
    header = (
        "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\n"
        "Style: Default,DejaVu Sans,20\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n"
    )
    good = film(tmp_path / "good.mp4")
    words = tmp_path / "words.ass"
    words.write_text(header + "Dialogue: 0,0:00:00.04,0:00:00.20,Default,hello\n")
    with (
        av.open(str(good)) as source,
        av.open(str(words)) as text,
        av.open(str(path), "w") as output,
    ):
        video: Any = output.add_stream_from_template(source.streams.video[0])
        lines: Any = output.add_stream_from_template(text.streams.subtitles[0])
        sound = cast("Any", output.add_stream("pcm_s16le", rate=8000, layout="mono"))
        sound.metadata["title"], sound.metadata["language"] = "Commentary", "deu"
        output.add_attachment("DejaVuSans.ttf", "application/x-truetype-font", FONT.read_bytes())
        output.add_attachment(
            "face.ttf", "application/x-truetype-font", b"\xff\xd8\xff" + b"a" * 900
        )
        output.start_encoding()
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 3200), np.int16), "s16", "mono")
        silence.sample_rate, silence.pts = 8000, 0
        output.mux(sound.encode(silence))
        for container, stream in ((source, video), (text, lines)):
            for packet in container.demux():
                if packet.size and packet.dts is not None:
                    packet.stream = stream
                    output.mux(packet)
    return path


def attached(path: Path) -> dict[str, bytes]:
    with av.open(str(path)) as container:
        return {s.metadata["filename"]: s.data for s in cast("Any", container.streams.attachments)}


def test_fonts_of_subtitles_stay_in_matroska_and_nothing_else_attached_does(
    tmp_path: Path, subtitled: Path
) -> None:
    assert set(attached(subtitled)) == {"DejaVuSans.ttf", "face.ttf"}
    source = open_source(subtitled)
    copy(source, tmp_path / "out.mkv")
    assert attached(tmp_path / "out.mkv") == {"DejaVuSans.ttf": FONT.read_bytes()}
    assert len(source.streams_dropped) == 1
    assert "fonts" in notes_of(subtitled, tmp_path / "out.mp4")


@pytest.mark.parametrize("keep", [False, True])
def test_titles_of_tracks_are_kept_only_when_asked_for(
    tmp_path: Path, subtitled: Path, keep: bool
) -> None:
    notes_of(subtitled, tmp_path / "out.mkv", keep=keep)
    with av.open(str(tmp_path / "out.mkv")) as container:
        tags = container.streams.audio[0].metadata
    assert tags["language"] == "deu"
    assert tags.get("title") == ("Commentary" if keep else None)
