"""One clock for all tracks, and the part of a video that is asked for."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_sources_contract import copy, times_of

from streamguard.errors import UsageError
from streamguard.frames import Frame
from streamguard.settings import InputSettings
from streamguard.sources import open_source
from streamguard.sources.file import FileSource
from streamguard.sources.joining import ClockJoiner

PICTURE, SOUND = Fraction(1, 25), Fraction(1024, 48_000)
Event = tuple[int, Fraction]


def recording(start: Fraction, seconds: Fraction, late: Fraction = Fraction(0)) -> list[Event]:
    """Packets of a picture track (0) and a sound track (1), as they lie in the file."""
    events = [(start + n * PICTURE, 0, start + n * PICTURE) for n in range(int(seconds / PICTURE))]
    events += [
        (start + n * SOUND + late, 1, start + n * SOUND) for n in range(int(seconds / SOUND))
    ]
    return [(track, time) for _, track, time in sorted(events)]


def shifted(offsets: ClockJoiner, events: list[Event]) -> list[Event]:
    lasts = (PICTURE, SOUND)
    return [
        (track, time + offsets.shift(track, time, time, lasts[track])) for track, time in events
    ]


@pytest.mark.parametrize(
    ("second", "broadcast"),
    [
        ("0", True),
        ("0", False),
        ("1.8", True),
        ("1.2", False),
        ("1000", True),
        ("-50", True),
        ("95443.7", True),
    ],
)
@pytest.mark.parametrize("late", ["0", "0.3"])
def test_a_jump_shifts_picture_and_sound_together(second: str, broadcast: bool, late: str) -> None:
    first = recording(Fraction(0), Fraction(2), Fraction(late))
    then = recording(Fraction(second), Fraction(2), Fraction(late))
    offsets = ClockJoiner(Fraction(0), broadcast=broadcast)
    assert shifted(offsets, first) == first
    result = shifted(offsets, then)
    assert offsets.jumps == 1
    (offset,) = {new - old for (_, new), (_, old) in zip(result, then, strict=True)}
    assert float(Fraction(second) + offset) == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(("pause", "broadcast"), [("9", True), ("9", False), ("4000", False)])
def test_a_pause_stays(pause: str, broadcast: bool) -> None:
    offsets = ClockJoiner(Fraction(0), broadcast=broadcast)
    events = recording(Fraction(0), Fraction(2)) + recording(2 + Fraction(pause), Fraction(2))
    assert shifted(offsets, events) == events


def test_sound_that_stops_for_long_comes_back_in_step() -> None:
    sound = [event for event in recording(Fraction(0), Fraction(40)) if event[0] == 0]
    sound += recording(Fraction(40), Fraction(2))
    events = recording(Fraction(0), Fraction(1))
    last = max(time for _, time in events)
    events += [event for event in sound if event[1] > last]
    assert shifted(ClockJoiner(Fraction(0), broadcast=True), events) == events


def test_one_packet_with_a_wrong_time_moves_nothing_else() -> None:
    events = recording(Fraction(0), Fraction(4))
    wrong = [*events[:100], (0, Fraction(-3)), *events[100:]]
    result = shifted(ClockJoiner(Fraction(0), broadcast=True), wrong)
    assert result[:100] + result[101:] == events


def test_text_follows_the_pictures_and_tells_no_jump() -> None:
    offsets = ClockJoiner(Fraction(0))
    shifted(offsets, recording(Fraction(0), Fraction(10)))
    assert offsets.shift(2, None, Fraction(1), sparse=True) == 0
    shifted(offsets, recording(Fraction(0), Fraction(1)))
    assert offsets.jumps == 1
    assert offsets.shift(2, None, Fraction(1, 2), sparse=True) == pytest.approx(10, abs=0.05)
    assert offsets.jumps == 1


@hypothesis_settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-10_000, 90_000), st.integers(1, 4)), min_size=1, max_size=5),
    st.integers(0, 5),
)
def test_time_never_runs_backwards_whatever_is_joined(
    parts: list[tuple[int, int]], late: int
) -> None:
    events = [
        event
        for start, seconds in parts
        for event in recording(Fraction(start), Fraction(seconds), Fraction(late, 10))
    ]
    offsets = ClockJoiner(Fraction(parts[0][0]), broadcast=True)
    result = shifted(offsets, events)
    assert min(time for _, time in result) >= -Fraction(1, 20)
    for track, lasts in ((0, PICTURE), (1, SOUND)):
        times = [time for number, time in result if number == track]
        steps = np.diff(np.array(times, float))
        assert (steps > -0.051 - 6 * float(lasts)).all()
    # Picture and sound that lay at one time still do.
    whole = sum(seconds for _, seconds in parts)
    pauses = sum(10 for _ in parts)
    assert max(time for _, time in result) <= whole + pauses


def joined(path: Path, starts: list[float], seconds: int = 2) -> Path:
    """Write recordings with beeps into one MPEG transport stream, each with a clock of its own."""
    data = b""
    for start in starts:
        part = path.with_name(f"part{start}.ts")
        with av.open(str(part), "w", format="mpegts") as output:
            video = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            video.width, video.height = 64, 48
            audio = output.add_stream("aac", rate=48_000, layout="mono")
            for number in range(25 * seconds):
                frame = av.VideoFrame.from_ndarray(
                    np.full((48, 64, 3), number, np.uint8), format="rgb24"
                )
                frame.pts = round((start * 25) + number)
                frame.time_base = PICTURE
                output.mux(video.encode(frame))
                tone = np.sin(np.arange(1920) / 10, dtype=np.float32)[None] / 4
                sound = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                sound.sample_rate, sound.pts = 48_000, round(start * 48_000) + 1920 * number
                sound.time_base = Fraction(1, 48_000)
                output.mux(audio.encode(sound))
            output.mux(video.encode(None))
            output.mux(audio.encode(None))
        data += part.read_bytes()
    path.write_bytes(data)
    return path


def ends(path: Path) -> tuple[float, float, int, int]:
    """Return where picture and sound end, in seconds, and how many packets there are."""
    last, count = [0.0, 0.0], [0, 0]
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size and packet.pts is not None:
                kind = int(packet.stream.type == "audio")
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                last[kind] = max(last[kind], end)
                count[kind] += 1
    return last[0], last[1], count[0], count[1]


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.avi", "out.mpg", "out.webm"])
def test_a_file_that_starts_late_starts_near_zero(tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    copy(open_source(joined(tmp_path / "in.ts", [40_000])), output)
    picture, sound, *_ = ends(output)
    assert picture == pytest.approx(2, abs=0.8 if name == "out.mpg" else 0.15)
    assert sound == pytest.approx(picture, abs=0.15)
    assert times_of(output)[-1] == pytest.approx(49 / 25, abs=0.01)


@pytest.mark.parametrize("starts", [[0, 0], [100, 0], [0, 100], [0, 1.6], [0, 1.8, 0], [95_442, 0]])
def test_joined_recordings_keep_all_sound_beside_its_picture(
    tmp_path: Path, starts: list[float]
) -> None:
    source, output = joined(tmp_path / "in.ts", starts), tmp_path / "out.mp4"
    copy(open_source(source), output)
    picture, sound, pictures, sounds = ends(output)
    assert pictures == 50 * len(starts)
    assert picture == pytest.approx(2 * len(starts), abs=0.15)
    assert sound == pytest.approx(picture, abs=0.1)
    assert ends(source)[3] - sounds <= 2 * (len(starts) - 1)


@pytest.fixture(params=["mp4", "mkv", "ts", "avi"])
def numbered(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Four seconds whose frame ``n`` is as bright as ``2 * n``, with sound."""
    path = tmp_path / f"in.{request.param}"
    with av.open(str(path), "w") as output:
        options = {"preset": "fast", "crf": "4"}
        video = output.add_stream("libx264", rate=25, options=options)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.gop_size = 20
        if request.param == "avi":
            video.codec_context.max_b_frames = 0
        audio = output.add_stream("libmp3lame", rate=48_000, layout="mono")
        for number in range(100):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane, value in zip(frame.planes, (20 + 2 * number, 128, 128), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            frame.pts, frame.time_base = number, PICTURE
            output.mux(video.encode(frame))
            sound = av.AudioFrame.from_ndarray(
                np.zeros((1, 1920), np.float32), format="fltp", layout="mono"
            )
            sound.sample_rate, sound.pts = 48_000, 1920 * number
            sound.time_base = Fraction(1, 48_000)
            output.mux(audio.encode(sound))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))
    return path


def seen(source: FileSource) -> tuple[list[int], list[float], list[float]]:
    """Return the numbers of the frames that are read, their times, and those of the sound."""
    numbers, pictures, sound = [], [], []
    for item in source.read():
        if isinstance(item, Frame):
            numbers.append(round((memoryview(item.picture.planes[0])[0] - 20) / 2))
            pictures.append(float(item.picture.time or 0))
        else:
            sound.append(float((item.packet.pts or 0) * item.packet.time_base))
    return numbers, pictures, sound


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [(0, 1, 0, 24), (1.5, 2.5, 38, 62), (3, None, 75, 99), (0.04, 0.08, 1, 1), (2.39, 9, 60, 99)],
)
def test_a_part_has_exactly_its_frames(
    numbered: Path, start: float, end: float | None, first: int, last: int
) -> None:
    with closing(open_source(numbered)) as whole:
        assert isinstance(whole, FileSource)
        origin = seen(whole)[1][0]
    begin, until = start + origin, None if end is None else end + origin
    with closing(open_source(numbered, InputSettings(start=begin, end=until))) as source:
        assert isinstance(source, FileSource)
        numbers, pictures, sound = seen(source)
        assert source.damage == 0
    assert numbers == list(range(first, last + 1))
    assert pictures[0] == pytest.approx(first / 25 - start, abs=0.021)  # AVI counts frames
    assert all(-0.03 <= time < (end or 4.1) - start for time in sound)
    expected = (min(end or 4, 4) - start) / 0.024
    assert len(sound) == pytest.approx(expected, abs=3)


def test_a_part_after_the_end_is_wrong_usage(face_clip: Path) -> None:
    with (
        closing(open_source(face_clip, InputSettings(start=60))) as source,
        pytest.raises(UsageError, match="60 s"),
    ):
        list(source.read())


def test_sound_can_be_left_out_and_that_is_told(face_clip: Path, tmp_path: Path) -> None:
    source = open_source(face_clip, InputSettings(sound=False))
    copy(source, tmp_path / "out.mp4")
    assert any("audio" in text for text in source.streams_dropped)
    assert not any("audio" in text for text in source.streams_kept)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio
