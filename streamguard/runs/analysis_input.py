"""What an analysis says of its input: where it lies, how it is read, and how it is covered."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

from streamguard.analysis.identity import check_identity
from streamguard.analysis.reader import Analysis, open_analysis
from streamguard.analysis.stored_settings import as_read, restored
from streamguard.edits.account import content_digest
from streamguard.edits.journal import edits_of
from streamguard.edits.placing import Placed
from streamguard.errors import AnalysisError, SourceNotFoundError
from streamguard.faults import letting_go
from streamguard.settings import InputSettings, RedactionSettings, Settings, SoundSpan
from streamguard.sinks.suffixes import fitting_suffix
from streamguard.sources import open_source


def content_of(
    analysis: Path,
    limits: InputSettings,
    source: Path | None = None,
    *,
    cancelled: threading.Event | None = None,
) -> str:
    """Return a hash of what `render` would render, once it is known that the input is there.

    Args:
        analysis: The analysis.
        limits: How much the input may ask of this machine.
        source: The input, or the folder that holds it; the analysis' own folder when None.
        cancelled: Set it from anywhere to stop.

    Raises:
        AnalysisError: The analysis is damaged or unfinished, or the input is another one.
        EditError: The log of edits was changed.
        StreamguardError: The input cannot be read, or ``cancelled`` was set.
    """
    decision = open_analysis(analysis)
    with letting_go(decision.close):
        found = input_of(analysis, source, decision)
        opened = open_source(found, as_read(limits, decision.header), cancelled)
        with letting_go(opened.close):
            check_identity(decision.header, opened.files_read, cancelled)
        return content_digest(decision.decision_digest, edits_of(decision)[1])


def input_of(
    path: Path, source: str | os.PathLike[str] | None = None, decision: Analysis | None = None
) -> Path:
    """Return where the input of an analysis lies. Only the name in the analysis is believed.

    Args:
        path: The analysis.
        source: The input, or the folder that holds it; the analysis' own folder when None.
        decision: The analysis, if it is open.

    Raises:
        AnalysisError: The analysis is damaged, or names no file.
        SourceNotFoundError: There is no such file.
    """
    if source is not None and not Path(source).is_dir():
        return Path(source)
    if decision is None:
        with letting_go((decision := open_analysis(path)).close):
            return input_of(path, source, decision)
    files = decision.header.files
    name = files[0].name if files else ""
    if not name or Path(name).name != name:
        raise AnalysisError(f"{path} names no input", "Name it with --input")
    found = (path.parent if source is None else Path(source)) / name
    if not found.exists():
        raise SourceNotFoundError(
            f"{name}, the input of {path}, is not in {found.parent}", "Name it with --input"
        )
    return found


def output_beside(path: Path, source: Path) -> Path:
    """Return the usual name of what is rendered from an analysis."""
    return path.with_name(f"{Path(path.stem).stem}.anonymized{fitting_suffix(source)}")


def as_decided(settings: Settings, decision: Analysis) -> Settings:
    """Return settings with what the analysis says of covers, sound and the part that was read.

    Limits are the caller's: a stranger's file does not raise them.

    Raises:
        AnalysisError: It says what is not understood.
    """
    decided = decision.header.settings
    spans = restored(tuple[SoundSpan, ...], decided.get("sound_spans", ()))
    return replace(
        settings,
        input=as_read(settings.input, decision.header),
        redaction=restored(RedactionSettings, decided.get("redaction", {})),
        sound_spans=(*spans, *settings.sound_spans),
    )


def as_edited(settings: Settings, placed: Placed) -> Settings:
    """Return settings with what edits say of effects by label, and of sound."""
    effects = {**dict(settings.redaction.effects), **placed.effects}
    redaction = replace(settings.redaction, effects=tuple(effects.items()))
    spans = (*settings.sound_spans, *placed.sound)
    return replace(settings, redaction=redaction, sound_spans=spans)
