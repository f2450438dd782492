"""docs/edits.md: its examples work, one after the other, and its tables are complete."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from edit_kit import apart, write

from streamguard.cli import cli, edit, run
from streamguard.edits.edit import KINDS

PAGE = (ROOT / "docs" / "edits.md").read_text("utf-8")


def test_the_examples_work_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("street.mp4.analysis"), apart())
    (codes,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    Path("club.json").write_text(codes)
    # Following needs the pictures, which an analysis has not; test_follow.py tries it.
    examples = re.findall(r"^\$ streamguard (?!.* follow )(.*)", PAGE, re.MULTILINE)
    assert len(examples) >= 7
    for example in examples:
        assert run(shlex.split(example)) == 0, example
    assert "1 clear track 2 [undone]" in capfd.readouterr().out
    assert Path("edits.jsonl").read_text().startswith('{"streamguard_edits": 1, "decision": "')


def test_the_python_example_works(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(import streamguard\n.*?)```", PAGE, re.DOTALL)
    write(tmp_path / "street.mp4.analysis", apart())
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_every_command_and_every_kind_is_there() -> None:
    assert edit.command is cli.commands["edit"]
    for name in edit.command.commands:
        assert re.search(rf"`{name}\b", PAGE), name
    for kind in KINDS:
        assert re.search(rf"^\|.*`{kind}`.*\|", PAGE, re.MULTILINE), kind
