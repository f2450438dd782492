"""The account of a render in a real browser: light, dark, on a phone, and on paper."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from test_account import NAME, REASON, report_of
from test_view_browser import browse, browser, screenshot

from streamguard.account.page import account_page
from streamguard.edits.account import Account, Entry

__all__ = ["browser"]

ENTRY = Entry(
    edit=1,
    track=3,
    person=1,
    label="face",
    first=10,
    last=19,
    start=0.4,
    end=0.8,
    time="2026-01-02T03:04:05+00:00",
    actor=NAME,
    reason=REASON * 5,
    code="gdpr:consent",
    meaning="the person has agreed",
)


@pytest.fixture
def page(tmp_path: Path) -> str:
    """The address of the account of a render with forty exemptions."""
    account = Account(
        decision="d" * 64,
        edits="e" * 64,
        decided="2026-01-02T03:04:05+00:00",
        settings={},
        versions={},
        models={},
        frames=40,
        frames_clear=10,
        left_clear=(ENTRY,) * 40,
    )
    path = tmp_path / "account.html"
    path.write_text(account_page(report_of(account)), "utf-8")
    return path.as_uri()


def test_it_is_light_or_dark_as_the_reader_likes(browser: str, page: str, tmp_path: Path) -> None:
    light = screenshot(browser, tmp_path, page, "light.png")
    dark = tmp_path / "dark"
    dark.mkdir()
    browse(browser, dark, "--blink-settings=preferredColorScheme=0", "--screenshot=dark.png", page)
    assert light[5, 5].min() > 240
    shot = screenshot_of(dark / "dark.png")
    assert shot[5, 5].max() < 60
    # Something can be read on either ground.
    assert np.ptp(light) > 200
    assert np.ptp(shot) > 150


def screenshot_of(path: Path) -> np.ndarray:
    import av

    with av.open(str(path), "r") as picture:
        return next(picture.decode(video=0)).to_ndarray(format="rgb24")


def test_it_prints_on_a4(browser: str, page: str, tmp_path: Path) -> None:
    browse(browser, tmp_path, "--no-pdf-header-footer", "--print-to-pdf=page.pdf", page)
    content = (tmp_path / "page.pdf").read_bytes()
    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert len(sizes) > 2
    assert {(round(float(w)), round(float(h))) for w, h in sizes} == {(595, 842)}


def test_it_asks_nobody_and_runs_nothing(browser: str, page: str, tmp_path: Path) -> None:
    shown = browse(browser, tmp_path, "--dump-dom", page).decode()
    assert "<script" not in shown
    assert "alert(1)" in shown
