"""The page of guarantees tells the truth: its tests exist, its figures are the settings'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT

from streamguard.detection.looks import Role
from streamguard.detection.schedule import Schedule
from streamguard.detection.turning import WAYS
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
    looks = Schedule(plan, WIDTH, HEIGHT).looks(0.0, cut=True)
    proposer, *turned = (look for look in looks if look.role is Role.PROPOSER)
    assert all(look.turns for look in turned)
    whole, *tiles = (look for look in looks if look.role is Role.SECOND and not look.turns)
    row = [f"`{quality}`", f"{plan.proposer_every:g} s", f"{proposer.smallest:.0f} px"]
    row += [f"{plan.second_every:g} s", f"{whole.smallest:.0f} px", "–"]
    if tiles:
        around = plan.tiles**2 * plan.second_every
        row[-1] = f"{plan.tiles} × {plan.tiles}, {tiles[0].smallest:.0f} px, {around:g} s"
    assert f"| {' | '.join([*row, f'{plan.lookahead:g} s'])} |" in PAGE
    assert plan.whole_every <= plan.lookahead
    if turned:
        assert f"{plan.turned_every:g} s" in PAGE
        assert f"{len(WAYS) * plan.turned_every:g} s" in PAGE
