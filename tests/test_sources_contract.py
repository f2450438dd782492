"""What every source owes, and what every sink owes: one suite, run over each."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streamguard.errors import SinkError
from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict
from streamguard.protocols import Sink, Source
from streamguard.redaction import MaskRedactor
from streamguard.settings import RedactionSettings, Settings
from streamguard.sinks import open_sink
from streamguard.sources import LocalSource, open_source

SOURCES = ("video", "photo", "gif")
OUTPUTS = (
    "out.mp4", "out.mov", "out.mkv", "out.webm", "out.avi", "out.ts", "out.flv", "out.mpg",
    "out.gif",
)  # fmt: skip


@pytest.fixture(params=SOURCES)
def source_path(
    request: pytest.FixtureRequest, tmp_path: Path, face_clip: Path, astronaut: NDArray[np.uint8]
) -> Path:
    if request.param == "video":
        return face_clip
    if request.param == "gif":
        path = tmp_path / "in.gif"
        copy(open_source(face_clip), path)
        return path
    path = tmp_path / "in.png"
    av.VideoFrame.from_ndarray(astronaut, format="rgb24").save(str(path))
    return path


def redact(frame: Frame) -> RedactedFrame:
    return MaskRedactor(RedactionSettings()).redact(Verdict(frame))


def copy(source: LocalSource, output: Path, settings: Settings | None = None) -> Sink:
    """Pass a whole source through the redactor, nothing covered."""
    with closing(source):
        sink = open_sink(output, source, settings or Settings())
        for item in source.read():
            if isinstance(item, Frame):
                sink.write(redact(item))
            else:
                sink.passthrough(item)
        sink.close()
    return sink


def times_of(path: Path) -> list[float]:
    """Presentation times of all frames, in seconds since the first."""
    with av.open(str(path)) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    return [time - times[0] for time in times]


def test_source_is_one_and_counts_upward(source_path: Path) -> None:
    with closing(open_source(source_path)) as source:
        assert isinstance(source, Source)
        frames = [item for item in source.read() if isinstance(item, Frame)]
    assert [frame.index for frame in frames] == list(range(len(frames)))
    times = [frame.time_ms for frame in frames]
    assert times[0] == 0
    assert times == sorted(times)
    for frame in frames:
        assert frame.picture.pts is not None
        assert frame.picture.time_base == source.info.time_base
        assert (frame.width, frame.height) == (source.info.width, source.info.height)
        assert frame.picture.format.name == source.info.pix_fmt


def test_source_closes_twice_and_from_another_thread(source_path: Path) -> None:
    source = open_source(source_path)
    items = source.read()
    next(items)
    closer = threading.Thread(target=source.close)
    closer.start()
    closer.join(10)
    assert not closer.is_alive()
    list(items)
    source.close()


def test_source_describes_itself(source_path: Path) -> None:
    with closing(open_source(source_path)) as source:
        described = source.describe()
    assert described["width"] == source.info.width
    assert described["redacted"] in source.streams_kept
    assert source.damage == 0


@pytest.mark.parametrize("name", OUTPUTS)
def test_sink_keeps_every_frame_at_its_time(tmp_path: Path, face_clip: Path, name: str) -> None:
    output = tmp_path / name
    sink = copy(open_source(face_clip), output)
    assert isinstance(sink, Sink)
    assert list(tmp_path.iterdir()) == [output]
    assert times_of(output) == pytest.approx(times_of(face_clip), abs=0.002)


@pytest.mark.parametrize("name", OUTPUTS)
def test_sink_shows_nothing_until_closed_and_nothing_when_aborted(
    tmp_path: Path, face_clip: Path, name: str
) -> None:
    output = tmp_path / name
    with closing(open_source(face_clip)) as source:
        sink = open_sink(output, source, Settings())
        for item in source.read():
            if isinstance(item, Frame):
                sink.write(redact(item))
        assert not output.exists()
        threading.Thread(target=sink.abort).start()
        sink.abort()
        sink.abort()
        sink.close()
    assert not output.exists()


@pytest.mark.parametrize("name", ["out.mp4", "out.gif"])
def test_sink_without_a_frame_writes_no_file(tmp_path: Path, face_clip: Path, name: str) -> None:
    with closing(open_source(face_clip)) as source:
        sink = open_sink(tmp_path / name, source, Settings())
        with pytest.raises(SinkError):
            sink.close()
    assert list(tmp_path.iterdir()) == []


def test_sink_closes_twice_and_survives_abort(tmp_path: Path, face_clip: Path) -> None:
    output = tmp_path / "out.mp4"
    sink = copy(open_source(face_clip), output)
    before = output.read_bytes()
    sink.close()
    sink.abort()
    assert output.read_bytes() == before


def test_sound_passes_packet_for_packet(tmp_path: Path, face_clip: Path) -> None:
    output = tmp_path / "out.mp4"
    copy(open_source(face_clip), output)

    def packets(path: Path) -> list[tuple[int | None, bytes]]:
        with closing(open_source(path)) as source:
            kept = [i.packet for i in source.read() if isinstance(i, PassthroughPacket)]
            return [(packet.pts, bytes(packet)) for packet in kept]

    assert packets(output) == packets(face_clip)
    assert len(packets(output)) > 50


@pytest.mark.parametrize("extension", ["png", "bmp", "tiff", "webp"])
def test_photo_is_kept_without_loss(
    tmp_path: Path, astronaut: NDArray[np.uint8], extension: str
) -> None:
    photo = tmp_path / "in.png"
    av.VideoFrame.from_ndarray(astronaut, format="rgb24").save(str(photo))
    output = tmp_path / f"out.{extension}"
    copy(open_source(photo), output)
    with av.open(str(output)) as container:
        back = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.array_equal(back, astronaut)


@pytest.mark.parametrize("name", ["out.jpg", "out.png"])
def test_photo_is_brought_upright_and_its_tags_are_gone(
    tmp_path: Path, astronaut: NDArray[np.uint8], name: str
) -> None:
    image = pytest.importorskip("PIL.Image")
    exif = image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SecretMaker"  # turn right, camera maker
    photo = tmp_path / "in.jpg"
    image.fromarray(astronaut[:, :400]).save(photo, quality=95, exif=exif)
    copy(open_source(photo), tmp_path / name)
    assert b"SecretMaker" in photo.read_bytes()
    assert b"SecretMaker" not in (tmp_path / name).read_bytes()
    with image.open(tmp_path / name) as result:
        back = np.asarray(result.convert("RGB")).astype(int)
    assert back.shape == (400, 512, 3)
    assert np.abs(back - np.rot90(astronaut[:, :400], -1)).mean() < 4


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.avi"])
def test_rotation_looks_the_same(tmp_path: Path, degrees: int, mirrored: bool, name: str) -> None:
    turned = tmp_path / "in.mp4"
    coded = np.full((64, 96, 3), 40, np.uint8)
    coded[:20, :30] = 230  # only one corner is bright
    with av.open(str(turned), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 96, 64
        stream.set_display_rotation(degrees, hflip=mirrored)
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(coded, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    output = tmp_path / name
    copy(open_source(turned), output)
    assert np.abs(as_shown(output) - as_shown(turned)).mean() < 4


def as_shown(path: Path) -> NDArray[np.int64]:
    """The first picture as a player shows it, by the display matrix applied point by point."""
    with closing(open_source(path)) as source:
        frame = next(item for item in source.read() if isinstance(item, Frame))
        matrix = source.traits.orientation.matrix or (1, 0, 0, 0, 1, 0, 0, 0, 1)
    picture = frame.picture.to_ndarray(format="gray").astype(int)
    a, b, _, c, d = (int(np.sign(value)) for value in matrix[:5])
    if a == 0:
        return np.asarray(picture.T[::b, ::c])
    return np.asarray(picture[::d, ::a])
