"""Keeping what is decided: an analysis that is written while a run goes on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from streamguard.analysis.identity import identify
from streamguard.analysis.records import SUFFIX, FileRecord, Header
from streamguard.analysis.writer import AnalysisWriter
from streamguard.faults import let_go, patience_after
from streamguard.settings import Settings
from streamguard.sources import LocalSource
from streamguard.versions import versions

_COLOR = ("range", "primaries", "transfer", "space")


def analysis_beside(source: str | os.PathLike[str]) -> Path:
    """Return the usual name of an input's analysis."""
    path = Path(source)
    return path.with_name(f"{path.name}{SUFFIX}")


@contextmanager
def keeping(
    path: str | os.PathLike[str],
    source: LocalSource,
    settings: Settings,
    stop: threading.Event,
    made_by: Mapping[str, str],
) -> Iterator[AnalysisWriter]:
    """Write an analysis in the block, which has to finish it; else nothing is left behind.

    Args:
        path: The analysis.
        source: The input; all files that it reads are hashed first.
        settings: How it is judged.
        stop: Set it from anywhere to stop.
        made_by: SHA-256 of what decides, by file name.

    Raises:
        OutputExistsError: It exists, and may not be replaced.
        SinkError: It cannot be written.
        SourceError: The input cannot be read.
        CancelledError: ``stop`` was set.
    """
    header = header_of(source, identify(source.files_read, stop), settings, made_by)
    writer = AnalysisWriter(Path(path), header, source=source.path, overwrite=settings.overwrite)
    try:
        yield writer
    except BaseException as error:
        let_go(writer.abort, patience_after(error))
        raise
    writer.abort()


def header_of(
    source: LocalSource,
    files: tuple[FileRecord, ...],
    settings: Settings,
    made_by: Mapping[str, str],
) -> Header:
    """Return what an analysis says of its input and of what made it."""
    info = source.info
    return Header(
        files=files,
        width=info.width,
        height=info.height,
        pix_fmt=info.pix_fmt,
        time_base=info.time_base,
        frame_rate=info.frame_rate,
        quarter_turns=info.quarter_turns,
        mirrored=source.traits.orientation.mirrored,
        still=info.still,
        equirectangular=info.equirectangular,
        color=dict(zip(_COLOR, source.traits.color, strict=True)),
        settings=asdict(settings),
        versions=versions(),
        models=dict(made_by),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
