"""Spans of sound that are muted or bleeped: nothing of them comes out, the rest keeps its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from sound_kit import spoil_sound
from test_sources_contract import copy

import streamguard
from streamguard.edits.acts import ChangeSound
from streamguard.errors import UsageError
from streamguard.settings import InputSettings, Settings, SoundChange, SoundSpan
from streamguard.sinks.file import FileSink
from streamguard.sinks.hushing import SoundSpans, SpanReplacer
from streamguard.sources import open_source

Sound = NDArray[np.float32] | NDArray[np.float64]

RATE, LASTS = 48_000, 2.0
MUTED, BLEEPED = SoundSpan(0.6, 0.9), SoundSpan(1.3, 1.5, SoundChange.BLEEP)
SPANS = (MUTED, BLEEPED)
CONTAINERS = ("mp4", "mov", "mkv", "webm", "avi", "flv", "ts", "mpg", "mxf", "wmv", "3gp")


def babble(seed: int, rate: int = RATE, seconds: float = LASTS) -> Sound:
    """Return noise between 200 and 3000 Hz, as loud as speech."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(round(seconds * rate)))
    pitch = np.fft.rfftfreq(round(seconds * rate), 1 / rate)
    spectrum[(pitch < 200) | (pitch > 3000)] = 0
    wave = np.fft.irfft(spectrum)
    return np.asarray(0.15 * wave / wave.std()).clip(-0.9, 0.9).astype(np.float32)


def changed_in(spans: Sequence[SoundSpan], sound: Sound, rate: int = RATE) -> Sound:
    """Return the sound with something else said in spans."""
    other = sound.copy()
    for span in spans:
        part = slice(round(span.start * rate), round(span.end * rate))
        other[part] = babble(99, rate)[part]
    return other


def pictures(late: float) -> Iterator[av.VideoFrame]:
    for number in range(round(LASTS * 25)):
        frame = av.VideoFrame(64, 48, "yuv420p")
        frame.pts, frame.time_base = number + round(late * 25), Fraction(1, 25)
        yield frame


def film(path: Path, tracks: Sequence[tuple[str, Sound, int]], *, late: float = 0.0) -> Path:
    """Write a grey film with tracks of sound, as encoder, samples and rate.

    Args:
        path: Where to.
        tracks: The tracks.
        late: Seconds that the picture starts after the sound.
    """
    with av.open(str(path), "w") as output:
        video = cast("Any", output.add_stream("libx264", rate=25, options={"bf": "0"}))
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        packets = []
        for name, samples, rate in tracks:
            # Without noise substitution: its decoder draws numbers that differ ever after.
            options = {"aac_pns": "0"} if name == "aac" else {}
            stream = cast("Any", output.add_stream(name, rate=rate, options=options))
            stream.codec_context.layout = "mono"
            sound = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = rate, 0, Fraction(1, rate)
            context = stream.codec_context
            resampler = av.AudioResampler(
                context.format, context.layout, rate, context.frame_size or 1024
            )
            pieces = [*resampler.resample(sound), *resampler.resample(None), None]
            packets += [packet for piece in pieces for packet in stream.encode(piece)]
        for picture in [*pictures(late), None]:
            packets += video.encode(picture)
        output.mux(sorted(packets, key=time_of))
    return path


def subtitled(path: Path, output: Path, words: str) -> Path:
    """Add a line of subtitles for each word; each is shown for 0.4 seconds."""
    text = output.with_suffix(".srt")
    text.write_text(
        "".join(
            f"{n + 1}\n00:00:{0.4 * n:06.3f} --> 00:00:{0.4 * n + 0.4:06.3f}\n{word}\n\n".replace(
                ".", ","
            )
            for n, word in enumerate(words.split())
        )
    )
    with (
        av.open(str(path)) as source,
        av.open(str(text)) as lines,
        av.open(str(output), "w") as target,
    ):
        streams: Any = [
            target.add_stream_from_template(stream)
            for stream in (*source.streams, lines.streams.subtitles[0])
        ]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
        for packet in lines.demux():
            if packet.dts is not None:
                packet.stream = streams[-1]
                target.mux(packet)
    return output


def hushed(source: Path, output: Path, *spans: SoundSpan, **more: Any) -> list[str]:
    """Copy a film with spans hushed; return what was said of it."""
    options = more.get("input", InputSettings())
    sink = copy(open_source(source, options), output, Settings(sound_spans=spans, **more))
    return cast("FileSink", sink).notes


def time_of(packet: av.Packet[Any]) -> float:
    assert packet.pts is not None
    return float(packet.pts * packet.time_base)


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio)]


def heard(path: Path, track: int = 0, begin: float | None = None) -> Sound:
    """Return what is heard from the first picture on, at `RATE`, in one channel."""
    with av.open(str(path)) as container:
        shown = next(container.decode(video=0))
        begin = float(shown.time or 0) if begin is None else begin
    sound = np.zeros(round(3 * LASTS * RATE), np.float32)
    due = None
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        for frame in container.decode(audio=track):
            due = round((float(frame.time or 0) - begin) * RATE) if due is None else due
            for piece in resampler.resample(frame):
                samples = piece.to_ndarray()[0][max(0, -due) :]
                start = max(0, due)
                sound[start : start + len(samples)] = samples[: len(sound) - start]
                due += piece.samples
    return sound


def part(sound: Sound, start: float, end: float) -> Sound:
    return sound[round(start * RATE) : round(end * RATE)]


def likeness(one: Sound, other: Sound) -> tuple[float, float]:
    """Return the highest correlation of two sounds, and by how many seconds one is later."""
    size = 2 * len(one)
    product = np.fft.rfft(one, size).conj() * np.fft.rfft(other, size)
    every = np.fft.irfft(product) / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-9)
    at = int(np.abs(every).argmax())
    return float(abs(every[at])), (at if at < len(one) else at - size) / RATE


def loudness(sound: Sound) -> float:
    return float(np.sqrt(np.mean(sound.astype(float) ** 2)))


def pitch(sound: Sound) -> float:
    return float(np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound))


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film with lossless sound."""
    path = tmp_path_factory.mktemp("talk") / "talk.mkv"
    return film(path, [("pcm_s16le", babble(1), RATE)])


@pytest.fixture(scope="module")
def other_talk(talk: Path) -> Path:
    """The same film with something else said in spans."""
    sound = changed_in(SPANS, babble(1))
    return film(talk.with_name("other.mkv"), [("pcm_s16le", sound, RATE)])


@pytest.mark.parametrize("ending", CONTAINERS)
def test_nothing_of_a_span_comes_out_in_any_container(
    tmp_path: Path, talk: Path, other_talk: Path, ending: str
) -> None:
    first, second = talk, other_talk
    one, two = tmp_path / f"out.{ending}", tmp_path / f"other.{ending}"
    notes = hushed(first, one, *SPANS)
    hushed(second, two, *SPANS)
    assert any("muted or bleeped" in note for note in notes)
    assert packets_of(first) != packets_of(second)
    assert packets_of(one) == packets_of(two)
    before, after = heard(first), heard(one)
    # AVI has no place for the delay of MP3, ASF counts pictures from a fixed offset.
    slack = {"avi": 0.045, "wmv": 0.045}.get(ending, 0.012)
    for start, end in ((0.1, 0.5), (1.0, 1.2), (1.6, 1.9)):
        alike, later = likeness(part(before, start, end), part(after, start, end))
        assert abs(later) <= slack
        assert alike > (0.8 if slack > 0.02 else 0.9)
        assert loudness(part(after, start, end)) > 0.8 * loudness(part(before, start, end))
    inner = slack + 0.005
    muted = part(after, MUTED.start + inner, MUTED.end - inner)
    assert loudness(muted) < 0.001
    assert likeness(part(before, 0.6, 0.9)[: len(muted)], muted)[0] < 0.3
    bleeped = part(after, BLEEPED.start + inner, BLEEPED.end - inner)
    assert 0.05 < loudness(bleeped) < 0.15
    assert pitch(bleeped) == pytest.approx(1000, abs=10)
    assert likeness(part(before, 1.3, 1.5)[: len(bleeped)], bleeped)[0] < 0.3


@pytest.mark.parametrize(
    ("encoder", "rate", "ending"),
    [
        ("aac", RATE, "mkv"),
        ("aac", 8_000, "mp4"),
        ("ac3", RATE, "mkv"),
        ("mp2", RATE, "ts"),
        ("flac", 44_100, "mkv"),
        ("alac", 44_100, "mov"),
    ],
)
def test_what_overlaps_a_lossy_span_is_gone_too(
    tmp_path: Path, encoder: str, rate: int, ending: str
) -> None:
    one = film(tmp_path / "one.mkv", [(encoder, babble(1, rate), rate)])
    other = film(tmp_path / "other.mkv", [(encoder, babble(2, rate), rate)])
    spliced, span = splice(one, other, tmp_path / "spliced.mkv")
    first, second = tmp_path / f"out.{ending}", tmp_path / f"out_spliced.{ending}"
    hushed(one, first, span)
    hushed(spliced, second, span)
    # Decoders of AC-3 and MP2 add a little noise of their own.
    assert np.abs(heard(first) - heard(second)).max() < 0.002
    differ = np.flatnonzero(np.abs(heard(one) - heard(spliced)) > 0.002) / RATE
    assert differ.min() >= span.start - 0.001
    if encoder in ("aac", "ac3", "mp2"):
        assert differ.max() > span.end + 0.001
    assert loudness(part(heard(first), 1.5, 1.9)) > 0.1


def splice(one: Path, other: Path, output: Path) -> tuple[Path, SoundSpan]:
    """Replace a few packets of sound by those of another film; return where they are heard."""
    with (
        av.open(str(one)) as source,
        av.open(str(other)) as donor,
        av.open(str(output), "w") as target,
    ):
        streams: Any = [target.add_stream_from_template(stream) for stream in source.streams]
        shown = next(av.open(str(one)).decode(video=0)).time or 0.0
        foreign = [bytes(packet) for packet in donor.demux(audio=0)]
        number, times = 0, []
        for packet in source.demux():
            if packet.dts is None:
                continue
            new: Any = packet
            if packet.stream.type == "audio":
                if time_of(packet) > 0.8:
                    times.append(time_of(packet))
                if 0.8 < time_of(packet) < 1:
                    new = av.Packet(foreign[number])
                    new.pts, new.dts, new.time_base = packet.pts, packet.dts, packet.time_base
                    new.duration = packet.duration
                number += 1
            new.stream = streams[packet.stream_index]
            target.mux(new)
    return output, SoundSpan(times[0] - shown, min(time for time in times if time >= 1) - shown)


def test_every_track_is_hushed_and_subtitles_that_tell_are_left_out(tmp_path: Path) -> None:
    tracks = [("aac", babble(1), RATE), ("flac", babble(2), RATE), ("libopus", babble(3), RATE)]
    words = "zero four lemon twelve sixteen"
    source = subtitled(film(tmp_path / "film.mkv", tracks), tmp_path / "in.mkv", words)
    for ending in ("mkv", "mp4"):
        output = tmp_path / f"out.{ending}"
        notes = hushed(source, output, SoundSpan(0.85, 0.95), SoundSpan(1.3, 99))
        assert any("subtitles: 3 left out" in note for note in notes)
        for track in range(3):
            sound = heard(output, track)
            assert loudness(part(sound, 0.85, 0.95)) < 0.001
            assert loudness(part(sound, 1.3, 1.9)) < 0.001
            assert loudness(part(sound, 0.1, 0.7)) > 0.1
        data = output.read_bytes()
        assert [word for word in words.split() if word.encode() in data] == ["zero", "four"]


def test_a_line_that_does_not_say_how_long_it_lasts_is_left_out() -> None:
    spans = SoundSpans([SoundSpan(5.0, 6.0)])
    spans.place(Fraction(1))
    told = []
    for start, lasts in ((1, 4), (1, 5), (6, 1), (7, 1), (8, 1), (1, 0), (8, 0), (None, 1)):
        packet = av.Packet(b"a name")
        packet.pts, packet.duration, packet.time_base = start, lasts, Fraction(1)
        told.append(spans.tell(packet))
    assert told == [False, True, True, True, False, True, False, True]


def test_without_spans_sound_is_not_touched(tmp_path: Path) -> None:
    plain = film(tmp_path / "film.mkv", [("aac", babble(1), RATE)])
    source = subtitled(plain, tmp_path / "in.mkv", "zero four")
    assert hushed(source, tmp_path / "out.mkv") == []
    assert packets_of(tmp_path / "out.mkv") == packets_of(source)
    assert b"four" in (tmp_path / "out.mkv").read_bytes()


def test_times_count_from_the_first_picture(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", [("pcm_s16le", babble(1), RATE)], late=0.48)
    hushed(source, tmp_path / "out.mp4", MUTED)
    sound = heard(tmp_path / "out.mp4", begin=0.0)
    assert loudness(part(sound, 1.08, 1.38)) < 0.001
    assert loudness(part(sound, 0.6, 0.9)) > 0.1
    hushed(source, tmp_path / "all.mp4", SoundSpan(0.0, 0.1))
    sound = heard(tmp_path / "all.mp4", begin=0.0)
    # What is heard before the first picture belongs to a span that starts with it.
    assert loudness(part(sound, 0.0, 0.58)) < 0.001
    assert loudness(part(sound, 0.7, 1.0)) > 0.1


def test_times_count_from_the_first_picture_of_a_part(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", [("aac", babble(1), RATE)])
    hushed(source, tmp_path / "out.mp4", SoundSpan(0.2, 0.4), input=InputSettings(start=0.8))
    sound = heard(tmp_path / "out.mp4")
    assert loudness(part(sound, 0.2, 0.4)) < 0.001
    alike, later = likeness(part(heard(source), 1.4, 1.7), part(sound, 0.6, 0.9))
    assert alike > 0.9
    assert abs(later) < 0.022


@pytest.mark.parametrize("ending", ["ts", "avi"])
def test_sound_that_changes_its_form_midway_goes_on(tmp_path: Path, ending: str) -> None:
    first = film(tmp_path / "one.ts", [("aac", babble(1), RATE)])
    second = film(tmp_path / "two.ts", [("aac", babble(2, 32_000), 32_000)])
    source = tmp_path / "joined.ts"
    source.write_bytes(first.read_bytes() + second.read_bytes())
    hushed(source, tmp_path / f"out.{ending}", SoundSpan(0.5, 0.8), SoundSpan(2.9, 3.2))
    sound = heard(tmp_path / f"out.{ending}")
    for start, end in ((0.55, 0.75), (2.95, 3.15)):
        assert loudness(part(sound, start, end)) < 0.001
    for start, end in ((1.0, 1.8), (2.2, 2.7), (3.4, 3.8)):
        assert loudness(part(sound, start, end)) > 0.1


def test_sound_that_cannot_be_decoded_is_left_out_where_it_would_be_copied(tmp_path: Path) -> None:
    good = film(tmp_path / "good.mkv", [("flac", babble(1), RATE)])
    broken = tmp_path / "broken.mkv"
    spoil_sound(good, broken)
    (note,) = hushed(broken, tmp_path / "out.mkv", MUTED)
    assert "dropped, it is to be muted, and its sound cannot be decoded" in note
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert not container.streams.audio


def sound_of(name: str, layout: str = "stereo", samples: int = 4800) -> av.AudioFrame:
    """Return a quarter of the loudest sound in a sample format, as a decoder gives it."""
    quiet = av.AudioFrame("flt", layout, samples)
    width = quiet.layout.nb_channels
    quiet.planes[0].update(np.full(samples * width, 0.25, np.float32).tobytes())
    quiet.sample_rate = RATE
    (frame,) = av.AudioResampler(name, layout, RATE).resample(quiet)
    frame.pts, frame.time_base = 4800, Fraction(1, RATE)
    return frame


def samples_of(frame: av.AudioFrame) -> NDArray[np.float64]:
    """Return a frame as numbers from -1 to 1, a row for each channel."""
    packed = frame.format.packed.name
    kind = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}[packed]
    planar, count = frame.format.is_planar, frame.samples
    width = 1 if planar else frame.layout.nb_channels
    named = frame.planes[: frame.layout.nb_channels if planar else 1]
    planes = [np.frombuffer(memoryview(plane), kind, count * width) for plane in named]
    rows = np.stack(planes) if planar else planes[0].reshape(count, width).T
    top = 1.0 if kind[0] == "f" else 2.0 ** (8 * np.dtype(kind).itemsize - 1)
    return (rows.astype(float) - (top if kind[0] == "u" else 0)) / top


def hush(path: Path, *spans: SoundSpan) -> SpanReplacer:
    placed = SoundSpans(spans)
    placed.place(Fraction(0))
    with av.open(str(path)) as container:
        return SpanReplacer(placed, container.streams.audio[0])


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "7.1"])
@pytest.mark.parametrize("kind", ["u8", "s16", "s32", "s64", "flt", "dbl"])
def test_every_format_and_channel_is_replaced(talk: Path, kind: str, layout: str) -> None:
    for change, name in product(SoundChange, (kind, f"{kind}p")):
        hushing = hush(talk, SoundSpan(0.12, 0.15, change))
        frame = sound_of(name, layout)
        hushing.apply(frame, Fraction(1, 10))
        rows = samples_of(frame)
        assert len(rows) == frame.layout.nb_channels
        first, last = round(0.015 * RATE), round(0.055 * RATE)
        assert (rows[:, : first - 1] == 0.25).all()
        assert (rows[:, last + 1 :] == 0.25).all()
        if change is SoundChange.MUTE:
            assert (rows[:, first:last] == 0).all()
        else:
            assert np.abs(rows[:, first:last]).max() < 0.13
            assert [pitch(row[first:last]) for row in rows] == pytest.approx([1000] * len(rows))


def test_more_channels_than_can_be_laid_bare_are_left_out(talk: Path) -> None:
    hushing = hush(talk, SoundSpan(0.0, 1.0))
    for name in ("s16", "s16p"):
        with pytest.raises(av.FFmpegError, match="16 channels"):
            hushing.apply(sound_of(name, "hexadecagonal"), Fraction(0))


def test_a_frame_is_hushed_by_its_old_time_and_by_its_new_one(talk: Path) -> None:
    hushing = hush(talk, SoundSpan(0.16, 0.18))
    frame = sound_of("s16", "mono")
    hushing.apply(frame, Fraction(14, 100))
    samples = frame.to_ndarray()[0]
    silent = np.flatnonzero(samples == 0) / RATE
    assert silent.min() == pytest.approx(0.015, abs=0.001)
    assert silent.max() == pytest.approx(0.085, abs=0.001)
    assert (samples[round(0.05 * RATE) : round(0.054 * RATE)] != 0).all()


def test_the_last_of_two_spans_counts_where_they_overlap(talk: Path) -> None:
    for last, loud in ((SoundChange.MUTE, False), (SoundChange.BLEEP, True)):
        hushing = hush(talk, SoundSpan(0.1, 0.2, SoundChange.BLEEP), SoundSpan(0.14, 0.16, last))
        frame = sound_of("flt", "mono")
        hushing.apply(frame, Fraction(1, 10))
        samples = frame.to_ndarray()[0]
        assert (loudness(samples[1920:2880]) > 0.05) is loud
        assert 0.05 < loudness(samples[:1600]) < 0.1


def test_sound_without_a_time_is_silent(tmp_path: Path) -> None:
    from streamguard.sinks.reencoding import ConvertedAudio

    path = film(tmp_path / "in.mkv", [("pcm_s16le", babble(1), RATE)])
    with av.open(str(path)) as container, av.open(str(tmp_path / "out.mka"), "w") as output:
        spans = SoundSpans([SoundSpan(50, 60)])
        spans.place(Fraction(0))
        track = ConvertedAudio(output, "pcm_s16le", container.streams.audio[0], spans)
        lost = True
        for packet in container.demux(audio=0):
            if packet.dts is None:
                continue
            lost = lost and time_of(packet) < 0.5
            if lost:
                packet.pts = packet.dts = None
            output.mux(track.take(packet))
        output.mux(track.finish())
    with av.open(str(tmp_path / "out.mka")) as container:
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)]) / 32768
    assert loudness(sound[: RATE // 3]) == 0
    assert loudness(sound[-RATE:]) > 0.1


def test_much_sound_before_the_first_picture_is_an_error_not_all_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamguard.sinks.file._MOST_HELD", 1000)
    source = film(tmp_path / "in.mkv", [("pcm_s16le", babble(1), RATE)], late=1.0)
    with pytest.raises(streamguard.StreamguardError, match="before the first picture"):
        hushed(source, tmp_path / "out.mkv", MUTED)
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize("times", [(1.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0)])
def test_a_span_that_is_empty_is_refused(times: tuple[float, float]) -> None:
    with pytest.raises(UsageError, match="is empty"):
        SoundSpan(*times)


def test_an_edit_hushes_what_is_rendered_and_the_report_says_so(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", [("aac", babble(1), RATE)])
    decision, output = tmp_path / "in.mp4.analysis", tmp_path / "out.mp4"
    settings = Settings(quality=streamguard.Quality.FAST, sound_spans=(BLEEPED,))
    streamguard.analyze(source, decision, settings)
    with streamguard.edit(decision, actor="editor") as editor:
        editor.add(ChangeSound(start=0.6, end=0.9, sound=SoundChange.MUTE), reason="a name")
    report = streamguard.render(decision, output)
    assert report.settings["sound_spans"] == (
        {"start": 1.3, "end": 1.5, "kind": "bleep"},
        {"start": 0.6, "end": 0.9, "kind": "mute"},
    )
    assert any("muted or bleeped" in note for note in report.notes)
    assert any("audio" in words for words in report.streams_kept)
    assert loudness(part(heard(output), 0.6, 0.9)) < 0.001
    assert pitch(part(heard(output), 1.3, 1.5)) == pytest.approx(1000, abs=10)
    assert loudness(part(heard(output), 1.6, 1.9)) > 0.1
    assert streamguard.verify(output, original=source).passed


def test_the_api_takes_spans(tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", [("aac", babble(1), RATE)])
    settings = Settings(quality=streamguard.Quality.FAST, sound_spans=(BLEEPED,))
    streamguard.anonymize(source, tmp_path / "out.mp4", settings)
    assert pitch(part(heard(tmp_path / "out.mp4"), 1.3, 1.5)) == pytest.approx(1000, abs=10)
