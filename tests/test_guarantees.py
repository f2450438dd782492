"""The page of guarantees tells the truth: its tests exist, its figures are the settings'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT

from streamguard.detection.looks import Role
from streamguard.detection.schedule import Schedule
from streamguard.plans import PLANS, Quality

PAGE = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
WIDTH, HEIGHT = 1920, 1080


def test_every_test_it_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    there = {
        name
        for path in (ROOT / "tests").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(named) > 20
    assert not named - there


def test_every_file_it_names_exists() -> None:
    named = set(re.findall(r"`((?:streamguard/)?[\w/]+\.py)`", PAGE))
    package = ROOT / "streamguard"
    assert named
    assert not [name for name in named if not (package / Path(name)).exists()]


@pytest.mark.parametrize("quality", Quality)
def test_its_figures_are_those_of_the_settings(quality: Quality) -> None:
    plan = PLANS[quality]
    looks = [
        look
        for look in Schedule(plan, WIDTH, HEIGHT).looks(0.0, cut=True)
        if look.role is Role.SECOND
    ]
    smallest = [f"{look.smallest:.0f} px" for look in looks]
    tiles = ["–", "–", "–"]
    if plan.tiles:
        all_of_them = plan.tiles**2 * plan.second_every
        tiles = [f"{plan.tiles} × {plan.tiles}", smallest[1], f"{all_of_them:g} s"]
    row = [f"`{quality}`", f"{plan.second_every:g} s", smallest[0], *tiles, f"{plan.lookahead:g} s"]
    assert f"| {' | '.join(row)} |" in PAGE
    assert plan.second_every <= plan.lookahead
