"""Carries looks out: pictures to the detectors, their boxes back to the coded frame."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streamguard.detection.dark import amplified, with_contrast
from streamguard.detection.looks import Look, Role
from streamguard.detection.poles import VIEWS
from streamguard.detection.tilting import untilted
from streamguard.detection.view import FrameView
from streamguard.errors import DetectionError, StreamguardError
from streamguard.geometry import Box, Detection
from streamguard.protocols import BatchDetector, Detector, Image

_MAX_SIZE = 2.0
"""A box larger than this many pictures, or this far outside, is nonsense, and nonsense means
the look failed."""
_MARGIN = 32
"""Pixels that a detector may have added to a small picture, and found something in."""
_BATCH = 8 * 128 * 128
"""Pixels of a batch: more at once are no faster, and large pictures need memory."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found.

    Attributes:
        look: The look.
        detections: Faces in coded pixels of the frame; their roll is that in the upright frame.
    """

    look: Look
    detections: tuple[Detection, ...]


class Finder:
    """Shows regions of frames to detectors, one at a time.

    Args:
        detectors: Who plays each role; a role nobody plays is skipped.
    """

    def __init__(self, detectors: Mapping[Role, Detector]) -> None:
        self._detectors = dict(detectors)
        self._lock = threading.Lock()
        self._closed = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the detectors, for the report."""
        return tuple(detector.name for detector in self._detectors.values())

    @property
    def names_by_role(self) -> dict[Role, str]:
        """The same by the role each plays."""
        return {role: detector.name for role, detector in self._detectors.items()}

    def find(
        self, view: FrameView, looks: Sequence[Look], time_ms: int, quarter_turns: int
    ) -> list[Finding]:
        """Carry out looks at one frame.

        Args:
            view: The frame.
            looks: What to look at.
            time_ms: Presentation time in milliseconds.
            quarter_turns: Clockwise turns that bring the frame upright.

        Raises:
            DetectionError: A detector failed or returned boxes that make no sense, or `close`
                was called.
        """
        found: dict[int, Finding] = {}
        for batch in self._batches(looks):
            pictures = [_picture(view, look) for _, look in batch]
            detector = self._detectors[batch[0][1].role]
            answers = self._ask(detector, pictures, time_ms)
            for (place, look), picture, seen in zip(batch, pictures, answers, strict=True):
                height, width = picture.shape[:2]
                faces = [_placed(one, look, quarter_turns, width, height) for one in seen]
                found[place] = Finding(look, tuple(faces))
        return [found[place] for place in sorted(found)]

    def find_at_poles(self, view: FrameView, look: Look, time_ms: int) -> list[Finding]:
        """Show the upper and lower part of an upright 360° picture as a flat camera sees them.

        Args:
            view: The frame.
            look: At all of it: says who looks, and how large the picture is that is bent flat.
            time_ms: Presentation time in milliseconds.

        Raises:
            DetectionError: As `find`.
        """
        detector = self._detectors.get(look.role)
        if detector is None:
            return []
        picture = view.rgb(look.region, look.width, look.height)
        width, height = look.region.width, look.region.height
        faces = [
            Detection(pole.place(found.box, width, height), found.confidence, found.label)
            for pole in VIEWS
            for found in self._ask(detector, [pole.of(picture)], time_ms)[0]
        ]
        return [Finding(look, tuple(faces))]

    def close(self) -> None:
        """Close all detectors once none of them looks; may be called from another thread.

        A look that never ends keeps this waiting, and its detector open.
        """
        self._closed = True
        with self._lock:
            for detector in self._detectors.values():
                detector.close()

    def _batches(self, looks: Sequence[Look]) -> list[list[tuple[int, Look]]]:
        """Return looks with their places, together where one call can answer several."""
        batches: list[list[tuple[int, Look]]] = []
        open_batches: dict[tuple[Role, int, int, bool], list[tuple[int, Look]]] = {}
        for place, look in enumerate(looks):
            if look.role not in self._detectors:
                continue
            size = (look.role, look.width, look.height, bool(look.turns % 2))
            batch = open_batches.get(size)
            pixels = look.width * look.height
            if batch is None or (len(batch) + 1) * pixels > _BATCH:
                batch = []
                batches.append(batch)
                if isinstance(self._detectors[look.role], BatchDetector):
                    open_batches[size] = batch
            batch.append((place, look))
        return batches

    def _ask(
        self, detector: Detector, images: Sequence[Image], time_ms: int
    ) -> list[list[Detection]]:
        # MediaPipe that is closed during a look, or just before one, crashes the process.
        with self._lock:
            if self._closed:
                raise DetectionError(f"the detector {detector.name} is closed", "make a new one")
            return _answer(detector, images, time_ms)


def _picture(view: FrameView, look: Look) -> Image:
    """Return what a look shows, made clearer in the dark where that was found to pay."""
    picture = view.rgb(look.region, look.width, look.height, look.turns, look.layer, look.tilt)
    if look.is_close:
        return amplified(picture)
    return with_contrast(picture) if look.role is Role.PROPOSER else picture


def _placed(found: Detection, look: Look, quarter_turns: int, width: int, height: int) -> Detection:
    """Return what was found in a turned picture of a size, in coded pixels of the frame."""
    box = (
        untilted(found.box, look.tilt, width, height)
        .rotate(-quarter_turns - look.turns, width, height)
        .scale(look.region.width / look.width, look.region.height / look.height)
        .shift(look.region.x1, look.region.y1)
    )
    roll = found.roll - 90 * look.turns - look.tilt
    return Detection(box, found.confidence, found.label, (roll + 180) % 360 - 180)


def _answer(detector: Detector, images: Sequence[Image], time_ms: int) -> list[list[Detection]]:
    """Return what a detector says, if that makes sense; whatever it raises is its failure."""
    try:
        if len(images) > 1 and isinstance(detector, BatchDetector):
            answers = detector.detect_many(images, time_ms)
        else:
            answers = [detector.detect(image, time_ms) for image in images]
        everything = []
        for image, answer in zip(images, answers, strict=True):
            height, width = image.shape[:2]
            found = [_plain(detection) for detection in answer]
            for detection in found:
                _check(detection, width, height, detector.name)
            everything.append(found)
    except StreamguardError:
        raise
    except BaseException as error:
        words = f"{type(error).__name__}: {error}".rstrip(": ")
        raise DetectionError(
            f"the detector {detector.name} failed: {words}", "choose another, or tell its maker"
        ) from error
    return everything


def _plain(detection: Detection) -> Detection:
    """Return the same in Python's own numbers: NumPy's, which many return, subtract otherwise."""
    box = detection.box
    corners = Box(float(box.x1), float(box.y1), float(box.x2), float(box.y2))
    confidence, label = float(detection.confidence), str(detection.label)
    return Detection(corners, confidence, label, float(detection.roll))


def _check(detection: Detection, width: int, height: int, name: str) -> None:
    """Refuse nonsense: a detector that returns it has not really looked."""
    box = detection.box
    sane = (
        box.is_finite
        and 0 <= detection.confidence <= 1
        and math.isfinite(detection.roll)
        and box.x2 >= box.x1
        and box.y2 >= box.y1
        and box.width <= _MAX_SIZE * width + _MARGIN
        and box.height <= _MAX_SIZE * height + _MARGIN
        and max(-box.x1, box.x2 - width) <= _MAX_SIZE * width + _MARGIN
        and max(-box.y1, box.y2 - height) <= _MAX_SIZE * height + _MARGIN
    )
    if not sane:
        raise DetectionError(
            f"the detector {name} returned {box} with confidence {detection.confidence} "
            f"in a {width}x{height} picture",
            "The frame is not written, because nobody knows what it shows",
        )
