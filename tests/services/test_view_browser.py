"""The view in a real browser: the picture moves, and the state is there to read."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from live_kit import ROOT, free_port, stop
from numpy.typing import NDArray

_TRIES = 3
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no browser is installed: chromium-headless-shell is enough")
    return found


@pytest.fixture(scope="module")
def page() -> Iterator[str]:
    """The address of the view of a running relay."""
    address = f"http://127.0.0.1:{(port := free_port())}/"
    words = ["relay", "lavfi:testsrc2=size=320x240:rate=25", "--http", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamguard", *words, "--quality", "fast"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 90
        while not is_ready(address):
            assert time.monotonic() < deadline, "the relay was not ready in time"
            time.sleep(0.2)
        yield address
    finally:
        stop(process)


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}readyz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def browse(browser: str, folder: Path, *words: str) -> bytes:
    """Let the browser stay on a page for a while; return what it printed."""
    # The stream never ends, so the browser has to be told when to look.
    common = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000"]
    common += ["--window-size=640,480", f"--user-data-dir={folder / 'profile'}"]
    command = [browser, *common, *words]
    for _ in range(_TRIES - 1):
        # Now and then a headless Chromium hangs in drawing, all requests long answered.
        with suppress(subprocess.TimeoutExpired):
            return subprocess.run(
                command, check=True, capture_output=True, timeout=25, cwd=folder
            ).stdout
    return subprocess.run(command, check=True, capture_output=True, timeout=40, cwd=folder).stdout


def screenshot(browser: str, folder: Path, page: str, name: str) -> NDArray[np.uint8]:
    browse(browser, folder, f"--screenshot={folder / name}", page)
    with av.open(io.BytesIO((folder / name).read_bytes()), "r") as picture:
        return next(picture.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)


def coloured(browser: str, folder: Path, page: str, name: str) -> NDArray[np.uint8]:
    """Return a screenshot with the test picture on it; a slate and the page around are grey."""
    deadline = time.monotonic() + 90
    while (shot := screenshot(browser, folder, page, name)).std(axis=2).mean() < 20:
        assert time.monotonic() < deadline
    return shot


def test_the_picture_is_there_and_moves(browser: str, page: str, tmp_path: Path) -> None:
    one, two = (coloured(browser, tmp_path, page, name) for name in ("one.png", "two.png"))
    changed = np.abs(one.astype(int) - two.astype(int)).max(axis=2) > 60
    assert changed[100:, 50:].sum() > 200


def test_the_state_is_written_beside_it(browser: str, page: str, tmp_path: Path) -> None:
    deadline = time.monotonic() + 90
    words: dict[str, str] = {}
    while words.get("state") != "Live" or words.get("picture") != "Faces are covered":
        # A busy machine may owe a slate at times.
        assert words.get("state", "Live") in ("Live", "Slate")
        assert time.monotonic() < deadline
        document = browse(browser, tmp_path, "--dump-dom", page).decode()
        words = dict(re.findall(r'data-field="(\w+)">([^<]*)<', document))
    assert "320 × 240 pixels" in words["facts"]
    # Written by the script alone.
    assert "The camera is live" in document
