"""What is covered in each frame of a file: by this program or by any command."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import zip_longest
from pathlib import Path

import av
import cv2
import numpy as np
from annotated import Luma, is_photo, lumas
from scoring import BLACK, Mask

import streamguard
from streamguard.analysis.reader import open_analysis
from streamguard.analysis.records import FrameRecord, FrameState
from streamguard.frames import Frame, Verdict
from streamguard.plans import Quality
from streamguard.redaction import MaskRedactor
from streamguard.settings import Effect, RedactionSettings, Settings

_SOLID = RedactionSettings(effect=Effect.SOLID)


def decide(source: Path, analysis: Path, quality: Quality) -> None:
    """Write the analysis of a file."""
    analysis.parent.mkdir(parents=True, exist_ok=True)
    settings = Settings(quality=quality, redaction=_SOLID, overwrite=True)
    streamguard.analyze(source, analysis, settings)


def decided(source: Path, analysis: Path) -> Iterator[tuple[Luma, Mask]]:
    """Yield each frame's brightness, and what an analysis covers of it.

    Raises:
        ValueError: The numbers of frames differ.
    """
    with closing(open_analysis(analysis)) as opened:
        redactor = MaskRedactor(_SOLID)
        pix_fmt = opened.header.pix_fmt
        for number, pair in enumerate(zip_longest(lumas(source), opened.frames())):
            luma, record = pair
            if luma is None or record is None:
                raise ValueError(f"the numbers of frames differ from frame {number} on")
            yield luma, _painted(redactor, record, pix_fmt, luma.shape)


def _painted(
    redactor: MaskRedactor, record: FrameRecord, pix_fmt: str, shape: tuple[int, ...]
) -> Mask:
    """Return what is black of a white picture once everything decided is covered."""
    if record.state is not FrameState.JUDGED or record.reason:
        return np.ones(shape, np.bool_)
    if not record.covers:
        return np.zeros(shape, np.bool_)
    white = av.VideoFrame.from_ndarray(np.full(shape, 255, np.uint8), format="gray")
    frame = Frame(white.reformat(format=pix_fmt), record.index, 0.0)
    redacted = redactor.redact(Verdict(frame, record.covers)).picture
    mask: Mask = redacted.to_ndarray(format="gray") < 128
    return mask


def run(command: str, source: Path, result: Path) -> None:
    """Let a command write ``result``.

    Raises:
        ValueError: It failed, or wrote nothing.
    """
    names = {"input": shlex.quote(str(source)), "output": shlex.quote(str(result))}
    done = subprocess.run(
        shlex.split(command.format(**names)), capture_output=True, text=True, check=False
    )
    if done.returncode or not result.exists():
        raise ValueError(f"exit code {done.returncode}: {done.stderr.strip()[-300:]}")


def suffix_for(source: Path) -> str:
    """Return the suffix of a result that loses little."""
    return ".png" if is_photo(source) else ".mp4"


def blackened(source: Path, result: Path) -> Iterator[tuple[Luma, Mask]]:
    """Yield each frame's brightness, and what is black in a result.

    Raises:
        ValueError: The numbers of frames differ.
    """
    for number, (before, after) in enumerate(zip_longest(lumas(source), lumas(result))):
        if before is None or after is None:
            raise ValueError(f"the numbers of frames differ from frame {number} on")
        fitting = after if after.shape == before.shape else cv2.resize(after, before.shape[::-1])
        yield before, np.asarray(fitting) < BLACK
