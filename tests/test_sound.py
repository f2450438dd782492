"""Sound of every common codec in every container: as it is, encoded again, or its loss is said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from sound_kit import spoil_sound
from test_sources_contract import copy

import streamguard
from streamguard.sinks.reencoding import SampleClock
from streamguard.sources import FileSource, open_source

RATE, LASTS = 48_000, 0.7
CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi", "flv", "ts", "mpg", "mxf", "wmv", "3gp")
# Encoder, container it comes in, channels, rate.
SOUNDS = (
    ("libopus", "mkv", 2, RATE), ("libopus", "mkv", 6, RATE), ("libopus", "ts", 1, RATE),
    ("libvorbis", "mkv", 2, RATE), ("ac3", "mkv", 2, RATE), ("ac3", "mkv", 6, RATE),
    ("eac3", "ts", 2, RATE), ("dca", "mkv", 2, RATE), ("flac", "mkv", 2, 44_100),
    ("alac", "mkv", 2, 44_100), ("alac", "mov", 1, RATE), ("mp2", "mpg", 2, RATE),
    ("libmp3lame", "mkv", 2, 22_050), ("aac", "ts", 2, RATE), ("aac", "mp4", 6, RATE),
    ("aac", "mkv", 1, 8_000), ("wmav2", "wmv", 2, 44_100), ("pcm_s16le", "mov", 2, RATE),
    ("pcm_s24le", "mov", 2, RATE), ("pcm_f32le", "mkv", 1, 96_000), ("pcm_u8", "avi", 1, 11_025),
    ("pcm_mulaw", "mov", 1, 8_000), ("pcm_alaw", "avi", 1, 8_000), ("adpcm_ms", "avi", 2, RATE),
    ("wavpack", "mkv", 2, RATE),
)  # fmt: skip


def clip(path: Path, encoder: str, channels: int, rate: int) -> Path:
    """Write a grey film with a tone."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    strict = {"strict": "-2"}
    with av.open(str(path), "w") as output:
        codec = "mpeg2video" if path.suffix == ".mpg" else "libx264"
        video = cast("Any", output.add_stream(codec, rate=25, options={"g": "25"}))
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = cast("Any", output.add_stream(encoder, rate=rate, options=strict))
        audio.codec_context.layout = layout
        if encoder in ("dca", "wmav2"):
            audio.bit_rate = 768_000 if encoder == "dca" else 128_000
        samples = round(LASTS * rate)
        tone = np.sin(np.arange(samples) / 20, dtype=np.float32)[None].repeat(channels, 0) / 4
        sound = av.AudioFrame.from_ndarray(tone, format="fltp", layout=layout)
        sound.sample_rate, sound.pts, sound.time_base = rate, 0, Fraction(1, rate)
        for number in range(round(LASTS * 25)):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        context = audio.codec_context
        resampler = av.AudioResampler(
            context.format, context.layout, rate, context.frame_size or 1024
        )
        for piece in [*resampler.resample(sound), *resampler.resample(None)]:
            output.mux(audio.encode(piece))
        output.mux(audio.encode(None))
    return path


def heard(path: Path) -> float:
    """Return how many seconds of sound can be decoded; 0 if there is no track."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return 0.0
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def loudness(path: Path) -> float:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        pieces = [
            piece.to_ndarray()
            for frame in container.decode(audio=0)
            for piece in resampler.resample(frame)
        ]
    return float(np.sqrt(np.mean(np.concatenate(pieces, axis=1).astype(float) ** 2)))


@pytest.mark.parametrize(
    ("encoder", "ending", "channels", "rate"),
    SOUNDS,
    ids=[f"{encoder}-{channels}-{ending}" for encoder, ending, channels, _ in SOUNDS],
)
def test_sound_of_every_codec_lasts_in_every_container(
    tmp_path: Path, encoder: str, ending: str, channels: int, rate: int
) -> None:
    try:
        av.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError:
        encoder = "vorbis"
    source_path = clip(tmp_path / f"in.{ending}", encoder, channels, rate)
    before, loud = heard(source_path), loudness(source_path)
    assert before > LASTS - 0.05
    for extension in CONTAINERS:
        output = tmp_path / f"out.{extension}"
        sink = copy(open_source(source_path), output)
        notes = cast("Any", sink).notes
        after = heard(output)
        # Encoders fill their last block; MXF ends with the picture.
        assert before - (0.08 if extension == "mxf" else 0.03) <= after <= before + 0.35, (
            extension,
            notes,
        )
        # Six channels in two are quieter.
        assert loudness(output) > (0.3 if channels > 2 else 0.65) * loud, (extension, notes)


def test_the_last_packet_of_a_track_keeps_its_length(tmp_path: Path) -> None:
    path = clip(tmp_path / "in.mkv", "alac", 2, 44_100)
    output = tmp_path / "out.mp4"
    copy(open_source(path), output)
    assert heard(output) == pytest.approx(LASTS, abs=0.001)
    with av.open(str(output)) as container:
        audio = container.streams.audio[0]
        assert float((audio.duration or 0) * (audio.time_base or 0)) == pytest.approx(
            LASTS, abs=0.002
        )


def test_amr_of_a_phone_stays_in_3gp(tmp_path: Path, media: Path) -> None:
    path = media / "odd" / "h263_amr.3gp"
    (note,) = cast("Any", copy(open_source(path), tmp_path / "out.3gp")).notes
    assert "amr_nb → aac" in note
    assert heard(tmp_path / "out.3gp") == pytest.approx(heard(path), abs=0.15)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A film whose sound is noise that calls itself FLAC."""
    good, path = clip(tmp_path / "good.mp4", "flac", 2, RATE), tmp_path / "broken.mkv"
    spoil_sound(good, path)
    return path


def test_sound_that_cannot_be_decoded_is_left_out_and_that_is_said(
    tmp_path: Path, broken: Path
) -> None:
    output = tmp_path / "out.mov"
    sink = copy(open_source(broken), output)
    (note,) = cast("Any", sink).notes
    assert "flac" in note
    assert "dropped" in note
    assert "cannot be decoded" in note
    with av.open(str(output)) as container:
        assert not container.streams.audio


def test_the_report_names_no_lost_sound_as_kept(tmp_path: Path, broken: Path) -> None:
    settings = streamguard.Settings(quality=streamguard.Quality.FAST)
    report = streamguard.anonymize(broken, tmp_path / "out.mov", settings)
    assert len(report.streams_kept) == 1
    assert "video" in report.streams_kept[0]
    assert any("cannot be decoded" in note for note in report.notes)


def test_a_track_without_a_packet_leaves_no_empty_track(tmp_path: Path) -> None:
    path = tmp_path / "in.mkv"
    good = clip(tmp_path / "good.mp4", "aac", 2, RATE)
    with av.open(str(good)) as source, av.open(str(path), "w") as output:
        streams: Any = [output.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    sink = copy(open_source(path), tmp_path / "out.mp4")
    assert "no sound in it" in " ".join(cast("Any", sink).notes)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert not container.streams.audio


def test_silent_tracks_are_known_before(broken: Path) -> None:
    source = open_source(broken)
    assert isinstance(source, FileSource)
    assert list(source.traits.silent) == [1]
    source.close()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # Stamps in whole milliseconds, or in coarser units, are only rounded.
        ([0, 21, 43, 64], [0, 1024, 2048, 3072]),
        # A gap stays, and sound that is there already is left out.
        ([0, 21, 1000, 1021], [0, 1024, 48_000, 49_024]),
        ([0, 21, 43, 64, 0, 21, 85], [0, 1024, 2048, 3072, 4096]),
        ([None, None, 43], [0, 1024, 2048]),
    ],
)
def test_samples_are_counted(told: list[int | None], expected: list[int]) -> None:
    clock = SampleClock()
    stamps = []
    for pts in told:
        frame = av.AudioFrame("flt", "mono", 1024)
        frame.sample_rate, frame.pts, frame.time_base = RATE, pts, Fraction(1, 1000)
        if clock.stamp(frame):
            stamps.append(frame.pts)
    assert stamps == expected
