"""What every source owes, and what every sink owes: one suite, run over each."""

from __future__ import annotations

import threading
from contextlib import closing
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streamguard.errors import SinkError, UsageError
from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict
from streamguard.media.address import parse_address
from streamguard.media.medium import Medium
from streamguard.protocols import Sink, Source
from streamguard.redaction import MaskRedactor
from streamguard.settings import RedactionSettings, Settings
from streamguard.sinks import check_sink, open_live_sink, open_sink
from streamguard.sinks.kinds import LiveSinkKind
from streamguard.sinks.livemux import LiveFormat
from streamguard.sinks.registry import LIVE_SINKS, file_suffixes
from streamguard.sources import LocalSource, open_source
from streamguard.sources.registry import FILE_SOURCES, file_source_for

_ALIASES = frozenset(".apng .m4v .qt .3g2 .asf .mts .m2ts .mpeg .vob".split())
"""Suffixes whose files are written as those of another suffix are."""
OUTPUTS = tuple(f"out{suffix}" for suffix in sorted(file_suffixes(Medium.VIDEO) - _ALIASES))
RECORDINGS = tuple(sorted(suffix for kind in LIVE_SINKS for suffix in kind.suffixes))


@pytest.fixture(params=[kind.medium for kind in FILE_SOURCES], ids=str)
def source_path(
    request: pytest.FixtureRequest, tmp_path: Path, face_clip: Path, astronaut: NDArray[np.uint8]
) -> Path:
    """A file for every kind of source there is; a new kind needs one of its own here."""
    match request.param:
        case Medium.VIDEO:
            path = face_clip
        case Medium.ANIMATION:
            path = tmp_path / "in.gif"
            copy(open_source(face_clip), path)
        case Medium.PHOTO:
            path = tmp_path / "in.png"
            av.VideoFrame.from_ndarray(astronaut, format="rgb24").save(str(path))
    assert file_source_for(path).medium is request.param
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
    with closing(open_source(path)) as source:
        times = [item.time_ms / 1000 for item in source.read() if isinstance(item, Frame)]
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
    # The last picture of an ASF file comes back with the time of the one before it.
    known = slice(-1 if name.endswith(".wmv") else None)
    assert times_of(output)[known] == pytest.approx(times_of(face_clip)[known], abs=0.002)


@pytest.mark.parametrize("name", OUTPUTS)
def test_sink_shows_nothing_until_closed_and_nothing_when_aborted(
    tmp_path: Path, face_clip: Path, name: str
) -> None:
    output = tmp_path / name
    with closing(open_source(face_clip)) as source:
        sink = open_sink(output, source, Settings())
        frames = (item for item in source.read() if isinstance(item, Frame))
        for frame in islice(frames, 5):
            sink.write(redact(frame))
        assert not output.exists()
        threading.Thread(target=sink.abort).start()
        sink.abort()
        sink.abort()
        sink.close()
    assert not output.exists()


@pytest.mark.parametrize("name", OUTPUTS)
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


@pytest.mark.parametrize("suffix", RECORDINGS)
def test_live_sink_keeps_every_frame_at_its_time(
    tmp_path: Path, face_clip: Path, suffix: str
) -> None:
    output = tmp_path / f"out{suffix}"
    with closing(open_source(face_clip)) as source:
        info = source.info
        form = LiveFormat(width=info.width, height=info.height, frame_rate=25)
        sink = open_live_sink(parse_address(str(output)), form)
        frames = (item for item in source.read() if isinstance(item, Frame))
        assert all(
            sink.write(redact(frame), round((7000 + frame.time_ms) * 1_000_000)) for frame in frames
        )
        sink.close()
    assert times_of(output) == pytest.approx(times_of(face_clip), abs=0.002)


@pytest.mark.parametrize("kind", LIVE_SINKS)
def test_live_sinks_are_known_by_their_schemes_and_suffixes(
    tmp_path: Path, kind: LiveSinkKind
) -> None:
    for scheme in kind.schemes:
        check_sink(parse_address(f"{scheme}://example.net/a"))
    for suffix in kind.suffixes:
        check_sink(parse_address(str(tmp_path / f"a{suffix.upper()}")))
    with pytest.raises(UsageError):
        check_sink(parse_address("none://example.net/a"))
    with pytest.raises(UsageError):
        check_sink(parse_address(str(tmp_path / "a.none")))


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


def test_the_last_pictures_come_where_sound_is_the_first_track(tmp_path: Path) -> None:
    # FFmpeg numbers the packet that ends a track 0, whatever track it ends.
    path = tmp_path / "sound first.mp4"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44_100, layout="mono")
        video = container.add_stream("libx264", rate=25, options={"bf": "3"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 44_100), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate, silence.pts = 44_100, 0
        container.mux(sound.encode(silence))
        for number in range(12):
            picture = av.VideoFrame.from_ndarray(
                np.full((48, 64, 3), 20 * number, np.uint8), format="rgb24"
            )
            picture.pts, picture.time_base = number, Fraction(1, 25)
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    with closing(open_source(path)) as source:
        assert sum(isinstance(item, Frame) for item in source.read()) == 12
