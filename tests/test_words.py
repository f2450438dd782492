"""What nobody may be told: to install a package of our command's name from an index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT

# Until we publish the package, anybody can claim its name on an index.
_INSTALL = re.compile(
    r"\b(?:pipx?|uv|uvx|poetry|pdm|conda|mamba)[ \t]+(?:(?:tool|pip)[ \t]+)?"
    r"(?:install|add|run|inject|wheel|download)\b[^\n`]*?"
    r"(?<![\w./-])streamguard(?:[-_.]video)?(?=[\s'\"\[\]=<>~!,;)`]|$)",
    re.IGNORECASE,
)
_FOLDERS = ("streamguard", "docs", "samples", ".ci")
_ENDINGS = {".py", ".md", ".yaml", ".yml", ".toml", ".service", ".html", ".js", ".json", ""}


def texts() -> list[Path]:
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in _FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    return sorted(p for p in found if p.suffix in _ENDINGS and p.name != ".git")


@pytest.mark.parametrize(
    "line",
    [
        "pip install streamguard",
        "pip install 'streamguard[relay]'",
        "pip install --upgrade streamguard-video",
        'python -m pip install -U "streamguard-video[relay]"',
        "pipx install streamguard",
        "pipx run streamguard_video doctor",
        "uv tool install streamguard",
        "uv pip install streamguard==0.1",
        "pip install mediapipe streamguard",
    ],
)
def test_lines_that_name_an_index_are_found(line: str) -> None:
    assert _INSTALL.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "pip install .",
        "pip install '.[relay]'",
        "pip install -e '.[dev]'",
        "pip install ./streamguard",
        "pip install /opt/streamguard",
        "/opt/streamguard/bin/pip install '.[relay]'",
        "docker build -t streamguard .",
        "pip install mediapipe==0.10.33",
    ],
)
def test_lines_that_install_from_the_checkout_are_not(line: str) -> None:
    assert not _INSTALL.search(line)


def test_nobody_is_told_to_install_a_stranger() -> None:
    files = texts()
    assert {"README.md", "Dockerfile", "doctor.py", "relay.md"} <= {path.name for path in files}
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        for match in _INSTALL.finditer(path.read_text("utf-8", errors="replace"))
    ]
    assert not found
