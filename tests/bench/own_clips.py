#!/usr/bin/env python3
"""Make annotated clips from annotated photos: cameras that move, people who cross, come and go.

    python tests/bench/own_clips.py PHOTOS CLIPS
    python tests/bench/table.py CLIPS

PHOTOS is an annotated folder of photos, see annotated.py. Those with faces are panned over, zoomed
and cut together, and people are cut out of them; those with nobody in them become backgrounds. A
clip is named by its kind. Photos are never enlarged, if they are large enough for the clips, so
that what can be seen in a clip could be seen in its photo.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from annotated import TRUTH, Picture, is_photo, pictures, truth
from clips import Boxes, Move, faces_in, write_clip
from cut_outs import Person, cut_out, walked

SIZES = ((640, 360), (960, 540), (640, 360), (1280, 720))
_FRAMES = 75
_CLOSER = 1.7
"""How much closer the camera is than where all of a photo is in view."""
_LARGEST = 0.9
_BLURRED = 6
"""Moments that one blurred frame shows."""
_DARK, _NOISE = 0.16, 3.0


@dataclass(frozen=True)
class Photo:
    """A photo and what is annotated in it."""

    picture: Picture
    faces: Boxes
    ignore: Boxes
    incomplete: bool

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.picture.shape[1], self.picture.shape[0]


@dataclass(frozen=True)
class View:
    """What one frame shows.

    Attributes:
        picture: The frame.
        faces: The annotated boxes in it.
        ignore: Boxes that count neither way.
        incomplete: Whether there are other faces.
    """

    picture: Picture
    faces: Boxes
    ignore: Boxes
    incomplete: bool = False


Path3 = Callable[[float], tuple[float, float, float, float]]
"""From the time, 0 to 1, to a place across and down the photo, 0 to 1, how close, and degrees."""


def smooth(time: float) -> float:
    """Return a time that starts and ends slowly."""
    return float(1 - np.cos(np.pi * time)) / 2


def camera_paths(random: np.random.Generator) -> dict[str, tuple[Path3, bool]]:
    """Return how the camera moves in each kind of clip, and whether that blurs the picture."""
    shakes = random.normal(0, 1, (3, 4))

    def shake(time: float) -> tuple[float, float, float, float]:
        waves = np.sin(2 * np.pi * np.outer((2, 5, 9), np.ones(4)) * time + shakes * 3)
        x, y, _, turn = (shakes * waves).sum(0)
        return 0.5 + 0.06 * x, 0.5 + 0.06 * y, _CLOSER, 2 * turn

    return {
        "pan": (lambda t: (smooth(t), 0.3 + 0.4 * t, _CLOSER, 0), False),
        "fast_pan": (lambda t: (smooth(abs(2 * t - 1)), 0.5, _CLOSER * 1.3, 0), True),
        "zoom_in": (lambda t: (0.5 - 0.3 * t, 0.4, 1 + 1.2 * smooth(t), 0), False),
        "zoom_out": (lambda t: (0.7 - 0.2 * t, 0.4, 2.2 - 1.2 * smooth(t), 0), False),
        "shake": (shake, True),
        "tilt": (lambda t: (0.5, 0.4, _CLOSER, 28 * np.sin(2 * np.pi * t)), False),
        "dark": (lambda t: (1 - smooth(t), 0.5, _CLOSER, 0), False),
        "still": (lambda _: (0.5, 0.5, 1.0, 0), False),
    }


def move_of(photo: Photo, size: tuple[int, int], where: tuple[float, float, float, float]) -> Move:
    """Return where the points of a photo come to lie in a view of it."""
    across, down, closer, degrees = where
    fit = max(size[0] / photo.size[0], size[1] / photo.size[1])
    scale = fit * max(1.0, min(closer, _LARGEST / fit))
    half = size[0] / 2 / scale, size[1] / 2 / scale
    x, y = (
        near + min(max(part, 0), 1) * max(0.0, side - 2 * near)
        for part, near, side in zip((across, down), half, photo.size, strict=True)
    )
    move = cv2.getRotationMatrix2D((x, y), degrees, scale)
    move[:, 2] += np.array([size[0] / 2 - x, size[1] / 2 - y])
    return np.asarray(move, np.float64)


def filmed(photo: Photo, path: Path3, size: tuple[int, int], *, blurred: bool) -> Iterator[View]:
    """Yield what a moving camera sees of a photo."""
    for number in range(_FRAMES):
        moments = [(number + part / _BLURRED / 2) / _FRAMES for part in range(_BLURRED)]
        moves = [move_of(photo, size, path(t)) for t in (moments if blurred else moments[:1])]
        shots = [
            cv2.warpAffine(
                photo.picture, m, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
            )
            for m in moves
        ]
        middle = moves[len(moves) // 2]
        faces, ignored = faces_in(photo.faces, middle, size)
        ignored += [box for part in faces_in(photo.ignore, middle, size) for box in part]
        picture = np.mean(shots, axis=0).astype(np.uint8)
        yield View(picture, faces, ignored, photo.incomplete)


def darkened(views: Iterator[View], random: np.random.Generator) -> Iterator[View]:
    """Yield views with little light and the noise that comes with it."""
    for view in views:
        noise = random.normal(0, _NOISE, view.picture.shape)
        dark = np.clip(view.picture * _DARK + 8 + noise, 0, 255).astype(np.uint8)
        yield View(dark, view.faces, view.ignore, view.incomplete)


def cut_together(takes: Sequence[Iterator[View]]) -> Iterator[View]:
    """Yield a third of each take."""
    for take in takes:
        views = list(take)
        yield from views[len(views) // 3 : 2 * len(views) // 3]


def staged(
    background: Photo, people: Sequence[Person], kind: str, size: tuple[int, int]
) -> Iterator[View]:
    """Yield people who walk before a background; the last of them is nearest."""
    behind = np.asarray(cv2.resize(background.picture, size), np.uint8)
    for number in range(_FRAMES):
        picture, faces, hidden = walked(behind, people, kind, number / (_FRAMES - 1))
        yield View(picture, faces, hidden)


def takes(
    photos: Sequence[Photo], backgrounds: Sequence[Photo], random: np.random.Generator
) -> Iterator[tuple[str, Iterator[View]]]:
    """Yield all clips: a name, and what they show."""
    paths = camera_paths(random)
    for number, photo in enumerate(photos):
        kinds = list(paths)
        size = SIZES[number % len(SIZES)]
        for kind in (kinds[number % len(kinds)], kinds[(number + 3) % len(kinds)]):
            path, is_blurred = paths[kind]
            views = filmed(photo, path, size, blurred=is_blurred)
            yield f"{kind}_{number}", darkened(views, random) if kind == "dark" else views
    for number in range(0, len(photos) - 2, 3):
        group = photos[number : number + 3]
        shots = [filmed(each, paths["pan"][0], SIZES[0], blurred=False) for each in group]
        yield f"cuts_{number}", cut_together(shots)
    for number, kind in enumerate(("cross", "enter", "leave", "cross", "pass", "behind")):
        if not backgrounds:
            return
        chosen = [photos[(number * 2 + n) % len(photos)] for n in range(2)]
        size = SIZES[number % len(SIZES)]
        people = [cut_out(p.picture, max(p.faces, key=_height), size[1] / 5) for p in chosen]
        background = backgrounds[number % len(backgrounds)]
        yield f"{kind}_{number}", staged(background, people, kind, size)


def _height(box: Sequence[float]) -> float:
    return box[3]


def read(folder: Path, names: Sequence[str]) -> tuple[list[Photo], list[Photo]]:
    """Return the photos with faces, and those without."""
    photos: list[Photo] = []
    for name, entries in truth(folder).items():
        if is_photo(name) and (not names or Path(name).stem in names):
            entry: dict[str, Any] = {"faces": [], **entries.get(0, {})}
            is_incomplete = bool(entry.get("incomplete"))
            boxes = entry["faces"], entry.get("ignore", [])
            photos.append(Photo(next(pictures(folder / name)), *boxes, is_incomplete))
    return [p for p in photos if p.faces], [p for p in photos if not p.faces]


def main() -> None:
    """Make clips from what is named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, help="annotated folder of photos")
    parser.add_argument("clips", type=Path, help="folder to write to")
    parser.add_argument("--photo", nargs="*", default=[], metavar="NAME", help="only these")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.clips.mkdir(parents=True, exist_ok=True)
    photos, backgrounds = read(args.photos, args.photo)
    entries: list[dict[str, Any]] = []
    for name, views in takes(photos, backgrounds, np.random.default_rng(args.seed)):
        shown = list(views)
        write_clip(args.clips / f"{name}.mp4", (view.picture for view in shown))
        for frame, view in enumerate(shown):
            boxes = {"faces": view.faces, "ignore": view.ignore}
            more = {"incomplete": True} if view.incomplete else {}
            entries.append({"file": f"{name}.mp4", "frame": frame, **boxes, **more})
        print(f"{name}: {len(shown)} frames", flush=True)
    (args.clips / TRUTH).write_text(json.dumps(entries), "utf-8")


if __name__ == "__main__":
    main()
