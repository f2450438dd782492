"""Broken files of every kind; and whether the fuzzer would notice what must not happen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

BENCH = ROOT / "tests" / "bench"
KINDS = ".mp4 .mkv .ts .webm .avi .mpg .mov .jpg .png .bmp .tif .gif .webp .avif .m3u8".split()
EACH = 10


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)


@pytest.mark.parametrize("kind", KINDS)
def test_broken_files_break_and_bare_nothing(kind: str) -> None:
    command: list[str | Path] = [
        sys.executable,
        BENCH / "fuzz.py",
        "--kind",
        kind,
        "--count",
        str(EACH),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{EACH + 1} runs" in done.stdout


@pytest.mark.usefixtures("bench")
def test_every_seed_shows_the_face_and_has_its_test(tmp_path: Path) -> None:
    from fuzz import BARE, likeness_in
    from seeds import make_seeds

    seeds = make_seeds(tmp_path)
    assert [seed.suffix for seed in seeds] == KINDS
    for seed in seeds:
        assert likeness_in(seed) > BARE + 0.3, seed.name


@pytest.mark.usefixtures("bench")
def test_what_must_not_happen_is_noticed(tmp_path: Path) -> None:
    from fuzz import Run, judge
    from seeds import make_seeds

    seed = next(s for s in make_seeds(tmp_path / "seeds") if s.suffix == ".png")
    one = Run("", tmp_path / "run", tmp_path / "run" / "in.png", tmp_path / "run" / "out.png")
    one.folder.mkdir()
    for path in (one.source, one.output, one.folder / ".out.part.png"):
        path.write_bytes(seed.read_bytes())
    (tmp_path / "run.txt").write_text("unexpected KeyError\nTraceback")
    wrong = " ".join(judge(one, 9, 2_000_000))
    for words in ("ended with -9", "Traceback", "unexpected", "beside", "GB", "in spite", "bare"):
        assert words in wrong


@pytest.mark.usefixtures("bench")
def test_the_same_seed_makes_the_same_mutants() -> None:
    import random

    from mutations import mutate

    data = bytes(range(256)) * 20
    first = [mutate(data, ".mp4", random.Random(f"1 {n}")) for n in range(40)]
    assert first == [mutate(data, ".mp4", random.Random(f"1 {n}")) for n in range(40)]
    assert len({kind for kind, _ in first}) > 6
    assert all(changed != data for _, changed in first[:3])
