"""cameras.yaml: what it means, and how every mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamguard.errors import UsageError
from streamguard.relay.config import read_config
from streamguard.settings import Effect, Quality

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


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cameras.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_good_file(tmp_path: Path) -> None:
    read = read_config(config(tmp_path, GOOD), {"PASSWORD": "p@ss/w"})
    assert read.http == "9090"
    front, back = read.cameras
    assert front.source.url == "rtsp://viewer:p%40ss%2Fw@192.0.2.1/stream"
    assert (front.settings.quality, front.live.read_timeout) == (Quality.FAST, 0.5)
    assert (back.live.read_timeout, back.size, back.lookahead) == (3.0, (640, 360), 0.0)
    assert (front.live.audio, back.live.audio) == (True, False)
    cover = back.settings.redaction
    assert cover.effect is Effect.SOLID
    assert cover.color == (255, 0, 0)
    assert front.zones.cover == (((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)
    assert "p@ss" not in repr(read)
    assert "p%40ss" not in repr(read)


def test_the_same_text_makes_equal_plans(tmp_path: Path) -> None:
    path = config(tmp_path, GOOD)
    one, two = (read_config(path, {"PASSWORD": "x"}) for _ in range(2))
    other = read_config(path, {"PASSWORD": "y"})
    assert one == two
    assert [a == b for a, b in zip(one.cameras, other.cameras, strict=True)] == [False, True]


CAMERA = "cameras:\n  a:\n    source: lavfi:testsrc2\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cameras:\n  a: {}\n", "line 2: cameras.a.source: is missing"),
        (CAMERA + "    sorce: x\n", "line 4: cameras.a.sorce: unknown key"),
        (CAMERA + "    quality: best\n", "line 4: cameras.a.quality:"),
        (CAMERA + "    read_timeout: soon\n", "line 4: cameras.a.read_timeout: 'soon' is not"),
        (CAMERA + "    source: lavfi:x\n", "line 4: cameras.a.source: given twice"),
        (CAMERA + "    sinks: [srt://h:1]\n", "line 2: cameras.a: srt://h:1 cannot be written to"),
        (CAMERA + "    zones: {cover: [[[0, 0], [2, 0], [1, 1]]]}\n", "zones.cover.0.1.0"),
        ("cameras:\n  a:\n    source: rtsp://u:${NOPE}@h/x\n", "line 3: cameras.a.source: ${NOPE}"),
        ("defaults: {quality: best}\n" + CAMERA, "line 1: defaults.quality:"),
        (CAMERA + "    sinks: a.mp4\n", "line 4: cameras.a.sinks: should be a list"),
        (CAMERA + "    size: 0x5\n", "line 4: cameras.a.size: '5' is not a size"),
        (CAMERA + "    lookahead: 1.2.3s\n", "line 4: cameras.a.lookahead: '1.2.3s' is not"),
        (CAMERA + "    show_boxes: maybe\n", "cameras.a.show_boxes: should be true or false"),
        (CAMERA + "http: x\n", "line 4: http 'x' is not of the form PORT or HOST:PORT"),
        ("cameras:\n  a: rtsp://h\n", "line 2: cameras.a: should be a map"),
        ("- a\n", "line 1: the file: should be a map"),
        (
            "defaults: {sinks: [s.mp4]}\n" + CAMERA + "  b: {source: lavfi:x}\n",
            "line 5: cameras.b.sinks: a writes to s.mp4, too",
        ),
        ("cameras: {}\n", "line 1: cameras:"),
        ("cameras: [\n", "line 2: no YAML"),
        ("", "line 1: "),
        ("camera:\n  a: {}\n", "line 1: camera: unknown key"),
        ("cameras:\n  'a b': {source: lavfi:x}\n", "cameras.a b"),
    ],
)
def test_mistakes_are_named_by_line_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_config(config(tmp_path, text), {})
    assert words in str(caught.value)


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
