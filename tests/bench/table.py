#!/usr/bin/env python3
"""How much of every annotated face is covered, and how much else?

    python tests/bench/table.py MEDIA
    python tests/bench/table.py MEDIA --quality fast balanced --only clips/ --keep FOLDER
    python tests/bench/table.py MEDIA --other "deface {input} -o {output} --replacewith solid"

MEDIA is an annotated folder, see annotated.py, or one with nobody in it. What streamguard decides
is painted over white pictures by its own redaction, and nothing is encoded. Any other command has
to cover with solid black, and its result is compared with the input pixel by pixel.

Columns:
  covered  share of annotated faces whose box is at least 80 % covered
  >=16 px  the same for faces at least 16 px high
  run      most annotated frames in a row in which any face is bare
  in vain  mean share of the picture that is covered away from every face and ignored box
  bulk     area covered over the area of all annotated boxes
  fps      frames a second of deciding, or of the whole other command, start-up included
  by size  share covered and number of the faces at least so many pixels high
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from annotated import Entries, is_photo, truth
from covering import blackened, decide, decided, run, suffix_for
from scoring import SIZES, Score
from variants import scaled, turned

from streamguard.errors import StreamguardError
from streamguard.plans import Quality

Measure = Callable[[Path, Entries], Score]
HEAD = ("covered", ">=16 px", "run", "in vain", "bulk", "fps", "faces")


def by_us(quality: Quality, media: Path, kept: Path, *, exact: bool) -> Measure:
    """Return what measures one of our quality levels; analyses are left in ``kept``."""

    def measure(source: Path, entries: Entries) -> Score:
        name = source.relative_to(media).as_posix()
        analysis = kept / quality / f"{name}.analysis"
        started, score = time.perf_counter(), Score()
        decide(source, analysis, quality)
        score.seconds = time.perf_counter() - started
        for number, (luma, mask) in enumerate(decided(source, analysis)):
            bright = np.full_like(luma, 255) if exact else luma
            score.add_frame(bright, mask, entries.get(number))
        return score

    return measure


def by_other(command: str) -> Measure:
    """Return what measures a command."""

    def measure(source: Path, entries: Entries) -> Score:
        score = Score()
        with tempfile.TemporaryDirectory() as folder:
            result = Path(folder) / f"result{suffix_for(source)}"
            started = time.perf_counter()
            run(command, source, result)
            score.seconds = time.perf_counter() - started
            for number, (luma, mask) in enumerate(blackened(source, result)):
                score.add_frame(luma, mask, entries.get(number))
        return score

    return measure


def show(name: str, score: Score) -> None:
    """Print one row."""
    f = score.figures()
    sizes = " ".join(
        f"{least}+ {f[f'{least}+ px']:.3f}/{count}"
        for least, count in zip(SIZES, score.faces, strict=True)
        if count
    )
    print(
        f"{name:<40} {f['covered']:8.4f} {f['>=16 px']:8.4f} {f['run']:4.0f}"
        f" {f['in vain']:8.4f} {f['bulk']:6.2f} {f['fps']:6.1f} {f['faces']:6.0f}  {sizes}",
        flush=True,
    )


def measure_all(
    title: str, media: Path, files: dict[str, Entries], measure: Measure
) -> tuple[dict[str, dict[str, float]], int]:
    """Print a table; return its figures by row, and how many files failed."""
    print(f"{title:<40} " + "{:>8} {:>8} {:>4} {:>8} {:>6} {:>6} {:>6}".format(*HEAD), flush=True)
    totals: dict[str, Score] = defaultdict(Score)
    rows: dict[str, dict[str, float]] = {}
    means, failed = [], 0
    for name, entries in files.items():
        try:
            score = measure(media / name, entries)
        except (ValueError, StreamguardError) as error:
            failed += 1
            print(f"{name:<40} {error}", flush=True)
            continue
        if is_photo(name):
            # A photo has no frames in a row.
            score.run = 0
        if not is_photo(name) or not entries:
            show(name[-40:], score)
        rows[name] = score.figures()
        means.append(rows[name]["in vain"])
        totals["all photos" if is_photo(name) else "all clips"].add(score)
    for name, total in totals.items():
        show(name, total)
        rows[name] = total.figures()
    print(f"{'in vain, mean of files':<40} {np.mean(means or [0]):32.4f}", flush=True)
    return rows, failed


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    levels = [str(quality) for quality in Quality]
    parser.add_argument("media", type=Path, help="annotated folder, or one with nobody in it")
    parser.add_argument("--quality", nargs="+", default=["balanced"], choices=levels)
    parser.add_argument("--only", default="", metavar="TEXT", help="only files with it in the path")
    parser.add_argument("--other", metavar="COMMAND", help="measure it, with {input} and {output}")
    parser.add_argument("--turned", type=int, choices=(90, 180, 270), help="turn all clockwise")
    parser.add_argument(
        "--scaled",
        action="store_true",
        help="scale photos until faces have 12 to 24 px, pan over many of them at 1080p",
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep analyses and what is made"
    )
    parser.add_argument(
        "--exact", action="store_true", help="let dark pixels count only where they are covered"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def main() -> None:
    """Measure everything named on the command line."""
    args = arguments()
    figures, failed = {}, 0
    with tempfile.TemporaryDirectory() as temporary:
        kept: Path = args.keep or Path(temporary)
        media, files = args.media, truth(args.media, args.only)
        if args.scaled:
            media, files = scaled(media, files, kept / "scaled")
        if args.turned:
            media, files = turned(media, files, args.turned, kept / f"turned-{args.turned}")
        measures = {"other": by_other(args.other)} if args.other else {}
        if not args.other:
            measures = {q: by_us(Quality(q), media, kept, exact=args.exact) for q in args.quality}
        for title, measure in measures.items():
            figures[title], missing = measure_all(title, media, files, measure)
            failed += missing
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    sys.exit(f"{failed} files failed" if failed else 0)


if __name__ == "__main__":
    main()
