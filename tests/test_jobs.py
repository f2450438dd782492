"""Which file becomes which."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streamguard.errors import SourceNotFoundError, UsageError
from streamguard.jobs import Job, Plan, fitting_suffix, plan


def keep(path: Path) -> str:
    return ".jpg" if path.suffix == ".heic" else path.suffix


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
        (["a.mp4", "c.heic"], "out", {"a.mp4": "out/a.mp4", "c.heic": "out/c.jpg"}),
        (["a.mp4", "c.heic"], None, {"a.mp4": "a.anonymized.mp4", "c.heic": "c.anonymized.jpg"}),
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


def test_folder_counts_what_it_ignores(tmp_path: Path) -> None:
    make(tmp_path, "d/x.jpg", "d/notes.txt", "d/.hidden.jpg", "d/e/more.pdf")
    assert plan([tmp_path / "d"], None, keep).ignored == 3


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


def test_done_means_that_the_output_of_a_folder_exists(tmp_path: Path) -> None:
    make(tmp_path, "x.jpg", "y.jpg")
    assert Job(tmp_path / "x.jpg", tmp_path / "y.jpg", in_folder=True).is_done
    assert not Job(tmp_path / "x.jpg", tmp_path / "z.jpg", in_folder=True).is_done
    assert not Job(tmp_path / "x.jpg", tmp_path / "y.jpg").is_done


@pytest.mark.parametrize(
    ("name", "content", "suffix"),
    [
        ("a.JPG", b"\xff\xd8\xff", ".JPG"),
        ("a.jfif", b"\xff\xd8\xff", ".jpg"),
        ("a.mp4", b"\x89PNG", ".png"),
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
