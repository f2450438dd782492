"""The command line without starting a process: options, messages, exit codes, bad input."""

from __future__ import annotations

import json
import logging
import shutil
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import streamguard
from streamguard.cli import batch, cli, run
from streamguard.cli.options import settings_of, settings_options
from streamguard.cli.progress import duration, status
from streamguard.errors import RedactionError, SystemNotReadyError
from streamguard.progress import Progress
from streamguard.settings import InputSettings, RedactionSettings, Settings


@pytest.fixture(autouse=True)
def _logger() -> Iterator[None]:
    yield
    logger = logging.getLogger("streamguard")
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


def parsed(*args: str) -> Settings:
    @click.command()
    @settings_options
    def probe(**options: Any) -> Settings:
        return settings_of(options)

    found = probe.main(list(args), standalone_mode=False)
    assert isinstance(found, Settings)
    # A process of the command line opens one file at a time, so that alone can bound its memory.
    assert found.input.open_memory
    return replace(found, input=replace(found.input, open_memory=None))


def test_defaults_are_those_of_the_settings() -> None:
    assert parsed() == Settings()


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--quality", "thorough"], Settings(quality=streamguard.Quality.THOROUGH)),
        (["--threshold", "0.5", "--lookahead", "2"], Settings(threshold=0.5, lookahead=2)),
        (["--keep-metadata", "--overwrite"], Settings(keep_metadata=True, overwrite=True)),
        (
            ["--effect", "solid", "--color", "#0a0B0c", "--shape", "box"],
            Settings(
                redaction=RedactionSettings(
                    effect=streamguard.Effect.SOLID,
                    color=(10, 11, 12),
                    shape=streamguard.Shape.BOX,
                )
            ),
        ),
        (["--hide", "face, code"], Settings(hide=("face", "code"))),
        (
            ["--effect", "pixelate", "--effect", "code=solid", "--hide", "code"],
            Settings(
                hide=("code",),
                redaction=RedactionSettings(
                    effect=streamguard.Effect.PIXELATE,
                    effects=(("code", streamguard.Effect.SOLID),),
                ),
            ),
        ),
        (
            ["--effect", "zone=solid", "--color", "#0a0B0c"],
            Settings(
                redaction=RedactionSettings(
                    effects=(("zone", streamguard.Effect.SOLID),), color=(10, 11, 12)
                )
            ),
        ),
        (
            ["--padding", "0.5", "--show-boxes"],
            Settings(redaction=RedactionSettings(padding=0.5, show_boxes=True)),
        ),
        (
            ["--codec", "hevc", "--preset", "fast", "--crf", "30"],
            Settings(
                encoding=streamguard.EncodingSettings(
                    codec=streamguard.Codec.HEVC, preset="fast", crf=30
                )
            ),
        ),
        (
            ["--start", "1:30", "--end", "0:02:00.5", "--audio", "drop"],
            Settings(input=InputSettings(start=90, end=120.5, sound=False)),
        ),
        (["--end", "75:30"], Settings(input=InputSettings(end=4530))),
        (["--start", "7.25"], Settings(input=InputSettings(start=7.25))),
        (["--end", "100:00:01"], Settings(input=InputSettings(end=360_001))),
    ],
)
def test_options_become_settings(args: list[str], expected: Settings) -> None:
    assert parsed(*args) == expected


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "Usage: streamguard"),
        (["anonymize"], "Missing argument"),
        (["nonsense"], "No such command"),
        (["anonymize", "a", "--quality", "best"], "--quality"),
        (["anonymize", "a", "--hide", "moon"], "There are face (faces), code"),
        (["anonymize", "a", "--hide", ""], "nothing to hide"),
        (["anonymize", "a", "--effect", "glow"], "There are blur, pixelate, solid"),
        (["anonymize", "a", "--effect", "moon=blur"], "There are face (faces), code"),
        (["anonymize", "a", "--effect", "code=solid"], "--hide face,code"),
        (["anonymize", "a", "--effect", "blur", "--effect", "blur"], "given twice"),
        (["anonymize", "a", "--color", "red"], "#RRGGBB"),
        (["anonymize", "a", "--color", "#ffffff"], "--effect solid"),
        (["anonymize", "a", "--padding", "9"], "padding"),
        (["anonymize", "a", "--threshold", "2"], "threshold"),
        (["anonymize", "a", "--lookahead", "99"], "lookahead"),
        (["anonymize", "a", "--start", "soon"], "is not a time"),
        (["anonymize", "a", "--start", "1:75"], "is not a time"),
        (["anonymize", "a", "--start", "1:60:00"], "is not a time"),
        (["anonymize", "a", "--start", ":30"], "is not a time"),
        (["anonymize", "a", "--start", "nan"], "is not a time"),
        (["anonymize", "a", "--end", "-1"], "is not a time"),
        (["anonymize", "a", "--start", "9", "--end", "0:09"], "is empty"),
        (["anonymize", "a", "--jobs", "0"], "--jobs"),
        (["anonymize", "a", "--name", "x/{stem}"], "path separator"),
        (["anonymize", "a", "-o", "b.mp4", "--name", "{stem}{suffix}"], "has its name already"),
    ],
)
def test_wrong_usage_exits_with_2(
    args: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(args) == 2
    assert words in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"streamguard {streamguard.__version__}\n"
    assert run(["anonymize", "--help"]) == 0
    assert "[default: balanced]" in " ".join(capsys.readouterr().out.split())


def refused(args: list[str], capsys: pytest.CaptureFixture[str], code: int, words: str) -> None:
    """Check for one line of error, nothing on stdout, and the exit code."""
    found = run(["anonymize", *args])
    said = capsys.readouterr()
    assert (found, said.out) == (code, "")
    assert said.err.startswith("streamguard: error: ")
    assert said.err.count("\n") == 1, said.err
    assert words in said.err


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "does not exist"), (b"", "is empty"), (b"just text\n", "not a video or photo")],
)
def test_bad_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, words: str
) -> None:
    source = tmp_path / "in.mp4"
    if content is not None:
        source.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    refused([str(source)], capsys, 1, words)
    assert sorted(tmp_path.iterdir()) == before


def test_a_part_of_a_photo_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], astronaut: NDArray[np.uint8]
) -> None:
    Image.fromarray(astronaut[:64, :64]).save(tmp_path / "a.png")
    refused([str(tmp_path / "a.png"), "--end", "2"], capsys, 2, "is a photo")


def test_sound_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with wave.open(str(tmp_path / "in.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    refused([str(tmp_path / "in.wav")], capsys, 1, "holds no video")


def test_several_files_go_into_a_new_folder(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new"
    args = [str(face_clip), str(tmp_path / "missing.mp4"), "-o", str(out), "--quality", "fast"]
    assert run(["anonymize", *args]) == 1
    assert list(out.iterdir()) == [out / "face.mp4"]
    assert "missing.mp4 does not exist" in capsys.readouterr().err


def test_truncated_file_leaves_nothing(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.mp4"
    source.write_bytes(face_clip.read_bytes()[:5000])
    refused([str(source)], capsys, 1, "not a video or photo")
    assert list(tmp_path.iterdir()) == [source]


def test_folder_without_media(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    refused([str(tmp_path)], capsys, 1, "holds no photo or video")


def test_bad_outputs(face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.mp4"
    shutil.copy(face_clip, source)
    content = source.read_bytes()
    (tmp_path / "there.mp4").write_text("precious")
    cases = [
        ("gone/out.mp4", 1, "does not exist"),
        ("there.mp4", 1, "exists"),
        ("in.mp4", 2, "is the input itself"),
        ("out.xyz", 2, "cannot be written"),
    ]
    for name, code, words in cases:
        refused([str(source), "-o", str(tmp_path / name)], capsys, code, words)
    refused([str(source), "-o", str(source), "--overwrite"], capsys, 2, "is the input itself")
    refused([str(source), "--report", str(source)], capsys, 2, "also an input")
    assert source.read_bytes() == content
    assert (tmp_path / "there.mp4").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 2


def test_single_file_with_report_and_json(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, report = tmp_path / "o.mp4", tmp_path / "r.json"
    args = ["anonymize", str(face_clip), "-o", str(output), "--quality", "fast", "--json"]
    assert run([*args, "--report", str(report)]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["status"], line["frames"], line["frames_with_faces"]) == ("done", 50, 50)
    assert line["output"] == str(output)
    words = json.loads(report.read_text())
    assert (words["local_execution"], words["data_uploaded"]) == (True, False)
    assert words["input_saved"] is False
    assert words["tracks"][0]["boxes"]
    assert str(tmp_path) not in report.read_text()
    assert sorted(tmp_path.iterdir()) == [output, report]


def test_folder_goes_on_after_a_bad_file_and_does_nothing_twice(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(face_clip, folder / "sub" / "good.mp4")
    (folder / "bad.mp4").write_text("no video")
    (folder / "notes.txt").write_text("ignored")
    report = tmp_path / "r.json"
    args = ["anonymize", str(folder), "--quality", "fast", "--report", str(report)]
    assert run(args) == 1
    said = capsys.readouterr()
    assert "1 done, 0 skipped, 1 failed; other files ignored: 1" in said.err
    assert "good.mp4: " in said.out
    done = tmp_path / "in.anonymized" / "sub" / "good.mp4"
    made = {p for p in (tmp_path / "in.anonymized").rglob("*") if p.is_file()}
    assert made == {done, tmp_path / "in.anonymized" / ".streamguard.done"}
    results = json.loads(report.read_text())["results"]
    assert [entry["status"] for entry in results] == ["failed", "done"]
    stamp = done.stat().st_mtime_ns
    report.unlink()
    assert run([*args, "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["status"] for line in lines] == ["failed", "skipped"]
    assert done.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RedactionError("a region could not be covered", "try again"), 1, "covered. try again"),
        (ZeroDivisionError("oh"), 1, "unexpected ZeroDivisionError: oh. Run again with -vv"),
        (SystemNotReadyError("libGL is missing", "apt-get install libgl1"), 1, "libgl1"),
    ],
)
def test_errors_are_one_line(
    error: Exception,
    code: int,
    words: str,
    face_clip: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(streamguard, "anonymize", fail, raising=False)
    refused([str(face_clip)], capsys, code, words)
    assert run(["anonymize", str(face_clip), "-vv"]) == code
    assert "Traceback" in capsys.readouterr().err


def test_interruption_exits_with_130(
    face_clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "_run", interrupt)
    assert run(["anonymize", str(face_clip)]) == 130
    assert "stopped" in capsys.readouterr().err


def test_quiet_says_nothing(
    face_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["anonymize", str(face_clip), "-o", str(tmp_path / "o.mp4"), "--quality", "fast", "-q"]
    assert run(args) == 0
    assert capsys.readouterr() == ("", "")


def test_probe(face_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["probe", str(face_clip), "--json"]) == 0
    words = json.loads(capsys.readouterr().out)
    assert (words["width"], words["height"]) == (320, 240)
    assert any("audio" in text for text in words["kept"])
    assert run(["probe", str(face_clip)]) == 0
    assert "redacted" in capsys.readouterr().out
    assert run(["probe", str(face_clip) + ".not"]) == 1


def test_doctor_fails_when_something_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from streamguard import doctor

    good = doctor.Check("python", doctor.Status.OK, "there")
    monkeypatch.setattr(doctor, "examine", lambda: [good])
    assert run(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("ready\n")
    bad = replace(good, status=doctor.Status.FAIL, hint="install it")
    monkeypatch.setattr(doctor, "examine", lambda: [good, bad])
    assert run(["doctor"]) == 1
    assert "install it" in capsys.readouterr().out
    assert run(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ready"] is False


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (185, "3:05"), (3723, "1:02:03")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_status_line() -> None:
    line = status(Progress(frames=50, total=100, faces=1, position=2.0, elapsed=5.0))
    assert line == "10 fps, 0.4× real time, 5 s left, 1 face"
    assert "left" not in status(Progress(50, None, 2, 2.0, 5.0))


def test_every_option_of_every_command_is_documented() -> None:
    text = (Path(__file__).parent.parent / "docs" / "cli.md").read_text("utf-8")
    for name, command in cli.commands.items():
        section = text.split(f"## streamguard {name}\n")[1].split("\n## ")[0]
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert f"`{option}" in section, f"{name} {option} is not in docs/cli.md"
