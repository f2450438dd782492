#!/usr/bin/env python3
"""Break files in many ways, anonymize them, and look for what must never happen.

    python tests/bench/fuzz.py --count 2000 --seed 7
    python tests/bench/fuzz.py --kind .mp4 --only 37 --keep found

Every mutant runs in a process of its own, with limits on time and memory. What must not happen:
an end by a signal, no end, a traceback, the word "unexpected", an output after a failure, a file
left beside it, more memory than the limit, or a face that can be seen in the output: one that
resembles the face in the intact file by a normalized correlation above {bare}.

Exit code 1 if any of it happened. The same seed makes the same mutants.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from mutations import mutate
from numpy.typing import NDArray
from seeds import face_template, make_seeds

import streamguard
from streamguard.cli import run
from streamguard.errors import SourceError
from streamguard.frames import Frame
from streamguard.settings import InputSettings
from streamguard.sources import open_source

BARE = 0.6
_SECONDS = 60.0
_MEMORY = 1_500_000
"""Kilobytes of memory in use at most."""
_ADDRESS_SPACE = 8 * 2**30
_OPTIONS = ("--effect", "solid", "--quality", "fast")
_FINE = {0, 1, 2, 3, 4}


@dataclass(slots=True)
class Run:
    """One mutant on its way through the program.

    Attributes:
        name: AddressKind, number and mutation.
        folder: Holds the input, its output and what was printed, and nothing else.
        source: The input.
        output: Where the result goes.
        pid: The process.
        started: `time.monotonic` at its start.
    """

    name: str
    folder: Path
    source: Path
    output: Path
    pid: int = 0
    started: float = 0.0


def start(one: Run) -> None:
    """Start the program on a mutant, in a copy of this process: nothing is imported again."""
    one.started = time.monotonic()
    one.pid = os.fork()
    if one.pid:
        return
    code = 70
    try:
        printed = os.open(one.folder.parent / f"{one.folder.name}.txt", os.O_CREAT | os.O_WRONLY)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
        code = run(["anonymize", str(one.source), "-o", str(one.output), *_OPTIONS])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def judge(one: Run, status: int, peak: int) -> list[str]:
    """Return what happened that must not."""
    wrong = []
    code = os.waitstatus_to_exitcode(status)
    printed = (one.folder.parent / f"{one.folder.name}.txt").read_text(errors="replace")
    if code < 0 or code not in _FINE:
        wrong.append(f"ended with {code}")
    wrong += [word for word in ("Traceback", "unexpected") if word in printed]
    beside = {path.name for path in one.folder.iterdir()} - {one.output.name}
    if beside != set(inputs_of(one)):
        wrong.append(f"left beside the output: {sorted(beside)}")
    if code not in (0, 3, 4) and one.output.exists():
        wrong.append(f"an output in spite of exit code {code}")
    if peak > _MEMORY:
        wrong.append(f"{peak / 1e6:.1f} GB of memory")
    if one.output.exists():
        likeness = likeness_in(one.output)
        if likeness > BARE:
            wrong.append(f"a face is bare: likeness {likeness:.2f}")
    return wrong


def inputs_of(one: Run) -> list[str]:
    """Return the names of the files that a mutant consists of."""
    return [one.source.name, *(p.name for p in one.folder.glob("segment*"))]


def likeness_in(path: Path) -> float:
    """Return how much anything in any frame resembles the face, -1 to 1."""
    face, worst = face_template(), -1.0
    try:
        with closing(open_source(path, InputSettings())) as source:
            for frame in source.read():
                if isinstance(frame, Frame):
                    for shown in _views(frame):
                        worst = max(worst, _likeness(shown, face))
    except SourceError:
        return worst
    return worst


def _views(frame: Frame) -> Iterator[NDArray[np.uint8]]:
    """Yield the picture as grey, and its alpha where there is one."""
    pixels = frame.picture.to_ndarray(format="rgba")
    yield cv2.cvtColor(pixels, cv2.COLOR_RGBA2GRAY).astype(np.uint8)
    if pixels[..., 3].min() < 255:
        yield np.ascontiguousarray(pixels[..., 3])


def _likeness(shown: NDArray[np.uint8], face: NDArray[np.uint8]) -> float:
    if shown.shape[0] < face.shape[0] or shown.shape[1] < face.shape[1]:
        return -1.0
    found = cv2.matchTemplate(shown, face, cv2.TM_CCOEFF_NORMED)
    return float(np.nan_to_num(found, nan=-1.0, posinf=-1.0, neginf=-1.0).max())


def mutants(options: argparse.Namespace, folder: Path) -> Iterator[Run]:
    """Make each mutant in a folder of its own; first come the intact files."""
    seeds = [s for s in make_seeds(folder / "seeds") if options.kind in ("", s.suffix)]
    for number in range(-len(seeds), options.count):
        seed = seeds[number % len(seeds)]
        if options.only is not None and number != options.only:
            continue
        own = folder / f"{number}"
        shutil.copytree(seed.parent, own)
        source, name = own / seed.name, f"{seed.suffix} {number} intact"
        if number >= 0:
            rng = random.Random(f"{options.seed} {seed.suffix} {number}")
            kind, data = mutate(source.read_bytes(), seed.suffix, rng)
            source.write_bytes(data)
            name = f"{seed.suffix} {number} {kind}"
        suffix = {".m3u8": ".mp4", ".avif": ".webp"}.get(seed.suffix, seed.suffix)
        yield Run(name, own, source, own / f"out{suffix}")


def check_all(options: argparse.Namespace, folder: Path) -> tuple[Counter[int], list[str]]:
    """Run all mutants, some at once; return how often each exit code came, and what was wrong."""
    waiting, running = mutants(options, folder), dict[int, Run]()
    codes: Counter[int] = Counter()
    found: list[str] = []
    more = True
    while more or running:
        while more and len(running) < options.jobs:
            one = next(waiting, None)
            more = one is not None
            if one is not None:
                start(one)
                running[one.pid] = one
        pid, status, usage = os.wait4(-1, os.WNOHANG) if running else (0, 0, None)
        if not pid or usage is None:
            found += _end_those_that_hang(running)
            time.sleep(0.01)
            continue
        one = running.pop(pid)
        codes[os.waitstatus_to_exitcode(status)] += 1
        wrong = judge(one, status, usage.ru_maxrss)
        found += [f"{one.name}: {'; '.join(wrong)}"] if wrong else []
        if wrong and options.keep:
            shutil.copytree(one.folder, options.keep / one.folder.name, dirs_exist_ok=True)
        shutil.rmtree(one.folder)
    return codes, found


def _end_those_that_hang(running: dict[int, Run]) -> list[str]:
    late = [one for one in running.values() if time.monotonic() - one.started > _SECONDS]
    for one in late:
        os.kill(one.pid, 9)
        one.started = float("inf")
    return [f"{one.name}: no end after {_SECONDS:.0f} s" for one in late]


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").format(bare=BARE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=150, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="chooses the mutants")
    parser.add_argument("--kind", default="", help="only files of this suffix, such as .mp4")
    parser.add_argument("--only", type=int, help="only the mutant of this number")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--keep", type=Path, help="folder for mutants with a finding")
    options = parser.parse_args()
    # A copy of this process cannot use threads that OpenCV started before.
    cv2.setNumThreads(1)
    streamguard.anonymize  # noqa: B018 - loads the libraries once, before the first copy
    with tempfile.TemporaryDirectory() as scratch:
        codes, found = check_all(options, Path(scratch))
    for line in found:
        print(line)
    ends = ", ".join(f"{count} ended with {code}" for code, count in sorted(codes.items()))
    print(f"{codes.total()} runs: {ends}; {len(found)} wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
