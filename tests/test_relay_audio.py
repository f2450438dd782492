"""Sound through a relay: left out unless asked for, and then in step with the pictures."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_kit import Judge, free_port, plan_of, relaying, slowness, until, written
from sound_kit import COPY, beeps, offsets, server, tracks, write_clip

from streamguard.frames import RedactedFrame
from streamguard.handoff import sound_ring
from streamguard.handoff.sound_ring import SoundRing
from streamguard.media.address import parse_address
from streamguard.media.timing import SECOND
from streamguard.sinks import open_live_sink
from streamguard.sinks.kinds import LiveSink
from streamguard.sinks.livemux import LiveFormat
from streamguard.sources.sound import (
    SoundClock,
    audio_specific_config,
    config_of,
    head_of,
    without_adts,
)

STEP = 1024 / 48_000


def ring() -> SoundRing:
    return SoundRing(memoryview(bytearray(sound_ring.SIZE)), 0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("sound") / "clip.mp4", seconds=3.6)


def packets_of(path: Path) -> Iterator[tuple[bytes, bytes, float]]:
    """Yield head, data and time of each packet of sound in a file."""
    with av.open(str(path)) as container:
        head = head_of(container.streams.audio[0])
        framed = config_of(container.streams.audio[0])
        for packet in container.demux(audio=0):
            if packet.size and packet.pts is not None:
                data = bytes(without_adts(packet) if framed else packet)
                yield head, data, float(packet.pts * packet.time_base)


def test_sound_stays_in_step_through_a_lost_connection(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    # Played again and again, the clip's end is a lost connection.
    with relaying(plan_of(str(clip), out, live=COPY)) as supervisor:
        until(supervisor, lambda camera: camera.status.reconnects, 30)
        until(supervisor, written(70), 20)
    found = offsets(out)
    assert len(found) >= 4
    # A flash whose first frames were dropped is seen late; that says nothing of sound.
    assert median(map(abs, found)) < 0.1 * slowness(), found
    judge = Judge()
    judge.look_at_file(out)
    assert judge.raw == 0


@pytest.mark.parametrize(
    ("source", "scheme", "form"), [("clip.ts", "rtsp", "rtsp"), ("clip.mp4", "rtmp", "flv")]
)
def test_a_server_gets_both_in_step(tmp_path: Path, source: str, scheme: str, form: str) -> None:
    clip = write_clip(tmp_path / source, seconds=30)
    url, served = f"{scheme}://127.0.0.1:{free_port()}/live/x", tmp_path / "served.mkv"
    process = server(url, form, served)
    try:
        with relaying(plan_of(str(clip), url, live=COPY, retry_interval=0.5)) as supervisor:
            until(supervisor, lambda _camera: process.poll() is not None, 40)
    finally:
        process.kill()
        process.wait(5)
    assert sorted(tracks(served)) == ["aac", "h264"]
    found = offsets(served)
    assert len(found) >= 3
    assert median(map(abs, found)) < 0.1 * slowness(), found


def test_processes_that_die_come_back_with_sound(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", seconds=30)
    with relaying(plan_of(str(clip), tmp_path / "out.mp4", live=COPY)) as supervisor:
        until(supervisor, written(20))
        pids = supervisor.cameras["cam"].pids
        os.kill(next(pid for name, pid in pids.items() if "out.mp4" in name), signal.SIGKILL)
        until(supervisor, written(20))
        os.kill(next(pid for name, pid in pids.items() if "camera" in name), signal.SIGKILL)
        until(supervisor, lambda camera: camera.restarts >= 2)
        until(supervisor, written(60))
    path = tmp_path / "out-1.mp4"
    assert tracks(path) == ["h264", "aac"]
    assert min(map(abs, offsets(path)[-2:])) < 0.1 * slowness()


def test_every_file_of_a_recording_has_its_sound(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "rec-%Y%m%d-%H%M%S.mp4"
    with relaying(plan_of(str(clip), out, live=COPY, record_minutes=2.2 / 60)) as supervisor:
        until(supervisor, lambda _camera: len(list(tmp_path.glob("rec-*.mp4"))) >= 3, 30)
    for path in sorted(tmp_path.glob("rec-*.mp4"))[:2]:
        assert tracks(path) == ["h264", "aac"]
        assert offsets(path)
        assert min(map(abs, offsets(path))) < 0.1 * slowness()


def test_without_being_asked_sound_is_dropped_and_that_is_said(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with relaying(plan_of(str(clip), tmp_path / "out.mp4")) as supervisor:
        until(supervisor, written(10))
    assert tracks(tmp_path / "out.mp4") == ["h264"]
    assert "sound: dropped" in caplog.text


def sink_for(path: Path, box: SoundRing) -> LiveSink:
    form = LiveFormat(width=64, height=64, frame_rate=25)
    return open_live_sink(parse_address(str(path)), form, box)


def play(sink: LiveSink, frames: range) -> None:
    """Write 25 grey frames a second; the first is of 100 s."""
    for number in frames:
        picture = av.VideoFrame(64, 64, "yuv420p")
        for plane in picture.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        sink.write(RedactedFrame(picture, number), 100 * SECOND + number * SECOND // 25)


def write(path: Path, box: SoundRing, count: int) -> None:
    sink = sink_for(path, box)
    play(sink, range(count))
    sink.close()


def fill(box: SoundRing, clip: Path, start: float) -> None:
    for head, data, at in packets_of(clip):
        box.announce(head)
        box.write(data, round((start + at) * SECOND), round(STEP * SECOND))


def test_sound_that_begins_late_keeps_its_place(clip: Path, tmp_path: Path) -> None:
    box = ring()
    fill(box, clip, 101.3)
    write(tmp_path / "out.mp4", box, 100)
    times = [at for _, _, at in packets_of(tmp_path / "out.mp4")]
    # The first packet of a clip is the encoder's own silence, before its beginning.
    assert times[0] == pytest.approx(1.3 - STEP, abs=0.002)
    assert beeps(tmp_path / "out.mp4")[-1] == pytest.approx(3.3, abs=0.02)


def test_another_form_of_sound_costs_the_sound_only(
    clip: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = ring()
    fill(box, clip, 100.0)
    sink = sink_for(tmp_path / "out.mp4", box)
    play(sink, range(50))
    box.announce(b"another")
    box.write(bytes(100), 103_700_000_000, round(STEP * SECOND))
    box.write(bytes(100), 103_800_000_000, round(STEP * SECOND))
    play(sink, range(50, 110))
    sink.close()
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 110
    assert len(beeps(tmp_path / "out.mp4")) == 3
    assert caplog.text.count("left out from now on: it is another one now") == 1


def test_pictures_never_wait_for_sound(clip: Path, tmp_path: Path) -> None:
    box = ring()
    for head, data, at in packets_of(clip):
        if at < 1:
            box.announce(head)
            box.write(data, round((100 + at) * SECOND), round(STEP * SECOND))
    sink = sink_for(tmp_path / "out.ts", box)
    # The sound ends after a second, the pictures go on for another three.
    play(sink, range(100))
    with av.open(str(tmp_path / "out.part.ts")) as container:
        assert sum(1 for packet in container.demux(video=0) if packet.size) >= 98
    sink.close()


@pytest.mark.parametrize(
    ("codec", "rate", "name", "kept"),
    [
        ("aac", 48_000, "out.mp4", True),
        ("pcm_mulaw", 8_000, "out.mp4", False),
        ("pcm_mulaw", 8_000, "out.mov", True),
        ("flac", 48_000, "out.mkv", True),
        ("flac", 48_000, "out.ts", False),
    ],
)
def test_what_an_output_cannot_hold_is_left_out_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, codec: str, rate: int, name: str, kept: bool
) -> None:
    suffix = ".mov" if codec.startswith("pcm") else ".mkv"
    box = ring()
    fill(box, write_clip(tmp_path / f"clip{suffix}", seconds=1.5, codec=codec, rate=rate), 100.0)
    write(tmp_path / name, box, 30)
    assert (len(tracks(tmp_path / name)) == 2) is kept
    assert ("the sound is left out" in caplog.text) is not kept


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_aac_in_adts_frames_is_described_as_its_encoder_does(tmp_path: Path, rate: int) -> None:
    # Both times the same packets; only one container keeps their description.
    framed, described = (
        write_clip(tmp_path / name, seconds=1.2, rate=rate) for name in ("clip.ts", "clip.mp4")
    )
    with av.open(str(framed)) as one, av.open(str(described)) as other:
        extradata = other.streams.audio[0].codec_context.extradata
        assert extradata
        assert config_of(one.streams.audio[0]) == extradata[:2]
        assert config_of(other.streams.audio[0]) == b""
    bare = [data for _, data, _ in packets_of(framed)]
    assert bare == [data for _, data, _ in packets_of(described)][: len(bare)]
    assert len(bare) > 8


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.ts"])
def test_aac_in_adts_frames_can_be_recorded(tmp_path: Path, name: str) -> None:
    box = ring()
    fill(box, write_clip(tmp_path / "clip.ts", seconds=3.6), 100.0)
    write(tmp_path / name, box, 90)
    assert tracks(tmp_path / name) == ["h264", "aac"]
    assert len(beeps(tmp_path / name)) >= 2


def test_an_adts_header_with_a_checksum_goes_as_a_whole() -> None:
    body = bytes(range(40))
    for head, rest in ((b"\xff\xf1" + bytes(5), body), (b"\xff\xf8" + bytes(7), body)):
        packet = av.Packet(head + rest)
        packet.pts, packet.duration, packet.time_base = 7, 3, Fraction(1, 90)
        bare = without_adts(packet)
        assert bytes(bare) == body
        assert (bare.pts, bare.duration, bare.time_base) == (7, 3, Fraction(1, 90))
    for other in (b"", b"\xff", b"\xff\xf1", b"\x21" + body):
        assert bytes(without_adts(av.Packet(other))) == other


def test_an_output_begun_before_the_sound_is_begun_again(clip: Path, tmp_path: Path) -> None:
    box = ring()
    sink = sink_for(tmp_path / "out.mp4", box)
    play(sink, range(5))
    fill(box, clip, 100.0)
    play(sink, range(5, 30))
    sink.close()
    assert tracks(tmp_path / "out.mp4") == ["h264"]
    assert tracks(tmp_path / "out-1.mp4") == ["h264", "aac"]


@given(st.lists(st.binary(min_size=0, max_size=60_000), max_size=60), st.integers(1, 40))
def test_a_ring_gives_back_what_was_put_in_or_nothing(packets: list[bytes], often: int) -> None:
    box = ring()
    wrote = (packets * often)[:1500]
    for number, data in enumerate(wrote):
        assert box.write(data, number, 20_000_000)
    assert box.newest == len(wrote)
    for sequence in range(box.oldest, box.newest + 1):
        sound = box.read(sequence)
        assert sound is None or sound.data == wrote[sequence - 1]
    if wrote:
        newest = box.read(box.newest)
        assert newest is not None
        assert newest.at == len(wrote) - 1


def test_a_ring_refuses_what_is_too_large_and_forgets_what_is_old() -> None:
    box = ring()
    assert not box.announce(bytes(100_000))
    assert not box.write(bytes(2**20), 0, 0)
    for number in range(2000):
        box.write(b"x", number, 0)
    assert box.read(1) is None
    assert box.read(2000) is not None


def test_the_same_head_again_changes_nothing() -> None:
    box = ring()
    forms = []
    for head in (b"one", b"one", b"two", b"one"):
        box.announce(head)
        forms.append(box.head())
    assert forms == [(1, b"one"), (1, b"one"), (2, b"two"), (3, b"one")]


def test_sound_takes_the_clock_of_the_pictures() -> None:
    clock = SoundClock()
    chance = np.random.default_rng(1)
    times = []
    for number in range(500):
        now = 1000 + number / 25
        clock.picture(50 + number / 25, now + 0.1 + chance.uniform(0, 0.03))
        # Sound comes 0.3 s sooner than the picture it was recorded with.
        times.append(clock.time_of(50 + number / 25, now - 0.2))
    errors = [time - (1000 + n / 25 + 0.115) for n, time in enumerate(times) if time and n > 100]
    assert max(map(abs, errors)) < 0.02
    steps = np.diff([time for time in times if time])
    assert np.abs(steps - 0.04).max() < 0.005


@pytest.mark.parametrize("shift", [-30.0, 30.0])
def test_time_stamps_that_jump_are_followed(shift: float) -> None:
    clock = SoundClock()
    for number in range(100):
        now, stamp = 10 + number / 25, number / 25 + (shift if number >= 50 else 0.0)
        clock.picture(stamp, now)
        time = clock.time_of(stamp, now)
        assert time is None or abs(time - now) < 0.05
    assert time is not None


def test_sound_that_counts_from_elsewhere_is_of_the_moment_it_came() -> None:
    clock = SoundClock()
    clock.picture(5.0, 100.0)
    assert clock.time_of(9000.0, 100.1) == pytest.approx(100.1)
    assert clock.time_of(None, 100.2) is None
    # Never twice the same, never back.
    assert clock.time_of(9000.0, 100.3) is not None
    assert clock.time_of(8999.9, 100.3) is None


@pytest.mark.parametrize(
    ("profile", "rate", "channels", "config"),
    [
        ("LC", 44_100, 2, "1210"),
        ("HE-AAC", 48_000, 2, "2b118800"),
        ("HE-AACv2", 44_100, 2, "eb8a0800"),
        ("HE-AAC", 12_345, 2, ""),
        ("HE-AAC", 7_350, 2, ""),
        ("xHE-AAC", 48_000, 2, ""),
    ],
)
def test_aac_is_described_for_mp4(profile: str, rate: int, channels: int, config: str) -> None:
    assert audio_specific_config(profile, rate, channels).hex() == config


@pytest.mark.parametrize("profile", ["HE-AAC", "HE-AACv2"])
def test_ffmpeg_reads_the_full_rate_of_he_aac(
    profile: str, face_clip: Path, tmp_path: Path
) -> None:
    path = tmp_path / "he.mp4"
    with av.open(str(face_clip)) as source, av.open(str(path), "w") as output:
        copy = output.add_stream_from_template(source.streams.audio[0])
        copy.codec_context.extradata = audio_specific_config(profile, 48_000, 2)
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = copy
                output.mux(packet)
    with av.open(str(path)) as written:
        context = written.streams.audio[0].codec_context
        assert context.sample_rate == 48_000
