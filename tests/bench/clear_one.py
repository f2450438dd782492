#!/usr/bin/env python3
"""Leave each person clear in turn: is that face bare, and is any other barer than before?

    PYTHONPATH=tests python tests/bench/clear_one.py VIDEO MEDIA [--watch | --confirm]

VIDEO is annotated in MEDIA/gt.json (see annotated.py). It is analyzed once; then each track is left
clear in turn, and every frame is redacted with and without that edit. Faces are followed from
frame to frame by their annotated boxes. With --watch, somebody who knows the annotation
confirms the frames in which the track's cover lies over the right face; with --confirm, somebody
confirms everything without a look.

Columns, one line a track:
  asked   frames of the track
  clear   frames in which its annotated face is bare: nine tenths of the ellipse in its box
  barer   most of any other face that is bare with the edit and was not before
  in      frames in which that is more than 2 %
  beside  most of it that does not lie in the box of the track's own face: where boxes overlap,
          nobody can tell by them who is in front
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bare_kit import Bare, bare_frames, share, share_of_ellipse

import streamguard
from streamguard.analysis.reader import Analysis, open_analysis
from streamguard.analysis.records import FrameRecord, StoredTrack
from streamguard.edits.acts import Clear, Confirm
from streamguard.edits.edit import Edit
from streamguard.edits.placing import Placed, place
from streamguard.edits.stretches import runs
from streamguard.geometry import Box, containment, iou

_SAME = 0.4
_ALIKE = 0.8
_TOLERATED = 0.02
_BARE = 0.9


def annotated(media: Path, video: Path) -> list[dict[int, Box]]:
    """Return each frame's faces by a number that stays with a face."""
    records = json.loads((media / "gt.json").read_text("utf-8"))
    name = video.resolve().relative_to(media.resolve()).as_posix()
    mine = sorted((r for r in records if r["file"] == name), key=lambda r: r["frame"])
    frames: list[dict[int, Box]] = []
    numbers = count(1)
    for record in mine:
        boxes = [Box(x, y, x + w, y + h) for x, y, w, h in record["faces"]]
        expected = moved(frames[-1] if frames else {}, boxes)
        faces: dict[int, Box] = {}
        for box in boxes:
            known = max(expected, key=lambda n: iou(expected[n], box), default=0)
            is_known = known and known not in faces and iou(expected[known], box) > _SAME
            faces[known if is_known else next(numbers)] = box
        frames.append(faces)
    return frames


def moved(faces: dict[int, Box], boxes: Sequence[Box]) -> dict[int, Box]:
    """Return faces moved with the camera: by the one shift that brings most of them to a box."""
    shifts = [
        (b.center[0] - f.center[0], b.center[1] - f.center[1])
        for f in faces.values()
        for b in boxes
        if iou(f.shift(b.center[0] - f.center[0], b.center[1] - f.center[1]), b) > _ALIKE
    ]

    def agreeing(shift: tuple[float, float]) -> float:
        return sum(max(iou(f.shift(*shift), b) for b in boxes) for f in faces.values())

    best = max(shifts, key=agreeing, default=(0.0, 0.0))
    return {number: face.shift(*best) for number, face in faces.items()}


@dataclass
class Score:
    """What leaving one track clear comes to.

    Attributes:
        track: Its number.
        face: The annotated face that it shows where it is seen best; 0 if there is none.
        asked: Frames of the track.
        clear: Frames in which the face is bare.
        worst: Most of any other face that is bare with the edit and was not before.
        often: Frames in which that is more than is tolerated.
        beside: Most of it outside the box of the track's own face.
    """

    track: int
    face: int
    asked: int
    clear: int = 0
    worst: float = 0.0
    often: int = 0
    beside: float = 0.0

    def add(self, before: Bare, after: Bare, faces: dict[int, Box]) -> None:
        """Take in one frame: what was bare, what is, and where faces are."""
        fresh = after & ~before
        self.clear += self.face in faces and share_of_ellipse(after, faces[self.face]) > _BARE
        others = [box for face, box in faces.items() if face != self.face]
        barer = max((share(fresh, box) for box in others), default=0.0)
        self.worst, self.often = max(self.worst, barer), self.often + (barer > _TOLERATED)
        if self.face in faces:
            x1, y1, x2, y2 = faces[self.face].pixels(fresh.shape[1], fresh.shape[0])
            fresh[y1:y2, x1:x2] = False
        self.beside = max(self.beside, *(share(fresh, box) for box in others), 0.0)

    @property
    def line(self) -> str:
        """A line of the table."""
        counts = f"{self.track:>5} {self.asked:>5} {self.clear:>5}"
        return f"{counts} {self.worst:>6.3f} {self.often:>4} {self.beside:>6.3f}"


def begun(track: StoredTrack, records: Sequence[FrameRecord], faces: dict[int, Box]) -> Score:
    """Return the empty score of a track, ``faces`` being those of the frame that shows it best."""
    shown = [c.box for c in records[track.best].covers if c.track_id == track.track_id]
    near = {n: containment(box, shown[0]) for n, box in faces.items()} if shown else {}
    face = max(near, key=lambda n: near[n], default=0)
    return Score(track.track_id, face if near.get(face) else 0, track.last - track.first + 1)


def cleared(
    decision: Analysis, score: Score, right: Sequence[tuple[int, int]], confirm: bool
) -> Placed:
    """Return the edits that leave a track clear, and confirm it in the right stretches."""
    acts: list[Clear | Confirm] = [Clear(track=score.track, confirm=confirm)]
    acts += [Confirm(track=score.track, first=first, last=last) for first, last in right]
    log = [Edit(act=act, actor="bench", number=number) for number, act in enumerate(acts, 1)]
    return place(decision, log)


def right_stretches(
    score: Score, records: Sequence[FrameRecord], faces: Sequence[dict[int, Box]]
) -> list[tuple[int, int]]:
    """Return the stretches in which a track's cover is nearest to its own face."""
    right = {
        record.index
        for record, there in zip(records, faces, strict=True)
        for cover in record.covers
        if cover.track_id == score.track
        and score.face in there
        and max(there, key=lambda n: iou(there[n], cover.box)) == score.face
    }
    return runs(sorted(right))


def main() -> None:
    """Analyze, then leave every track clear in turn."""
    parser = argparse.ArgumentParser(description="Leave each person clear in turn.")
    parser.add_argument("video", type=Path)
    parser.add_argument("media", type=Path)
    parser.add_argument("--watch", action="store_true", help="confirm what is right")
    parser.add_argument("--confirm", action="store_true", help="as if every stretch was looked at")
    options = parser.parse_args()
    faces = annotated(options.media, options.video)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.analysis"
        streamguard.analyze(options.video, path)
        with closing(open_analysis(path)) as decision:
            records = list(decision.frames())
            scores = [begun(t, records, faces[t.best]) for t in decision.tracks()]
            right = [right_stretches(s, records, faces) if options.watch else [] for s in scores]
            placed = [
                cleared(decision, score, stretches, options.confirm)
                for score, stretches in zip(scores, right, strict=True)
            ]
            bares = bare_frames(options.video, decision, [None, *placed])
            for (before, *afters), there in zip(bares, faces, strict=True):
                for score, after in zip(scores, afters, strict=True):
                    score.add(before, after, there)
    print(f"{'track':>5} {'asked':>5} {'clear':>5} {'barer':>6} {'in':>4} {'beside':>6}")
    for score in scores:
        print(score.line)


if __name__ == "__main__":
    main()
