"""What is counted of covers, frame by frame, against the annotated faces.

A face is covered if at least 80 % of its annotated box is. What lies in vain is covered, was
bright before, and is further than half a box from every face and every ignored box.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from annotated import Entry, Luma, boxes_of
from numpy.typing import NDArray

BLACK, BRIGHT = 40, 56
"""Luma below which a pixel is covered, and from which it was surely not black before. Video black
is 16, and encoders blur edges; between the two nothing is claimed."""
ENOUGH = 0.8
SIZES = (0, 12, 16, 24, 32, 64)
"""Heights in pixels at which faces are counted apart."""
SMALL = 16

Mask = NDArray[np.bool_]


@dataclass
class Score:
    """Counts of one file, or of many.

    Attributes:
        faces: Annotated faces by the class of their height, see `SIZES`.
        covered: How many of them are covered.
        run: Most annotated frames in a row in which any face is bare.
        in_vain: Share of each picture that is covered in vain.
        cover_area: Pixels covered in frames of which every face is annotated.
        face_area: Pixels of all annotated boxes there.
        frames: Frames in all.
        seconds: Time that deciding, or the whole command, took.
    """

    faces: list[int] = field(default_factory=lambda: [0] * len(SIZES))
    covered: list[int] = field(default_factory=lambda: [0] * len(SIZES))
    run: int = 0
    in_vain: list[float] = field(default_factory=list)
    cover_area: float = 0.0
    face_area: float = 0.0
    frames: int = 0
    seconds: float = 0.0
    _bare_in_a_row: int = 0

    def add(self, other: Score) -> None:
        """Take the counts of one more file."""
        self.faces = [a + b for a, b in zip(self.faces, other.faces, strict=True)]
        self.covered = [a + b for a, b in zip(self.covered, other.covered, strict=True)]
        for name in ("in_vain", "cover_area", "face_area", "frames", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.run = max(self.run, other.run)

    def add_frame(self, before: Luma, mask: Mask, entry: Entry | None) -> None:
        """Count one frame.

        Args:
            before: Its brightness.
            mask: What is covered, of the same shape.
            entry: What is annotated; None if nothing is.
        """
        self.frames += 1
        if entry is None or not entry.get("incomplete"):
            self.in_vain.append(float(vain(before, mask, entry).mean()))
        if entry is None:
            return
        if not entry.get("incomplete"):
            self.cover_area += float((mask & (before >= BRIGHT)).sum())
            self.face_area += sum(w * h for _, _, w, h in boxes_of(entry))
        bare = bare_faces(before, mask, entry)
        for x, y, w, h in entry["faces"]:
            size = sum(int(h) >= least for least in SIZES) - 1
            self.faces[size] += 1
            self.covered[size] += [x, y, w, h] not in bare
        self._bare_in_a_row = self._bare_in_a_row + 1 if bare else 0
        self.run = max(self.run, self._bare_in_a_row)

    def figures(self) -> dict[str, float]:
        """Return what is printed."""
        large = SIZES.index(SMALL)
        shares = {
            f"{least}+ px": self.covered[size] / self.faces[size]
            for size, least in enumerate(SIZES)
            if self.faces[size]
        }
        return {
            "covered": sum(self.covered) / max(1, sum(self.faces)),
            ">=16 px": sum(self.covered[large:]) / max(1, sum(self.faces[large:])),
            "run": self.run,
            "in vain": float(np.mean(self.in_vain)) if self.in_vain else 0.0,
            "bulk": self.cover_area / self.face_area if self.face_area else 0.0,
            "fps": self.frames / self.seconds if self.seconds else 0.0,
            "faces": sum(self.faces),
            **shares,
        }


def vain(before: Luma, mask: Mask, entry: Entry | None) -> Mask:
    """Return what is covered away from every box; half a box's size around it is near."""
    result: Mask = mask & (before >= BRIGHT)
    for x, y, w, h in boxes_of(entry):
        top, left = max(0, int(y - h / 2)), max(0, int(x - w / 2))
        result[top : max(0, int(y + 1.5 * h)), left : max(0, int(x + 1.5 * w))] = False
    return result


def bare_faces(before: Luma, mask: Mask, entry: Entry) -> list[list[float]]:
    """Return the boxes of the faces that are not covered."""
    hidden = mask | (before < BLACK)
    bare = []
    for box in entry["faces"]:
        x, y, w, h = (int(value) for value in box)
        part = hidden[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)]
        if part.size and part.mean() < ENOUGH:
            bare.append(box)
    return bare
