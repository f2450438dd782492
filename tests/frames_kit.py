"""Frames in, covered pictures out, without any file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from streamguard.frames import Frame, VideoInfo
from streamguard.judges.anonymizer import FrameAnonymizer
from streamguard.redaction import MaskRedactor
from streamguard.settings import Settings

Picture = NDArray[np.uint8]


def as_frame(picture: Picture, pix_fmt: str, number: int = 0, turns: int = 0) -> Frame:
    """Return an RGB or RGBA array as a frame of a video of 25 Hz."""
    channels = "rgba" if picture.shape[2] == 4 else "rgb24"
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format=channels)
    frame = frame.reformat(format=pix_fmt)
    frame.pts, frame.time_base = number, Fraction(1, 25)
    return Frame(frame, number, number * 40.0, turns)


def covered(
    frames: Sequence[Frame],
    settings: Settings | None = None,
    *,
    still: bool = False,
    equirectangular: bool = False,
) -> Iterator[tuple[Frame, av.VideoFrame]]:
    """Yield every frame with what the anonymizer and the redactor make of it."""
    settings, first = settings or Settings(), frames[0]
    info = VideoInfo(
        width=first.width,
        height=first.height,
        pix_fmt=first.picture.format.name,
        time_base=Fraction(1, 25),
        quarter_turns=first.quarter_turns,
        still=still,
        equirectangular=equirectangular,
    )
    anonymizer, redactor = FrameAnonymizer(info, settings), MaskRedactor(settings.redaction)
    try:
        verdicts = [verdict for frame in frames for verdict in anonymizer.push(frame)]
        verdicts += anonymizer.finish()
    finally:
        anonymizer.close()
    for verdict in verdicts:
        yield verdict.frame, redactor.redact(verdict).picture
