"""How bare each face is, frame by frame: pixels of the result that are still the original's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from streamguard.analysis.reader import Analysis
from streamguard.edits.placing import Placed
from streamguard.frames import Frame, Verdict
from streamguard.geometry import Box
from streamguard.judges.replay import Replay
from streamguard.redaction import MaskRedactor
from streamguard.settings import Effect, RedactionSettings
from streamguard.sources import open_source

SOLID = RedactionSettings(effect=Effect.SOLID, color=(255, 0, 255))

Bare = NDArray[np.bool_]
"""Whether each pixel is as it was, shape ``(height, width)``."""


def bare_frames(
    source: Path, decision: Analysis, edits: Sequence[Placed | None]
) -> Iterator[list[Bare]]:
    """Yield for every frame what is bare of it, once for each of several sets of edits."""
    redactor = MaskRedactor(SOLID)
    replays = [Replay(decision, placed) for placed in edits]
    with closing(open_source(source)) as opened:
        for frame in opened.read():
            if isinstance(frame, Frame):
                yield [
                    _bare(frame, redactor, verdict)
                    for replay in replays
                    for verdict in replay.push(frame)
                ]
    for replay in replays:
        replay.finish()


def share(bare: Bare, box: Box) -> float:
    """Return the share of a box that is bare, 0 to 1."""
    x1, y1, x2, y2 = box.pixels(bare.shape[1], bare.shape[0])
    part = bare[y1:y2, x1:x2]
    return float(part.mean()) if part.size else 0.0


def share_of_ellipse(bare: Bare, box: Box) -> float:
    """Return the share of the ellipse in a box that is bare, 0 to 1."""
    (x, y), (height, width) = box.center, bare.shape
    across = (np.arange(width) + 0.5 - x) / max(box.width / 2, 0.5)
    down = (np.arange(height) + 0.5 - y) / max(box.height / 2, 0.5)
    inside = down[:, None] ** 2 + across[None, :] ** 2 <= 1
    return float(bare[inside].mean()) if inside.any() else 0.0


def _bare(frame: Frame, redactor: MaskRedactor, verdict: Verdict) -> Bare:
    redacted = redactor.redact(verdict).picture
    return np.asarray(_luma(frame.picture) == _luma(redacted))


def _luma(picture: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(picture.reformat(format="gray").to_ndarray(), np.uint8)
