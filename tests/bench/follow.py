#!/usr/bin/env python3
"""How well is a face covered that a person drew one box round, in one frame?

    python tests/bench/follow.py MEDIA

MEDIA is as in `annotated.py`; clips count of which at least two frames in a row are annotated. Each
face is given by its true box in one frame: the first one it is in, the middle one, or one at
random. Nothing else is known: the analysis of each clip is one in which no face was found. A face
is known from frame to frame by the motion of the picture and the overlap of its boxes. Its frames
are those up to where it is not annotated any more, such as beyond the picture's edge.

Columns:
  faces    number of faces
  frames   frames they are annotated in
  reached  share of these frames in which the box has an IoU of 0.5 or more with the true one, or
           the cover hides all of the true box, as painted with padding and as an ellipse
  IoU      the same by IoU alone
  cover    the same by the painted cover alone
  worst    lowest share of any face
  fps      frames of the clip followed in a second, decoding and start-up included
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from annotated import PHOTOS, lumas, truth

import streamguard
from streamguard.frames import Cover, Frame, Verdict
from streamguard.geometry import Box, iou
from streamguard.redaction import MaskRedactor
from streamguard.runs.keeping import keeping
from streamguard.settings import Effect, RedactionSettings, Settings
from streamguard.sources import open_source

ENOUGH = 0.5
SAME = 0.4
"""IoU, after the picture's motion, from which boxes of two frames are of one face."""
BLACK = 40
WHERE = ("first", "middle", "random")

Face = dict[int, tuple[Box, bool]]
"""By frame where one face is, and whether that frame counts."""


@dataclass
class Score:
    """Counts of one clip, or of many."""

    faces: int = 0
    frames: int = 0
    reached: int = 0
    by_iou: int = 0
    by_cover: int = 0
    worst: float = 1.0
    decoded: int = 0
    seconds: float = 0.0
    missed: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Take the counts of one more clip."""
        for name in ("faces", "frames", "reached", "by_iou", "by_cover", "decoded", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.worst = min(self.worst, other.worst)
        self.missed += other.missed

    def figures(self) -> dict[str, float]:
        """Return what is printed."""
        frames = max(1, self.frames)
        return {
            "faces": self.faces,
            "frames": self.frames,
            "reached": self.reached / frames,
            "IoU": self.by_iou / frames,
            "cover": self.by_cover / frames,
            "worst": self.worst,
            "fps": self.decoded / self.seconds if self.seconds else 0.0,
        }


def faces_of(clip: Path, entries: dict[int, dict[str, Any]]) -> list[Face]:
    """Return every face of a clip, followed through its annotations."""
    faces: list[Face] = []
    before = None
    for number, luma in enumerate(lumas(clip)):
        small = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        now = small.astype(np.float64)
        (dx, dy), _ = ((0.0, 0.0), 0.0) if before is None else cv2.phaseCorrelate(before, now)
        before = now
        if number in entries:
            carry_on(faces, number, entries[number], (2 * dx, 2 * dy), luma.shape)
    return [face for face in faces if any(counts for _, counts in face.values())]


def carry_on(
    faces: list[Face],
    number: int,
    entry: dict[str, Any],
    motion: tuple[float, float],
    shape: tuple[int, ...],
) -> None:
    """Add one frame's boxes to the faces they show; what fits none is a new face."""
    boxes = [(Box(x, y, x + w, y + h), True) for x, y, w, h in entry["faces"]]
    boxes += [(Box(x, y, x + w, y + h), False) for x, y, w, h in entry.get("ignore", [])]
    going = [face for face in faces if max(face) == number - 1]
    pairs = []
    for f, face in enumerate(going):
        place = face[number - 1][0]
        moved = place.shift(*motion).clip(shape[1], shape[0])
        # A camera that follows a face moves everything but that face.
        pairs += [(max(iou(moved, box), iou(place, box)), f, b) for b, (box, _) in enumerate(boxes)]
    pairs.sort(reverse=True)
    taken: set[int] = set()
    carried: set[int] = set()
    for likeness, f, b in pairs:
        if likeness >= SAME and f not in carried and b not in taken:
            carried.add(f)
            taken.add(b)
            going[f][number] = boxes[b]
    faces += [{number: box} for b, box in enumerate(boxes) if b not in taken]


def blank_analysis(clip: Path, folder: Path) -> tuple[Path, int]:
    """Write an analysis of a clip in which nothing was found; return it and the frames."""
    path = folder / f"{clip.name}.analysis"
    source, frames = open_source(clip), 0
    with keeping(path, source, Settings(), threading.Event(), {}) as writer:
        for frame in source.read():
            if isinstance(frame, Frame):
                writer.add(Verdict(frame))
                frames += 1
        writer.finish()
    source.close()
    return path, frames


class Painter:
    """Tells what a cover really hides."""

    def __init__(self, width: int, height: int) -> None:
        self._size = width, height
        self._redactor = MaskRedactor(RedactionSettings(effect=Effect.SOLID))
        plain = np.full((height, width, 3), 200, np.uint8)
        self._picture = av.VideoFrame.from_ndarray(plain, format="rgb24").reformat(format="yuv420p")

    def hides(self, drawn: Box, true: Box) -> bool:
        """Return whether the painted cover of a box hides all of another."""
        frame = Frame(self._picture, 0, 0.0)
        done = self._redactor.redact(Verdict(frame, (Cover(drawn, 1),))).picture
        luma = done.to_ndarray()[: self._size[1], : self._size[0]]
        x1, y1, x2, y2 = true.pixels(*self._size)
        return bool((luma[y1:y2, x1:x2] < BLACK).all())


def measure(clip: Path, entries: dict[int, dict[str, Any]], every: int) -> dict[str, Score]:
    """Follow every face of a clip from one box in each of three frames, or in every so many."""
    scores: dict[str, Score] = defaultdict(Score)
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        analysis, count = blank_analysis(clip, Path(folder))
        for number, face in enumerate(faces_of(clip, entries)):
            frames = sorted(frame for frame, (_, counts) in face.items() if counts)
            named = frames[0], frames[len(frames) // 2], chance.choice(frames)
            drawn = list(zip(WHERE, named, strict=True))
            if every:
                drawn = [("each", at) for at in frames[every // 4 :: every]]
            for where, at in drawn:
                score = one_box(clip, analysis, face, at)
                score.decoded = count
                if score.reached < score.frames:
                    missed = score.frames - score.reached
                    score.missed = [
                        f"{clip.name} face {number} from {at}: {missed} of {score.frames}"
                    ]
                scores[where].add(score)
    return scores


def one_box(clip: Path, analysis: Path, face: Face, at: int) -> Score:
    """Follow one face from one box."""
    score = Score(faces=1)
    source = open_source(clip)
    width, height = source.info.width, source.info.height
    source.close()
    painter = Painter(width, height)
    box = face[at][0]
    started = time.perf_counter()
    x1, y1, x2, y2 = (round(v) for v in (box.x1, box.y1, box.x2, box.y2))
    found = streamguard.follow(analysis, {at: (x1, y1, x2, y2)}, source=clip)
    score.seconds = time.perf_counter() - started
    covered = {frame: Box(*map(float, row)) for frame, *row in found.act.boxes}
    for frame, (true, counts) in face.items():
        if counts:
            drawn = covered.get(frame)
            near = drawn is not None and iou(drawn.clip(width, height), true) >= ENOUGH
            hidden = drawn is not None and painter.hides(drawn, true)
            score.frames += 1
            score.by_iou += near
            score.by_cover += hidden
            score.reached += near or hidden
    score.worst = score.reached / score.frames
    return score


def show(name: str, where: str, score: Score) -> None:
    """Print one row."""
    f = score.figures()
    print(
        f"{name:<26} {where:<7} {f['faces']:6.0f} {f['frames']:7.0f} {f['reached']:8.4f}"
        f" {f['IoU']:7.4f} {f['cover']:7.4f} {f['worst']:7.4f} {f['fps']:7.1f}",
        flush=True,
    )


def main() -> None:
    """Measure everything named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path, help="folder with gt.json")
    parser.add_argument("--only", default="", metavar="TEXT", help="only files with it in the path")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--every", type=int, default=0, metavar="N", help="in each N-th frame")
    parser.add_argument("--missed", action="store_true", help="name what was not reached")
    args = parser.parse_args()
    print(
        f"{'':<26} {'drawn':<7} {'faces':>6} {'frames':>7} {'reached':>8} {'IoU':>7} {'cover':>7}"
        f" {'worst':>7} {'fps':>7}"
    )
    totals: dict[str, Score] = defaultdict(Score)
    rows: dict[str, dict[str, float]] = {}
    for name, entries in truth(args.media, args.only).items():
        if Path(name).suffix.lower() in PHOTOS or len(entries) < 2:
            continue
        for where, score in measure(args.media / name, entries, args.every).items():
            show(name, where, score)
            rows[f"{name} {where}"] = score.figures()
            totals[where].add(score)
            totals["all"].add(score)
    for where, total in totals.items():
        show("all clips", where, total)
        rows[f"all clips {where}"] = total.figures()
    if args.missed:
        print("\n".join(totals["all"].missed))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
