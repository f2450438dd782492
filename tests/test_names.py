"""Files whose names are no UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", [b"lat\xe9", b"\xff\xfe", b"x" * 100 + b"\xe9" * 100])
def test_a_name_may_hold_any_bytes(tmp_path: Path, face_clip: Path, name: bytes) -> None:
    folder = tmp_path / os.fsdecode(b"f\xf6lder")
    folder.mkdir()
    source = folder / (os.fsdecode(name) + ".mp4")
    source.write_bytes(face_clip.read_bytes())
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "streamguard", "anonymize", "--quality", "fast"]
    result = subprocess.run(
        [*command, "--json", "--report", str(report), str(source)],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    output = folder / (os.fsdecode(name) + ".anonymized.mp4")
    assert output.exists()
    assert json.loads(result.stdout)["output"] == str(output)
    assert json.loads(report.read_text("utf-8"))["input"]["name"] == source.name
    assert sorted(folder.iterdir()) == sorted([source, output])
