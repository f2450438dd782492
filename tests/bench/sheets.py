#!/usr/bin/env python3
"""Contact sheets of the worst frames: where covers lie in vain, and where faces are bare.

    python tests/bench/table.py MEDIA --keep KEPT
    python tests/bench/sheets.py MEDIA KEPT/balanced SHEETS

Every place is shown once, at its worst: with covers outlined in yellow, annotated faces in green,
ignored boxes in blue, and what is wrong in red. The largest area covered in vain comes first, and
the tallest bare face. Each picture is named with its file and frame.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from annotated import Entries, Picture, pictures, truth
from covering import decided
from scoring import Mask, bare_faces, vain

from streamguard.geometry import Box, containment

_TILE = (480, 340)
_CAPTION = 20
_ACROSS, _DOWN = 4, 4
_AROUND = 3.0
"""What is shown, as a multiple of what is wrong."""
_SAME_PLACE = 0.3
_LEAST_SHARE = 0.0003
"""Share of a picture from which a stretch that is covered in vain counts."""
_YELLOW, _GREEN, _BLUE, _RED = (0, 220, 255), (0, 200, 0), (255, 120, 0), (0, 0, 255)


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong in one frame.

    Attributes:
        file: Path below the folder of media.
        frame: Number of the frame.
        box: Where.
        score: How wrong: share of the picture, or pixels of height.
    """

    file: str
    frame: int
    box: Box
    score: float

    def is_like(self, other: Wrong, apart: int) -> bool:
        """Whether it is the same place of the same file, at about the same time."""
        is_near = self.file == other.file and abs(self.frame - other.frame) < apart
        return (
            is_near
            and max(containment(self.box, other.box), containment(other.box, self.box))
            > _SAME_PLACE
        )


def wrongs(media: Path, kept: Path, only: str) -> tuple[list[Wrong], list[Wrong]]:
    """Return what is covered in vain, and what is bare, in all files that have an analysis."""
    in_vain: list[Wrong] = []
    bare: list[Wrong] = []
    for name, entries in truth(media, only).items():
        analysis = kept / f"{name}.analysis"
        if not analysis.exists():
            continue
        for number, (luma, mask) in enumerate(decided(media / name, analysis)):
            entry = entries.get(number)
            if entry is None or not entry.get("incomplete"):
                in_vain += [Wrong(name, number, *each) for each in patches(vain(luma, mask, entry))]
            for x, y, w, h in bare_faces(luma, mask, entry) if entry else ():
                bare.append(Wrong(name, number, Box(x, y, x + w, y + h), h))
    return in_vain, bare


def patches(mask: Mask) -> Iterator[tuple[Box, float]]:
    """Yield connected areas, and the share of the picture that each is."""
    if not mask.any():
        return
    # Dark spots count neither way, and must not break what is one cover into crumbs.
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(closed)
    for x, y, w, h, area in stats[1:].tolist():
        if area >= _LEAST_SHARE * mask.size:
            yield Box(x, y, x + w, y + h), area / mask.size


def worst(found: Sequence[Wrong], count: int, apart: int) -> list[Wrong]:
    """Return the worst, each place once."""
    chosen: list[Wrong] = []
    for each in sorted(found, key=lambda one: -one.score):
        if len(chosen) == count:
            break
        if not any(each.is_like(other, apart) for other in chosen):
            chosen.append(each)
    return chosen


def tiles(media: Path, kept: Path, chosen: Sequence[Wrong], unit: str) -> list[Picture]:
    """Return a picture of each, in order."""
    drawn: dict[Wrong, Picture] = {}
    for name in {each.file for each in chosen}:
        mine = [each for each in chosen if each.file == name]
        entries = truth(media, name)[name]
        frames = zip(
            pictures(media / name), decided(media / name, kept / f"{name}.analysis"), strict=True
        )
        for number, (picture, (_, mask)) in enumerate(frames):
            for each in mine:
                if each.frame == number:
                    drawn[each] = tile(picture, mask, entries, each, unit)
    return [drawn[each] for each in chosen]


def tile(picture: Picture, mask: Mask, entries: Entries, wrong: Wrong, unit: str) -> Picture:
    """Return what is wrong with its surroundings, drawn and named."""
    height, width = picture.shape[:2]
    part = view_of(wrong.box, width, height)
    x1, y1, x2, y2 = part.pixels(width, height)
    scale = min(_TILE[0] / (x2 - x1), (_TILE[1] - _CAPTION) / (y2 - y1))
    size = max(1, round((x2 - x1) * scale)), max(1, round((y2 - y1) * scale))
    shown = np.asarray(cv2.resize(picture[y1:y2, x1:x2], size), np.uint8)
    cut = cv2.resize(mask[y1:y2, x1:x2].astype(np.uint8), size)
    outlines, _ = cv2.findContours(cut, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(shown, outlines, -1, _YELLOW, 1)
    entry = entries.get(wrong.frame, {})
    groups = [(entry.get("faces", []), _GREEN), (entry.get("ignore", []), _BLUE)]
    red = wrong.box
    groups.append(([[red.x1, red.y1, red.width, red.height]], _RED))
    for boxes, color in groups:
        for x, y, w, h in boxes:
            start = round((x - x1) * scale), round((y - y1) * scale)
            end = round((x + w - x1) * scale), round((y + h - y1) * scale)
            cv2.rectangle(shown, start, end, color, 1)
    result = np.zeros((_TILE[1], _TILE[0], 3), np.uint8)
    result[_CAPTION : _CAPTION + size[1], : size[0]] = shown
    score = f"{wrong.score:.4f}" if wrong.score < 1 else f"{wrong.score:.0f}"
    words = f"{wrong.file[-44:]} {wrong.frame}: {score} {unit}"
    cv2.putText(result, words, (3, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1)
    return result


def view_of(box: Box, width: int, height: int) -> Box:
    """Return the part of the picture to show."""
    side = max(_AROUND * box.width, _AROUND * box.height * _TILE[0] / _TILE[1], 160)
    across, down = min(side, width), min(side * _TILE[1] / _TILE[0], height)
    x, y = box.center
    left = min(max(0, x - across / 2), width - across)
    top = min(max(0, y - down / 2), height - down)
    return Box(left, top, left + across, top + down)


def write(folder: Path, kind: str, made: Sequence[Picture]) -> None:
    """Write sheets of tiles, the worst first."""
    folder.mkdir(parents=True, exist_ok=True)
    blank = np.zeros((_TILE[1], _TILE[0], 3), np.uint8)
    for number, first in enumerate(range(0, len(made), _ACROSS * _DOWN), 1):
        group = list(made[first : first + _ACROSS * _DOWN])
        group += [blank] * (-len(group) % _ACROSS)
        rows = [np.hstack(group[n : n + _ACROSS]) for n in range(0, len(group), _ACROSS)]
        cv2.imwrite(str(folder / f"{kind}-{number}.png"), np.vstack(rows))


def main() -> None:
    """Draw the worst of what is named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path, help="annotated folder, or one with nobody in it")
    parser.add_argument("kept", type=Path, help="folder of analyses of one quality level")
    parser.add_argument("sheets", type=Path, help="folder to write to")
    parser.add_argument("--only", default="", metavar="TEXT", help="only files with it in the path")
    parser.add_argument("--count", type=int, default=32, help="places of each kind [32]")
    parser.add_argument("--apart", type=int, default=25, help="frames until one counts again [25]")
    args = parser.parse_args()
    both = wrongs(args.media, args.kept, args.only)
    for kind, unit, found in zip(("in-vain", "bare"), ("of the picture", "px"), both, strict=True):
        chosen = worst(found, args.count, args.apart)
        write(args.sheets, kind, tiles(args.media, args.kept, chosen, unit))
        print(f"{kind}: {len(found)} in all")
        for each in chosen:
            x, y = (round(side) for side in each.box.center)
            print(f"  {each.score:9.4f} {unit}  {each.file} frame {each.frame} at {x},{y}")


if __name__ == "__main__":
    main()
