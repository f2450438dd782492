"""Deciding and rendering apart from each other: the same frames as at once, or an error."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from code_kit import qr_code
from conftest import ROOT
from numpy.typing import NDArray
from PIL import Image

import streamguard
from streamguard.analysis.decision_digest import digest
from streamguard.analysis.reader import open_analysis
from streamguard.analysis.stored_settings import restored
from streamguard.cli import run
from streamguard.edits.acts import Clear
from streamguard.edits.edit import Edit
from streamguard.edits.journal import Journal
from streamguard.errors import (
    AnalysisError,
    CancelledError,
    OutputExistsError,
    SourceError,
    SourceNotFoundError,
    StreamguardError,
    UsageError,
)
from streamguard.plans import Quality
from streamguard.settings import (
    Effect,
    InputSettings,
    Projection,
    RedactionSettings,
    Settings,
    Shape,
)
from streamguard.zone_settings import ZoneSettings

Picture = NDArray[np.uint8]
FAST = Settings(quality=Quality.FAST)
COUNT = 24


def bench() -> Any:
    """Return the module that compares both ways over a folder of media."""
    spec = importlib.util.spec_from_file_location("bench_replay", ROOT / "tests/bench/replay.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def moving(astronaut: Picture, count: int = COUNT, side: int = 2) -> list[Picture]:
    """Return pictures in which the face moves to the right."""
    small, pictures = astronaut[::side, ::side], []
    height, width = 480 // side, 640 // side
    for number in range(count):
        canvas = np.full((height, width, 3), 90, np.uint8)
        shift = 3 * number
        canvas[:, shift:][:, : small.shape[1]] = small[:height, : width - shift]
        pictures.append(canvas)
    return pictures


def write_clip(
    path: Path, pictures: Sequence[Picture], times: Sequence[int] | None = None, turns: int = 0
) -> Path:
    """Write an H.264 clip without sound, 25 Hz unless the times of its frames are given."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "20", "g": "12"})
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt, video.time_base = "yuv420p", Fraction(1, 25)
        if turns:
            video.set_display_rotation(-90 * turns)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if times is None else times[number]
            frame.time_base = Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Picture) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", moving(astronaut))


def plain(folder: Path, astronaut: Picture) -> Path:
    return write_clip(folder / "plain.mp4", moving(astronaut))


def variable(folder: Path, astronaut: Picture) -> Path:
    times = [number + number // 3 + number * number // 40 for number in range(COUNT)]
    return write_clip(folder / "vfr.mkv", moving(astronaut), times)


def turned(folder: Path, astronaut: Picture) -> Path:
    lying = [np.rot90(picture).copy() for picture in moving(astronaut)]
    return write_clip(folder / "turned.mp4", lying, turns=1)


def damaged(folder: Path, astronaut: Picture) -> Path:
    path = write_clip(folder / "damaged.mp4", moving(astronaut))
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        places = [(packet.pos, packet.size) for packet in packets]
    data = bytearray(path.read_bytes())
    start, size = places[5]
    assert start is not None
    data[start + size // 3 : start + size // 3 + 40] = bytes(40)
    path.write_bytes(data)
    return path


def growing(folder: Path, astronaut: Picture) -> Path:
    """Two transport streams of different sizes, one behind the other."""
    parts = [
        write_clip(folder / f"{side}.ts", moving(astronaut, 14, side)).read_bytes()
        for side in (2, 1)
    ]
    path = folder / "growing.ts"
    path.write_bytes(b"".join(parts))
    return path


def photo(folder: Path, astronaut: Picture) -> Path:
    path = folder / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(astronaut).copy()).save(path, exif=exif, quality=95)
    return path


def cut_photo(folder: Path, astronaut: Picture) -> Path:
    path = photo(folder, astronaut)
    path.write_bytes(path.read_bytes()[:20_000])
    return path


def clear_photo(folder: Path, astronaut: Picture) -> Path:
    alpha = np.full((512, 512, 1), 255, np.uint8)
    alpha[:, 300:] = 0
    path = folder / "clear.png"
    Image.fromarray(np.concatenate([astronaut, alpha], axis=2)).save(path)
    return path


def animation(folder: Path, astronaut: Picture) -> Path:
    pictures = [Image.fromarray(picture) for picture in moving(astronaut, 8)]
    path = folder / "moving.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[80, 40] * 4)
    return path


def clear_animation(folder: Path, astronaut: Picture) -> Path:
    pictures = []
    for picture in moving(astronaut, 6):
        alpha = np.full((*picture.shape[:2], 1), 255, np.uint8)
        alpha[:40] = 100
        pictures.append(Image.fromarray(np.concatenate([picture, alpha], axis=2)))
    path = folder / "moving.webp"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=60, lossless=True)
    return path


def with_code(folder: Path, astronaut: Picture) -> Path:
    """Beside the moving face a QR code lies still."""
    code = np.kron(qr_code(), np.ones((3, 3), np.uint8))[..., None]
    pictures = moving(astronaut)
    for picture in pictures:
        picture[-code.shape[0] :, -code.shape[1] :] = code
    return write_clip(folder / "code.mp4", pictures)


CODES = RedactionSettings(effects=(("code", Effect.SOLID),), padding=0.2)
AREAS = ZoneSettings(cover=(((0.0, 0.0), (0.2, 0.0), (0.1, 0.3)),))
ROUND = InputSettings(projection=Projection.EQUIRECTANGULAR)
CASES: dict[str, tuple[Callable[[Path, Picture], Path], Settings]] = {
    "plain": (plain, Settings()),
    "thorough": (plain, Settings(quality=Quality.THOROUGH)),
    "variable rate": (variable, FAST),
    "rotated": (turned, FAST),
    "damaged": (damaged, FAST),
    "another size midway": (growing, FAST),
    "look-ahead shortened": (plain, replace(FAST, memory_limit=600_000)),
    "no look-ahead": (plain, replace(FAST, lookahead=0.0)),
    "part": (plain, replace(FAST, input=InputSettings(start=0.2, end=0.7))),
    "codes": (with_code, replace(FAST, hide=("face", "code"), redaction=CODES)),
    "zones": (plain, replace(FAST, zones=AREAS)),
    "all round": (plain, replace(FAST, input=ROUND)),
    "photo": (photo, Settings()),
    "photo cut short": (cut_photo, FAST),
    "photo with alpha": (clear_photo, FAST),
    "animation": (animation, FAST),
    "animation with alpha": (clear_animation, FAST),
}


@pytest.mark.parametrize("name", CASES)
def test_rendered_frames_are_those_of_anonymizing_at_once(
    name: str, tmp_path: Path, astronaut: Picture
) -> None:
    make, settings = CASES[name]
    path = make(tmp_path, astronaut)
    row = bench().compare(path, replace(settings, overwrite=True), tmp_path, None)
    assert row["same"], row["words"]
    assert row["error"] == ""
    assert row["covers"] or row["slates"]
    if name in ("codes", "zones"):
        assert row["covers"] > 1.5 * row["frames"]
    if name == "damaged":
        assert 0 < row["slates"] < row["frames"]
    if name == "another size midway":
        assert row["frames"] == 28


def test_sound_takes_no_part_in_a_decision(face_clip: Path, tmp_path: Path) -> None:
    settings = replace(FAST, overwrite=True)
    assert bench().compare(face_clip, settings, tmp_path, None)["same"]
    decided = tmp_path / "face.analysis"
    streamguard.analyze(face_clip, decided, FAST)
    silent = replace(FAST, input=InputSettings(sound=False))
    for number, wanted in enumerate((FAST, silent)):
        output = tmp_path / f"{number}.mp4"
        report = streamguard.render(decided, output, wanted, source=face_clip)
        assert report.frames == 50
        with av.open(str(output)) as container:
            assert len(container.streams.audio) == 1 - number
    streamguard.analyze(face_clip, tmp_path / "silent.analysis", silent)
    streamguard.render(tmp_path / "silent.analysis", tmp_path / "2.mp4", FAST, source=face_clip)
    with av.open(str(tmp_path / "2.mp4")) as container:
        assert not container.streams.audio


def test_the_comparison_tells_a_difference(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every test above could pass in vain."""
    from streamguard.judges.replay import Replay

    push = Replay.push

    def one_less(self: Replay, frame: Any) -> Any:
        (verdict,) = push(self, frame)
        return [replace(verdict, covers=verdict.covers[:-1] if frame.index == 7 else ())]

    monkeypatch.setattr(Replay, "push", one_less)
    row = bench().compare(clip, replace(FAST, overwrite=True), tmp_path, None)
    assert not row["same"]


@pytest.fixture
def decided(clip: Path, tmp_path: Path) -> Path:
    """An analysis beside its input."""
    source = tmp_path / clip.name
    source.write_bytes(clip.read_bytes())
    report = streamguard.analyze(source, settings=FAST)
    assert (report.frames, report.output.name) == (COUNT, "clip.mp4.analysis")
    assert report.tracks
    return tmp_path / "clip.mp4.analysis"


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_decision_becomes_an_output_beside_it(decided: Path) -> None:
    report = streamguard.render(decided)
    assert report.output.name == "clip.anonymized.mp4"
    assert report.analysis is not None
    assert report.analysis.name == decided.name
    assert report.input.name == "clip.mp4"
    assert report.frames_with_faces == COUNT
    assert files(decided.parent) == {"clip.mp4", "clip.mp4.analysis", "clip.anonymized.mp4"}
    with pytest.raises(OutputExistsError):
        streamguard.render(decided)


def another_file(decided: Path) -> None:
    data = bytearray((decided.parent / "clip.mp4").read_bytes())
    data[-1] ^= 1
    (decided.parent / "clip.mp4").write_bytes(data)


def no_file(decided: Path) -> None:
    (decided.parent / "clip.mp4").unlink()


def cut_short(decided: Path) -> None:
    decided.write_bytes(decided.read_bytes()[:-3000])


def one_byte(decided: Path) -> None:
    data = bytearray(decided.read_bytes())
    with closing(sqlite3.connect(decided)) as connection:
        (cover_data,) = connection.execute("SELECT cover_data FROM chunks").fetchone()
    data[data.index(cover_data) + len(cover_data) // 2] ^= 1
    decided.write_bytes(data)


def no_analysis(decided: Path) -> None:
    decided.write_bytes(b"something else")


@pytest.mark.parametrize("spoil", [another_file, no_file, cut_short, one_byte, no_analysis])
def test_what_does_not_belong_together_is_an_error_and_leaves_nothing(
    spoil: Callable[[Path], None], decided: Path
) -> None:
    spoil(decided)
    before = files(decided.parent)
    kind = SourceNotFoundError if spoil is no_file else AnalysisError
    with pytest.raises(kind):
        streamguard.render(decided)
    assert files(decided.parent) == before


def test_an_analysis_of_fewer_frames_is_an_error_and_leaves_nothing(
    decided: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamguard.sources import FileSource

    read = FileSource.read

    def without_last(self: FileSource) -> Iterator[Any]:
        *most, _ = read(self)
        yield from most

    monkeypatch.setattr(FileSource, "read", without_last)
    with pytest.raises(AnalysisError, match=f"has {COUNT - 1} frames, {COUNT} were judged"):
        streamguard.render(decided)
    assert files(decided.parent) == {"clip.mp4", "clip.mp4.analysis"}


@pytest.mark.parametrize("what", ["analyze", "keep", "render"])
@pytest.mark.parametrize("how", ["replaced", "written to", "removed"])
def test_an_input_that_changes_on_the_way_is_an_error_and_leaves_nothing(
    what: str, how: str, decided: Path
) -> None:
    source, folder = decided.parent / "clip.mp4", decided.parent
    if what != "render":
        decided.unlink()
    changed: list[str] = []

    def change(_progress: object) -> None:
        if changed:
            return
        changed.append(how)
        if how == "written to":
            with source.open("ab") as file:
                file.write(b"x")
            return
        data = source.read_bytes()
        source.unlink()
        if how == "replaced":
            source.write_bytes(data)

    def act() -> None:
        if what == "analyze":
            streamguard.analyze(source, None, FAST, change)
        elif what == "keep":
            streamguard.anonymize(source, folder / "o.mp4", FAST, change, keep_analysis=decided)
        else:
            streamguard.render(decided, None, FAST, change)

    before = files(folder)
    with pytest.raises(SourceError, match=r"changed|does not exist"):
        act()
    assert files(folder) == before - ({"clip.mp4"} if how == "removed" else set())


@pytest.mark.parametrize("how", ["replaced", "written to", "removed"])
def test_an_analysis_that_changes_on_the_way_is_an_error_and_leaves_nothing(
    how: str, decided: Path
) -> None:
    folder = decided.parent
    changed: list[str] = []

    def change(_progress: object) -> None:
        if changed:
            return
        changed.append(how)
        if how == "written to":
            with closing(sqlite3.connect(decided)) as connection:
                connection.execute("UPDATE chunks SET words = replace(words, 'face', 'none')")
                connection.execute("UPDATE seal SET digest = ?", (digest(connection),))
                connection.commit()
            return
        decided.unlink()
        if how == "replaced":
            streamguard.analyze(folder / "clip.mp4", decided, replace(FAST, threshold=0.9))

    before = files(folder)
    with pytest.raises((AnalysisError, SourceError), match=r"became another|does not exist"):
        streamguard.render(decided, None, FAST, change)
    assert files(folder) == before - ({decided.name} if how == "removed" else set())


def test_names_in_an_analysis_do_not_reach_the_terminal_as_they_are(
    decided: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(decided)) as connection:
        connection.execute("UPDATE files SET name = char(27) || '[2J' || char(10) || 'x.mp4'")
        connection.execute("UPDATE seal SET digest = ?", (digest(connection),))
        connection.commit()
    assert run(["render", str(decided)]) == 1
    told = capsys.readouterr().err
    assert "?[2J x.mp4, the input of" in told
    assert "\x1b" not in told


@pytest.mark.parametrize("start", [float("nan"), 1e308, -1.0])
def test_a_part_that_starts_nowhere_is_refused(start: float) -> None:
    with pytest.raises(UsageError, match="is empty"):
        InputSettings(start=start)


def test_an_unfinished_analysis_is_not_rendered(clip: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    copies: list[Path] = []

    def copy_and_stop(_progress: object) -> None:
        (part,) = (path for path in tmp_path.iterdir() if path.name.startswith("."))
        copies.append(tmp_path / "copy.analysis")
        copies[0].write_bytes(part.read_bytes())
        stop.set()

    with pytest.raises(CancelledError):
        streamguard.analyze(clip, tmp_path / "a.analysis", FAST, copy_and_stop, cancelled=stop)
    assert files(tmp_path) == {"copy.analysis"}
    with pytest.raises(AnalysisError):
        streamguard.render(copies[0], tmp_path / "out.mp4", source=clip)
    assert files(tmp_path) == {"copy.analysis"}


def test_cancelling_a_rendering_leaves_nothing(decided: Path) -> None:
    stop = threading.Event()
    with pytest.raises(CancelledError):
        streamguard.render(decided, None, FAST, lambda _: stop.set(), cancelled=stop)
    assert files(decided.parent) == {"clip.mp4", "clip.mp4.analysis"}


def test_an_analysis_is_not_kept_where_the_output_fails(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamguard.sinks import FileSink

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSink, "_encode", fails)
    kept = tmp_path / "kept.analysis"
    with pytest.raises(StreamguardError, match="disk is full"):
        streamguard.anonymize(clip, tmp_path / "out.mp4", FAST, keep_analysis=kept)
    assert files(tmp_path) == set()


def test_what_covers_look_like_is_taken_from_the_analysis(clip: Path, tmp_path: Path) -> None:
    look = RedactionSettings(effect=Effect.SOLID, color=(0, 0, 255), shape=Shape.BOX, padding=0.6)
    decided = tmp_path / "a.analysis"
    streamguard.analyze(clip, decided, replace(FAST, redaction=look))
    output = tmp_path / "out.mp4"
    report = streamguard.render(decided, output, source=clip)
    assert report.settings["redaction"]["color"] == (0, 0, 255)
    with av.open(str(output)) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert (np.abs(picture.astype(int) - (0, 0, 255)).max(axis=2) < 40).sum() > 5000


def decoded(path: Path) -> Iterator[NDArray[np.int64]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24").astype(int)


def test_what_a_person_leaves_clear_is_clear_and_only_that(decided: Path) -> None:
    with closing(open_analysis(decided)) as analysis:
        (track,) = analysis.tracks()
    with Journal(decided) as journal:
        act = Clear(track=track.track_id, first=0, last=9)
        journal.append(Edit(act=act, actor="Ada", reason="she agreed"))
    report = streamguard.render(decided)
    assert report.frames_with_faces == COUNT - 10
    pictures = [
        list(decoded(decided.parent / name)) for name in ("clip.mp4", "clip.anonymized.mp4")
    ]
    changes = [np.abs(one - other)[30:95].mean() for one, other in zip(*pictures, strict=True)]
    assert max(changes[:9]) < min(changes[11:]) / 2


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sparkle": 1}, "sparkle is unknown"),
        ({"effect": "none"}, "none"),
        ({"effect": None}, "None"),
        ({"padding": "wide"}, "'wide' is no float"),
        ({"padding": True}, "True is no float"),
        ({"padding": 9}, "not between 0 and 2"),
        ({"color": [1, 2]}, "argument 2"),
        ({"color": 7}, "7 is no list"),
        ({"show_boxes": 1}, "1 is no bool"),
        (["effect"], "no mapping"),
    ],
)
def test_settings_of_a_stranger_are_checked(values: Any, words: str) -> None:
    with pytest.raises(AnalysisError, match=words):
        restored(RedactionSettings, values)


def test_settings_survive_being_written_down() -> None:
    from dataclasses import asdict

    settings = replace(
        FAST,
        redaction=RedactionSettings(effect=Effect.SOLID, color=(1, 2, 3), padding=1),
        input=InputSettings(start=1, end=2.5, projection=Projection.FLAT),
    )
    assert restored(Settings, json.loads(json.dumps(asdict(settings)))) == settings


@pytest.fixture
def folder(clip: Path, tmp_path: Path, astronaut: Picture) -> Path:
    """A folder with a video, a photo in a subfolder, and a damaged video."""
    root = tmp_path / "in"
    (root / "sub").mkdir(parents=True)
    (root / "clip.mp4").write_bytes(clip.read_bytes())
    Image.fromarray(astronaut).save(root / "sub" / "photo.png")
    return root


def told(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(Path(line["input"]).name, line["status"]) for line in lines]


def test_folders_by_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decide = ["analyze", str(folder), "--quality", "fast", "--json"]
    assert run([*decide, "--dry-run"]) == 0
    assert told(capsys) == [("clip.mp4", "to do"), ("photo.png", "to do")]
    assert run(decide) == 0
    assert told(capsys) == [("clip.mp4", "done"), ("photo.png", "done")]
    assert (folder / "sub" / "photo.png.analysis").stat().st_mode & 0o777 == 0o600
    assert run(decide) == 0
    assert told(capsys) == [("clip.mp4", "skipped"), ("photo.png", "skipped")]
    out = folder.parent / "out"
    render = ["render", str(folder), "-o", str(out), "--json"]
    assert run(render) == 0
    assert told(capsys) == [("clip.mp4.analysis", "done"), ("photo.png.analysis", "done")]
    assert (out / "clip.mp4").exists()
    assert (out / "sub" / "photo.png").exists()
    assert run(render) == 0
    assert {status for _, status in told(capsys)} == {"skipped"}


def clear(decided: Path) -> None:
    with Journal(decided) as journal:
        track = journal.analysis.tracks()[0].track_id
        journal.append(Edit(act=Clear(track=track), actor="Ada", reason="she agreed"))


def test_edits_outlive_another_run_over_their_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decide = ["analyze", str(folder), "--quality", "fast", "--json"]
    assert run(decide) == 0
    clear(folder / "clip.mp4.analysis")
    edited = (folder / "clip.mp4.analysis").read_bytes()
    capsys.readouterr()
    assert run(decide) == 0
    assert told(capsys) == [("clip.mp4", "skipped"), ("photo.png", "skipped")]
    assert run([*decide, "--padding", "0.4"]) == 1
    assert told(capsys) == [("clip.mp4", "failed"), ("photo.png", "done")]
    assert (folder / "clip.mp4.analysis").read_bytes() == edited


def test_an_analysis_is_kept_also_of_what_was_done_before(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder.parent / "out"
    cover = ["anonymize", str(folder), "-o", str(out), "--quality", "fast", "--json"]
    keep = [*cover, "--keep-analysis"]
    assert run(cover) == 0
    assert run(keep) == 0
    capsys.readouterr()
    assert run(keep) == 0
    assert told(capsys) == [("clip.mp4", "skipped"), ("photo.png", "skipped")]
    clear(folder / "clip.mp4.analysis")
    edited = (folder / "clip.mp4.analysis").read_bytes()
    assert run([*keep, "--padding", "0.4"]) == 1
    assert told(capsys) == [("clip.mp4", "failed"), ("photo.png", "done")]
    assert (folder / "clip.mp4.analysis").read_bytes() == edited


def test_analyses_apart_from_their_inputs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apart = folder.parent / "apart"
    assert run(["analyze", str(folder), "-o", str(apart), "--quality", "fast", "-q"]) == 0
    assert (apart / "sub" / "photo.png.analysis").exists()
    render = ["render", str(apart), "-q", "--input", str(folder), "--jobs", "2"]
    assert run(["render", str(apart), "-q"]) == 1
    assert "Name it with --input" in capsys.readouterr().err
    assert run(render) == 0
    assert (folder.parent / "apart.anonymized" / "clip.mp4").exists()
    assert (folder.parent / "apart.anonymized" / "sub" / "photo.png").exists()


def test_damage_is_told_by_both_commands(tmp_path: Path, astronaut: Picture) -> None:
    path = damaged(tmp_path, astronaut)
    assert run(["analyze", str(path), "--quality", "fast", "-q"]) == 4
    assert run(["render", f"{path}.analysis", "-q"]) == 4
    assert (tmp_path / "damaged.anonymized.mp4").exists()


def test_keeping_an_analysis_by_the_command_line(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.b.mp4"
    source.write_bytes(clip.read_bytes())
    assert run(["anonymize", str(source), "--keep-analysis", "--quality", "fast", "-q"]) == 0
    assert files(tmp_path) == {"a.b.mp4", "a.b.mp4.analysis", "a.b.anonymized.mp4"}
    assert run(["render", f"{source}.analysis", "--overwrite", "-q"]) == 0
    # What was rendered is written down, so that it is not rendered again.
    kept = {"a.b.mp4", "a.b.mp4.analysis", "a.b.anonymized.mp4"}
    assert files(tmp_path) - {".streamguard.done"} == kept


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["analyze", "-"], "has none"),
        (["analyze", "a.mp4", "-o", "-"], "has none"),
        (["render", "-"], "has none"),
        (["render", "a.analysis", "-o", "-"], "has none"),
        (["analyze", "a.mp4", "-o", "b.json"], "b.json.analysis"),
        (["anonymize", "-", "-o", "b.mp4", "--keep-analysis"], "--keep-analysis"),
        (["render", "a.analysis", "b.analysis", "--input", "a.mp4"], "folder of the inputs"),
    ],
)
def test_wrong_usage_is_told(
    args: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(args) == 2
    assert words in capsys.readouterr().err
