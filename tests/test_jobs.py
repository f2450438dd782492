"""Which file becomes which."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streamguard.errors import SourceNotFoundError, UsageError
from streamguard.jobs.job import Plan, plan
from streamguard.jobs.selection import Rules
from streamguard.sinks.suffixes import fitting_suffix


def _suffix(path: Path) -> str:
    return ".jpg" if path.suffix == ".heic" else path.suffix


keep = Rules(suffix_for=_suffix)


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def pairs(found: Plan, root: Path) -> dict[str, str]:
    return {
        job.source.relative_to(root).as_posix(): job.output.relative_to(root).as_posix()
        for job in found.jobs
    }


@pytest.mark.parametrize(
    ("inputs", "output", "expected"),
    [
        (["a.mp4"], None, {"a.mp4": "a.anonymized.mp4"}),
        (["a.mp4"], "b.mkv", {"a.mp4": "b.mkv"}),
        (["a.mp4"], "out", {"a.mp4": "out/a.mp4"}),
        (["c.heic"], None, {"c.heic": "c.anonymized.jpg"}),
        (["a.mp4", "c.heic"], "out", {"a.mp4": "out/a.mp4", "c.heic": "out/c.heic.jpg"}),
        (
            ["a.mp4", "c.heic"],
            None,
            {"a.mp4": "a.anonymized.mp4", "c.heic": "c.heic.anonymized.jpg"},
        ),
        (["c.heic"], "out", {"c.heic": "out/c.heic.jpg"}),
        (["d"], None, {"d/x.jpg": "d.anonymized/x.jpg", "d/e/y.mp4": "d.anonymized/e/y.mp4"}),
        (["d"], "new", {"d/x.jpg": "new/x.jpg", "d/e/y.mp4": "new/e/y.mp4"}),
        (
            ["d", "a.mp4"],
            "out",
            {"d/x.jpg": "out/d/x.jpg", "d/e/y.mp4": "out/d/e/y.mp4", "a.mp4": "out/a.mp4"},
        ),
    ],
)
def test_every_input_gets_its_output(
    tmp_path: Path, inputs: list[str], output: str | None, expected: dict[str, str]
) -> None:
    make(tmp_path, "a.mp4", "c.heic", "d/x.jpg", "d/e/y.mp4", "d/notes.txt")
    (tmp_path / "out").mkdir()
    wanted = tmp_path / output if output else None
    found = plan([tmp_path / name for name in inputs], wanted, keep)
    assert pairs(found, tmp_path) == expected


def test_a_folder_says_what_it_leaves_out_and_why(tmp_path: Path) -> None:
    make(tmp_path, "d/x.jpg", "d/notes.txt", "d/.hidden.jpg", "d/e/more.pdf")
    found = plan([tmp_path / "d"], None, keep)
    assert [(item.path.name, item.reason) for item in found.left_out] == [
        (".hidden.jpg", "hidden"),
        ("notes.txt", "not a photo or video by its suffix"),
        ("more.pdf", "not a photo or video by its suffix"),
    ]


def test_new_suffix_never_takes_the_place_of_another_file(tmp_path: Path) -> None:
    make(tmp_path, "d/x.heic", "d/x.jpg")
    found = pairs(plan([tmp_path / "d"], None, keep), tmp_path)
    assert found == {"d/x.heic": "d.anonymized/x.heic.jpg", "d/x.jpg": "d.anonymized/x.jpg"}


def test_output_inside_the_input_is_not_walked(tmp_path: Path) -> None:
    make(tmp_path, "d/x.jpg", "d/out/x.jpg")
    found = plan([tmp_path / "d"], tmp_path / "d" / "out", keep)
    assert pairs(found, tmp_path) == {"d/x.jpg": "d/out/x.jpg"}


def test_dot_names_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "d/x.jpg")
    monkeypatch.chdir(tmp_path / "d")
    assert plan([Path()], None, keep).jobs[0].output == tmp_path / "d.anonymized" / "x.jpg"


@pytest.mark.parametrize(
    ("inputs", "output", "error"),
    [
        (["one/a.mp4", "two/a.mp4"], "out", UsageError),
        (["one/a.mp4", "two/b.mp4"], "one/a.mp4", UsageError),
        (["one"], "one", UsageError),
        (["one"], "two/a.mp4", UsageError),
        (["empty"], None, SourceNotFoundError),
        (["texts"], None, SourceNotFoundError),
        ([], None, UsageError),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, inputs: list[str], output: str | None, error: type[Exception]
) -> None:
    make(tmp_path, "one/a.mp4", "two/a.mp4", "two/b.mp4", "texts/a.txt")
    for name in ("empty", "out"):
        (tmp_path / name).mkdir()
    with pytest.raises(error):
        plan([tmp_path / i for i in inputs], tmp_path / output if output else None, keep)


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ((), {"d/x.jpg", "d/x.done.jpg", "d/e/y.mp4", "d/e/f/z.mp4"}),
        (("*.done.*",), {"d/x.jpg", "d/e/y.mp4", "d/e/f/z.mp4"}),
        (("e/*.mp4",), {"d/x.jpg", "d/x.done.jpg"}),
        (("e/y.mp4", "z.*"), {"d/x.jpg", "d/x.done.jpg"}),
        (("f",), {"d/x.jpg", "d/x.done.jpg", "d/e/y.mp4"}),
        (("e/",), {"d/x.jpg", "d/x.done.jpg"}),
        (("E/*",), {"d/x.jpg", "d/x.done.jpg", "d/e/y.mp4", "d/e/f/z.mp4"}),
    ],
)
def test_patterns_leave_files_and_folders_out(
    tmp_path: Path, patterns: tuple[str, ...], left: set[str]
) -> None:
    make(tmp_path, "d/x.jpg", "d/x.done.jpg", "d/e/y.mp4", "d/e/f/z.mp4")
    found = plan([tmp_path / "d"], None, Rules(exclude=patterns, suffix_for=_suffix))
    assert set(pairs(found, tmp_path)) == left
    assert len(found.left_out) == 4 - len(left)
    assert all(item.reason.startswith("excluded by ") for item in found.left_out)


def test_names_of_outputs_follow_the_template(tmp_path: Path) -> None:
    make(tmp_path, "d/x.jpg", "d/e/c.heic", "a.mp4")
    rules = Rules(name="{stem}-covered{suffix}", suffix_for=_suffix)
    assert pairs(plan([tmp_path / "d"], tmp_path / "o", rules), tmp_path) == {
        "d/x.jpg": "o/x-covered.jpg",
        "d/e/c.heic": "o/e/c.heic-covered.jpg",
    }
    assert pairs(plan([tmp_path / "a.mp4"], None, rules), tmp_path) == {"a.mp4": "a-covered.mp4"}
    with pytest.raises(UsageError, match="has its name already"):
        plan([tmp_path / "a.mp4"], tmp_path / "b.mp4", rules)


@pytest.mark.parametrize(
    ("name", "content", "suffix"),
    [
        ("a.JPG", b"\xff\xd8\xff", ".JPG"),
        ("a.jfif", b"\xff\xd8\xff", ".jfif"),
        ("a.mp4", b"\x89PNG\r\n\x1a\n", ".png"),
        ("a.ogv", b"OggS", ".mp4"),
        ("a.mkv", b"\x1a\x45\xdf\xa3", ".mkv"),
        ("a", b"\x1a\x45\xdf\xa3", ".mp4"),
    ],
)
def test_suffix_follows_what_the_file_is(
    tmp_path: Path, name: str, content: bytes, suffix: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert fitting_suffix(path) == suffix


def test_suffix_of_a_pipe_is_told_without_reading_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert fitting_suffix(tmp_path / "pipe.mp4") == ".mp4"
    assert fitting_suffix(tmp_path / "missing.mp4") == ".mp4"
