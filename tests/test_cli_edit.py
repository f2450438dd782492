"""``streamguard edit``: what a person types, and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from edit_kit import apart, crossing, write

from streamguard.cli import run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "clip.mp4.analysis", apart())


class Shell:
    """Runs ``streamguard edit`` on one file and keeps what it said."""

    def __init__(self, path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self._path, self._capfd = path, capfd

    def __call__(self, *words: str, code: int = 0, actor: str = "Ann") -> str:
        self._capfd.readouterr()
        assert run(["edit", "--actor", actor, str(self._path), *words]) == code
        said = self._capfd.readouterr()
        return said.out if code == 0 else said.err


@pytest.fixture
def shell(path: Path, capfd: pytest.CaptureFixture[str]) -> Shell:
    return Shell(path, capfd)


def test_every_kind_of_edit(shell: Shell) -> None:
    shell("clear", "--track", "2", "--from", "10", "--to", "1.0s", "-c", "gdpr:consent")
    shell("cover", "--track", "2", "--from", "20")
    shell("confirm", "--track", "2", "--to", "9", "-r", "the same woman")
    shell("dismiss", "3", "--at", "30", "-r", "a poster")
    shell("believe", "1", "--from", "40", "--to", "60")
    shell("box", "0,0,20,20", "--to", "5", "--label", "badge")
    shell("polygon", "0,0", "30,0", "0,30")
    shell("group", "1", "2")
    shell("split", "--person", "1", "--at", "50")
    shell("label", "poster", "--track", "3")
    shell("effect", "solid", "--label", "face")
    shell("mute", "0.5", "1.5s", "-r", "a name")
    shell("bleep", "0:02", "0:03")
    shell("undo", "4")
    listed = shell("list").splitlines()
    assert listed[0].startswith("1 clear track 2 first 10 last 29 (by Ann at 20")
    assert listed[0].endswith(": gdpr:consent)")
    assert listed[3].startswith("4 dismiss track 3 at 30 [undone] (by Ann at")
    assert listed[12].startswith("13 sound start 2.0 end 3.0 sound bleep (by Ann")
    assert listed[-1].startswith("14 edits, digest ")
    kinds = [json.loads(line)["kind"] for line in shell("list", "--json").splitlines()]
    drawn = ["believe", "box", "polygon", "group", "split", "label", "effect", "sound", "sound"]
    assert kinds == ["clear", "cover", "confirm", "dismiss", *drawn, "undo"]


def test_what_stays_covered_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shell = Shell(write(tmp_path / "cross.analysis", crossing()), capfd)
    said = shell("clear", "--track", "1", "--at", "0", "-r", "agreed")
    held = "track 1: frames 43 to 99 stay covered until you confirm frames 43 to 56: it touches"
    assert held in said
    rows = [json.loads(line) for line in shell("show", "clear", "--json").splitlines()]
    assert [(r["state"], r["first"], r["last"]) for r in rows] == [
        ("clear", 0, 42),
        ("covered", 43, 99),
    ]
    shell("confirm", "--track", "1", "--from", "43", "--to", "56", "-r", "looked")
    (row,) = (json.loads(line) for line in shell("show", "clear", "--json").splitlines())
    assert (row["first"], row["last"]) == (0, 99)


def test_what_has_a_number_is_shown(shell: Shell) -> None:
    assert shell("show", "people") == "no people\n"
    assert shell("show", "groups") == "no groups\n"
    shell("group", "1", "3")
    shell("box", "0,0,20,20")
    tracks = [line.split() for line in shell("show", "tracks").splitlines()]
    assert tracks[0] == ["track", "person", "label", "first", "last", "best", "confidence"]
    assert [row[0] for row in tracks[1:]] == ["1", "2", "3", "4"]
    assert "[1,3]" in shell("show", "people")
    rows = [
        json.loads(line) for line in shell("show", "tracks", "--at", "5", "--json").splitlines()
    ]
    assert rows[0] == {"track": 1, "label": "face", "state": "covered", "box": [50, 100, 90, 140]}
    assert [row["track"] for row in rows] == [1, 2, 4]
    assert "weak" in shell("show", "candidates")
    assert "gdpr:consent" in shell("codes")
    assert shell("show", "doubts")


def test_export_erase_and_import(tmp_path: Path, shell: Shell, path: Path) -> None:
    copy = tmp_path / "copy.analysis"
    copy.write_bytes(path.read_bytes())
    shell("clear", "--track", "2", "-r", "agreed", actor="Bob Sample")
    shell("erase-actor", "Bob Sample")
    shell("erase-reason", "1")
    assert "actor 1 (name erased)" in shell("list")
    lines = tmp_path / "edits.jsonl"
    shell("export", "-o", str(lines))
    assert shell("export") == lines.read_text()
    assert "exists" in shell("export", "-o", str(lines), code=1)
    assert run(["edit", str(copy), "import", str(lines)]) == 0
    assert run(["edit", str(copy), "export", "-o", str(tmp_path / "again.jsonl")]) == 0
    assert (tmp_path / "again.jsonl").read_text() == lines.read_text()


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"{}", b"[" * 10_000])
def test_a_file_that_holds_no_edits_is_refused(
    tmp_path: Path, shell: Shell, content: bytes
) -> None:
    lines = tmp_path / "edits.jsonl"
    lines.write_bytes(content)
    assert "error: " in shell("import", str(lines), code=1)
    assert "unexpected" not in shell("import", str(lines), code=1)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["clear", "--track", "9", "-r", "x"], 1, "there is no track 9"),
        (["clear", "--track", "2"], 1, "needs a reason"),
        (["clear", "--track", "2", "-c", "gdpr:fun"], 1, "no list has the code"),
        (["clear", "--track", "2", "--from", "soon", "-r", "x"], 2, "'soon' is no time"),
        (["clear", "--track", "2", "--from", "99s", "-r", "x"], 1, "beyond the end"),
        (["box", "1,2,3"], 2, "is not 4 whole numbers"),
        (["polygon", "1,2", "x,3", "4,5"], 2, "is not 2 whole numbers"),
        (["undo", "1"], 1, "edit 1 cannot be undone"),
        (["show", "tracks", "--at", "100"], 1, "there is no frame 100"),
        (["show", "people", "--at", "10"], 2, "--at is for tracks"),
        (["erase-actor", "Eve"], 1, "no edit is by 'Eve'"),
        (["shred"], 2, "No such command"),
    ],
)
def test_what_makes_no_sense_is_refused(
    shell: Shell, words: list[str], code: int, said: str
) -> None:
    assert said in shell(*words, code=code)
    assert shell("list").startswith("0 edits")


def test_an_edit_that_rests_on_what_was_changed_is_refused(
    path: Path, shell: Shell, capfd: pytest.CaptureFixture[str]
) -> None:
    shell("split", "--track", "2", "--at", "50", actor="Bob")
    words = ["edit", "--actor", "Ann", "--seen", "0", str(path), "clear", "--track", "2"]
    assert run([*words, "-r", "agreed"]) == 1
    assert "track 2 was changed meanwhile by edit 1 (split, by Bob)" in capfd.readouterr().err


def test_a_video_is_no_analysis(face_clip: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["edit", str(face_clip), "list"]) == 1
    assert "is no analysis" in capfd.readouterr().err
