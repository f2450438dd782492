#!/usr/bin/env python3
"""Leak score: how much of every annotated face does an anonymizer really cover?

It looks at nothing but pixels: a command covers the faces of each file with solid black, and
the result is compared with the input.

    python tests/bench/leak.py MEDIA
    python tests/bench/leak.py MEDIA --command "deface {input} -o {output} --replacewith solid"

MEDIA holds a file gt.json, a list of {"file": path below MEDIA, "frame": number from 0,
"faces": [[x, y, width, height], ...], "ignore": [[x, y, width, height], ...]}, one entry for each
annotated frame, boxes in pixels of the coded frame. "incomplete": true says that other faces are
in the picture, so that nothing counts as covered in vain; "hand": true leaves the entry out.

Columns:
  covered  share of annotated faces whose box is at least 80 % black in the result
  >=16 px  the same for faces at least 16 px high
  run      most annotated frames in a row in which any face is not covered
  in vain  mean share of the picture that was blackened away from every face and ignored box
  fps      frames a second of the whole command, start-up included
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

OURS = "streamguard anonymize {input} -o {output} --effect solid -q"
PHOTOS = frozenset({".jpg", ".jpeg", ".png"})
BLACK, BRIGHT = 40, 56
"""Luma below which a pixel is covered, and from which it was surely not black before. Video black
is 16, and encoders blur edges; between the two nothing is claimed."""
ENOUGH = 0.8
SMALL = 16

Luma = NDArray[np.uint8]


@dataclass
class Score:
    """Counts of one file, or of many."""

    faces: int = 0
    covered: int = 0
    large: int = 0
    large_covered: int = 0
    run: int = 0
    frames: int = 0
    seconds: float = 0.0
    in_vain: list[float] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Take the counts of one more file."""
        for name in ("faces", "covered", "large", "large_covered", "frames", "seconds", "in_vain"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.run = max(self.run, other.run)

    def figures(self) -> dict[str, float]:
        """Return what is printed."""
        return {
            "covered": self.covered / max(1, self.faces),
            ">=16 px": self.large_covered / max(1, self.large),
            "run": self.run,
            "in vain": float(np.mean(self.in_vain)) if self.in_vain else 0.0,
            "fps": self.frames / self.seconds if self.seconds else 0.0,
            "faces": self.faces,
        }


def lumas(path: Path) -> Iterator[Luma]:
    """Yield the brightness of every frame, shape ``(height, width)``."""
    if path.suffix.lower() in PHOTOS:
        yield np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
        return
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="gray"), np.uint8)


def compare(source: Path, result: Path, entries: dict[int, dict[str, Any]]) -> Score:
    """Score one file.

    Raises:
        ValueError: The result has another number of frames.
    """
    score = Score()
    bare_in_a_row = 0
    for number, (before, produced) in enumerate(zip_longest(lumas(source), lumas(result))):
        if before is None or produced is None:
            raise ValueError(f"the numbers of frames differ from frame {number} on")
        score.frames += 1
        after = produced
        if after.shape != before.shape:
            after = np.asarray(cv2.resize(produced, before.shape[::-1]), np.uint8)
        entry = entries.get(number)
        add_vain(score, before, after, entry)
        if entry is not None:
            bare_in_a_row = bare_in_a_row + 1 if add_faces(score, before, after, entry) else 0
            score.run = max(score.run, bare_in_a_row)
    return score


def add_vain(score: Score, before: Luma, after: Luma, entry: dict[str, Any] | None) -> None:
    """Count what was blackened away from every box; half a box's size around it is near."""
    if entry is not None and entry.get("incomplete"):
        return
    blackened = (after < BLACK) & (before >= BRIGHT)
    for x, y, w, h in [] if entry is None else [*entry["faces"], *entry.get("ignore", [])]:
        top, left = max(0, int(y - h / 2)), max(0, int(x - w / 2))
        blackened[top : max(0, int(y + 1.5 * h)), left : max(0, int(x + 1.5 * w))] = False
    score.in_vain.append(float(blackened.mean()))


def add_faces(score: Score, before: Luma, after: Luma, entry: dict[str, Any]) -> bool:
    """Count the faces of one frame; return whether any is bare."""
    dark = (after < BLACK) | (before < BLACK)
    any_bare = False
    for x, y, w, h in ([int(value) for value in box] for box in entry["faces"]):
        part = dark[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)]
        is_covered = part.size == 0 or bool(part.mean() >= ENOUGH)
        score.faces += 1
        score.covered += is_covered
        score.large += h >= SMALL
        score.large_covered += is_covered and h >= SMALL
        any_bare |= not is_covered
    return any_bare


def measure(command: str, source: Path, entries: dict[int, dict[str, Any]]) -> Score | str:
    """Run the command on one file; return its score, or what went wrong."""
    suffix = ".png" if source.suffix.lower() in PHOTOS else ".mp4"
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / f"result{suffix}"
        names = {"input": shlex.quote(str(source)), "output": shlex.quote(str(result))}
        started = time.perf_counter()
        done = subprocess.run(
            shlex.split(command.format(**names)), capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
        if done.returncode or not result.exists():
            return f"exit code {done.returncode}: {done.stderr.strip()[-300:]}"
        try:
            score = compare(source, result, entries)
        except ValueError as error:
            return str(error)
    score.seconds = seconds
    return score


def truth(media: Path, only: str) -> dict[str, dict[int, dict[str, Any]]]:
    """Return the entries of every file by frame."""
    files: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for entry in json.loads((media / "gt.json").read_text("utf-8")):
        if only in entry["file"] and not entry.get("hand"):
            files[entry["file"]][entry["frame"]] = entry
    return dict(sorted(files.items()))


def show(name: str, score: Score) -> None:
    """Print one row."""
    f = score.figures()
    print(
        f"{name:<36} {f['covered']:8.4f} {f['>=16 px']:8.4f} {f['run']:5.0f}"
        f" {f['in vain']:8.4f} {f['fps']:7.1f} {f['faces']:7.0f}",
        flush=True,
    )


def main() -> None:
    """Measure everything named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path, help="folder with gt.json")
    parser.add_argument("--command", default=OURS, help=f"with {{input}} and {{output}} [{OURS}]")
    parser.add_argument("--only", default="", metavar="TEXT", help="only files with it in the path")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    args = parser.parse_args()
    print(
        f"{'':<36} {'covered':>8} {'>=16 px':>8} {'run':>5} {'in vain':>8} {'fps':>7} {'faces':>7}"
    )
    totals = {"all clips": Score(), "all photos": Score()}
    rows: dict[str, dict[str, float]] = {}
    failed = 0
    for name, entries in truth(args.media, args.only).items():
        score = measure(args.command, args.media / name, entries)
        if isinstance(score, str):
            failed += 1
            print(f"{name:<36} {score}", flush=True)
            continue
        is_photo = Path(name).suffix.lower() in PHOTOS
        if is_photo:
            # A photo has no frames in a row.
            score.run = 0
        else:
            show(name, score)
        rows[name] = score.figures()
        totals["all photos" if is_photo else "all clips"].add(score)
    for name, total in totals.items():
        if total.frames:
            show(name, total)
            rows[name] = total.figures()
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    sys.exit(f"{failed} files failed" if failed else 0)


if __name__ == "__main__":
    main()
