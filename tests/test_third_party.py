"""Whatever is installed beside the package stands in the list of third-party parts."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires

import pytest
from conftest import ROOT

LISTED = (ROOT / "docs" / "third-party.md").read_text("utf-8")


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def named() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked_for = project["dependencies"] + project["optional-dependencies"]["relay"]
    return sorted({name_of(requirement) for requirement in asked_for})


def brought() -> list[str]:
    """Return what they bring with them, as far as it is installed here."""
    seen: set[str] = set()
    waiting = named()
    while waiting:
        name = waiting.pop()
        try:
            needs = requires(name) or []
        except PackageNotFoundError:
            # For another platform, or another Python.
            continue
        seen.add(name)
        waiting += {name_of(need) for need in needs if "extra ==" not in need} - seen
    return sorted(seen)


def listed() -> set[str]:
    rows = re.findall(r"^\| (\w[^|]*) \|", LISTED, re.MULTILINE)
    return {name_of(name.strip()) for row in rows for name in row.split(",")}


@pytest.mark.parametrize("name", named())
def test_every_dependency_is_listed(name: str) -> None:
    assert name in listed()


def test_what_dependencies_bring_is_listed() -> None:
    assert len(brought()) > len(named())
    assert set(brought()) <= listed()
