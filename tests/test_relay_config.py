"""cameras.yaml: what it means, and how every mistake in it is named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamguard.cli import run
from streamguard.errors import UsageError
from streamguard.plans import Quality
from streamguard.relay.config import read_config
from streamguard.relay.plan import HttpPlan
from streamguard.settings import Effect

GOOD = """\
defaults:
  quality: fast
  read_timeout: 3s
http: 9090
cameras:
  front:
    source: rtsp://viewer:${PASSWORD}@192.0.2.1/stream
    sinks: [rtsp://127.0.0.1:8554/front]
    read_timeout: 500ms
    audio: copy
    zones:
      cover: [[[0, 0], [0.5, 0], [0.5, 0.5]]]
  back:
    source: lavfi:testsrc2
    sinks: [rtmp://127.0.0.1/live/key]
    effect: solid
    color: '#ff0000'
    lookahead: 0
    size: 640x360
"""


CAMERA = "cameras:\n  a:\n    source: lavfi:testsrc2\n"


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cameras.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    read = read_config(config(tmp_path, GOOD), {"PASSWORD": "p@ss/w"})
    assert read.http == HttpPlan(host="127.0.0.1", port=9090)
    front, back = read.cameras
    assert front.source.url == "rtsp://viewer:p%40ss%2Fw@192.0.2.1/stream"
    assert (front.settings.quality, front.live.read_timeout) == (Quality.FAST, 0.5)
    assert (back.live.read_timeout, back.size, back.lookahead) == (3.0, (640, 360), 0.0)
    assert (front.live.audio, back.live.audio) == (True, False)
    cover = back.settings.redaction
    assert cover.effect is Effect.SOLID
    assert cover.color == (255, 0, 0)
    assert front.settings.zones.cover == (((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)
    assert "p@ss" not in repr(read)
    assert "p%40ss" not in repr(read)


def test_what_is_hidden_and_how(tmp_path: Path) -> None:
    text = CAMERA + "    hide: face, code\n    effects: {code: solid}\n    color: '#ff0000'\n"
    (camera,) = read_config(config(tmp_path, text)).cameras
    assert camera.settings.hide == ("face", "code")
    assert camera.settings.redaction.effects == (("code", Effect.SOLID),)
    listed = CAMERA + "    hide: [code]\n"
    assert read_config(config(tmp_path, listed)).cameras[0].settings.hide == ("code",)


def test_the_same_text_makes_equal_plans(tmp_path: Path) -> None:
    path = config(tmp_path, GOOD)
    one, two = (read_config(path, {"PASSWORD": "x"}) for _ in range(2))
    other = read_config(path, {"PASSWORD": "y"})
    assert one == two
    assert [a == b for a, b in zip(one.cameras, other.cameras, strict=True)] == [False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cameras:\n  a: {}\n", "line 2: cameras.a.source: is missing"),
        (CAMERA + "    sorce: x\n", "line 4: cameras.a.sorce: unknown key"),
        (CAMERA + "    quality: best\n", "line 4: cameras.a.quality:"),
        (CAMERA + "    read_timeout: soon\n", "line 4: cameras.a.read_timeout: 'soon' is not"),
        (CAMERA + "    source: lavfi:x\n", "line 4: cameras.a.source: given twice"),
        (CAMERA + "    sinks: [srt://h:1]\n", "line 4: cameras.a.sinks.0: srt://h:1 cannot be"),
        (CAMERA + "    sinks: [a.mp4, out.gif]\n", "line 4: cameras.a.sinks.1: out.gif is no rec"),
        (CAMERA + "    sinks: [no/a.mp4]\n", "line 4: cameras.a.sinks.0: the folder of no/a.mp4"),
        (CAMERA + "    sinks: [r-%D.mp4]\n", "line 4: cameras.a.sinks.0: %D in r-%D.mp4 is no"),
        (CAMERA + "    sinks: [r%.mp4]\n", "line 4: cameras.a.sinks.0: %. in r%.mp4 is no part"),
        (CAMERA + "    record: no\n", "line 4: cameras.a.record: "),
        (CAMERA + "    record: no/where\n", "line 4: cameras.a.record: the folder of no/where"),
        ("cameras: {a: {source: no.mp4}}\n", "line 1: cameras.a.source: no.mp4 does not exist"),
        ("cameras:\n  a:\n    source: rtsp://\n", "line 3: cameras.a.source: rtsp:// is"),
        (CAMERA + "    detector: x\n", "line 4: cameras.a.detector: there is no detector 'x'"),
        ("defaults:\n  detector: x\n" + CAMERA, "line 2: defaults.detector: there is no"),
        (CAMERA + "    preset: x\n", "line 4: cameras.a.preset: there is no preset 'x'"),
        (CAMERA + "    crf: 52\n", "line 4: cameras.a.crf: crf 52 is not between 0 and 51"),
        (CAMERA + "    hide: [face, moon]\n", "line 4: cameras.a.hide.1: there is nothing called"),
        (CAMERA + "    hide: moon\n", "line 4: cameras.a.hide.0: there is nothing called"),
        (CAMERA + "    hide: []\n", "line 4: cameras.a.hide"),
        (CAMERA + "    effects: {code: glow}\n", "line 4: cameras.a.effects.code"),
        (CAMERA + "    effects: {code: solid}\n", "line 4: cameras.a.effects.code: code is not"),
        (CAMERA + "    color: '#ff0000'\n", "line 4: cameras.a.color: goes with effect: solid"),
        ("defaults: {color: '#ff0000'}\n" + CAMERA, "line 1: defaults.color: goes with"),
        (
            "defaults: {effect: solid}\n" + CAMERA + "    effect: blur\n    color: '#ff0000'\n",
            "line 6: cameras.a.color: goes with",
        ),
        (CAMERA + "    zones: {cover: [[[0, 0], [2, 0], [1, 1]]]}\n", "zones.cover.0.1.0"),
        ("cameras:\n  a:\n    source: rtsp://u:${NOPE}@h/x\n", "line 3: cameras.a.source: ${NOPE}"),
        ("defaults: {quality: best}\n" + CAMERA, "line 1: defaults.quality:"),
        (CAMERA + "    sinks: a.mp4\n", "line 4: cameras.a.sinks: should be a list"),
        (CAMERA + "    size: 0x5\n", "line 4: cameras.a.size: '5' is not a size"),
        (CAMERA + "    lookahead: 1.2.3s\n", "line 4: cameras.a.lookahead: '1.2.3s' is not"),
        (CAMERA + "    show_boxes: maybe\n", "cameras.a.show_boxes: should be true or false"),
        (CAMERA + "http: x\n", "line 4: http.listen: 'x' is not of the form PORT or HOST:PORT"),
        ("cameras:\n  a: rtsp://h\n", "line 2: cameras.a: should be a map"),
        ("- a\n", "line 1: the file: should be a map"),
        (
            "defaults: {sinks: [s.mp4]}\n" + CAMERA + "  b: {source: lavfi:x}\n",
            "line 1: defaults.sinks.0: a and b both write to s.mp4",
        ),
        (
            CAMERA + "    sinks: [s.mp4]\n  b:\n    source: lavfi:x\n    sinks: [x.ts, ./s.mp4]\n",
            "line 7: cameras.b.sinks.1: a and b both write to ./s.mp4",
        ),
        (
            CAMERA + "    record: .\n  b: {source: lavfi:x}\n  c:\n    source: lavfi:y\n"
            "    record: ../TMP\n",
            "line 8: cameras.c.record: a and c both write to ../TMP/rec-%Y",
        ),
        (
            "defaults: {record: .}\n" + CAMERA + "  b: {source: lavfi:x}\n",
            "line 1: defaults.record: a and b both write to rec-%Y",
        ),
        (
            CAMERA + "    record: .\n    sinks: [rec-%Y%m%d-%H%M%S.mp4]\n",
            "line 4: cameras.a.record: rec-%Y%m%d-%H%M%S.mp4 is named twice",
        ),
        (CAMERA + "    sinks: [udp://h:1, udp://h:1]\n", "cameras.a.sinks.1: udp://h:1 is named"),
        (
            "cameras:\n  a:\n    source: udp://h:1\n    sinks: [udp://h:1]\n",
            "line 4: cameras.a.sinks.0: udp://h:1 is the source, too",
        ),
        ("cameras: {}\n", "line 1: cameras:"),
        ("cameras: [\n", "line 2: no YAML"),
        ("", "line 1: "),
        ("camera:\n  a: {}\n", "line 1: camera: unknown key"),
        ("cameras:\n  'a b': {source: lavfi:x}\n", "cameras.a b"),
    ],
)
def test_mistakes_are_named_by_line_and_key(
    tmp_path: Path, text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path.name
    with pytest.raises(UsageError) as caught:
        read_config(config(tmp_path, text.replace("TMP", folder)), {})
    assert words.replace("TMP", folder) in str(caught.value)


def test_a_mistake_in_the_defaults_is_named_once(tmp_path: Path) -> None:
    text = "defaults: {quality: best}\n" + CAMERA + "  b: {source: lavfi:x}\n"
    with pytest.raises(UsageError) as caught:
        read_config(config(tmp_path, text), {})
    assert str(caught.value).count("defaults.quality") == 1


@pytest.mark.parametrize(
    "text",
    [
        "defaults: {color: '#ff0000'}\n" + CAMERA + "  b: {source: lavfi:x, effect: solid}\n",
        CAMERA + "    sinks: ['a-%F-%H%M.mp4']\n  b: {source: lavfi:x, sinks: ['b-%F.mp4']}\n",
        CAMERA + "    record: .\n    detector: mediapipe\n",
        # One camera's output may be another's source.
        CAMERA + "    sinks: [udp://h:1]\n  b: {source: udp://h:1}\n",
    ],
)
def test_what_is_no_mistake(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_config(config(tmp_path, text), {}, try_folders=True).cameras


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that takes no file, not even root's."""
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        folder = Path("/proc/self/fdinfo")
        if not folder.is_dir():
            pytest.skip("this user may write everywhere")
    yield folder
    (tmp_path / "locked").chmod(0o700)


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("    record: LOCKED\n", "line 4: cameras.a.record: LOCKED "),
        ("    sinks: [udp://h:1, LOCKED/a.mp4]\n", "line 4: cameras.a.sinks.1: LOCKED "),
        ("  b: {source: lavfi:x, record: LOCKED}\n", "line 4: cameras.b.record: LOCKED "),
    ],
)
def test_check_finds_a_folder_that_takes_no_file(
    tmp_path: Path, locked: Path, lines: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, CAMERA + lines.replace("LOCKED", str(locked)))
    # It may be writable again before long: no reason not to start the other cameras.
    read_config(path, {})
    assert run(["relay", "--config", str(path), "--check"]) == 2
    assert f"{path}: {place.replace('LOCKED', str(locked))}" in capsys.readouterr().err


def test_check_leaves_nothing_in_the_folder(tmp_path: Path) -> None:
    path = config(tmp_path, CAMERA + "    record: " + str(tmp_path) + "\n")
    assert run(["relay", "--config", str(path), "--check"]) == 0
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--detector=x", "there is no detector 'x'"),
        ("--preset=x", "there is no preset 'x'"),
        ("--crf=-1", "crf -1 is not between 0 and 51"),
        ("--codec=av1", "live streams cannot be encoded as av1"),
    ],
)
def test_one_camera_is_refused_what_is_not_there_before_it_starts(
    option: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["relay", "lavfi:x", "--http", "0", option]) == 2
    assert words in capsys.readouterr().err


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = CAMERA + "    x: 1\n    y: 2\n  b: {source: lavfi:x, z: 3}\n"
    with pytest.raises(UsageError) as caught:
        read_config(config(tmp_path, text), {})
    assert str(caught.value).count("unknown key") == 3


def test_a_mistake_never_shows_a_secret(tmp_path: Path) -> None:
    text = "cameras:\n  a:\n    source: {rtsp://u:${P}@h/x: 1}\n    fps: ${P}\n"
    with pytest.raises(UsageError) as caught:
        read_config(config(tmp_path, text), {"P": "hunter2hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_config(tmp_path / "none.yaml", {})
