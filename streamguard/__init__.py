"""streamguard: video in, the same video out with nobody recognisable in it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamguard.account.page import account_page
    from streamguard.analysis.records import FileRecord
    from streamguard.api import Anonymizer, anonymize
    from streamguard.deciding import analyze, render
    from streamguard.edits.editor import Editor, edit
    from streamguard.errors import StreamguardError
    from streamguard.following.follow import Followed, follow
    from streamguard.plans import Quality
    from streamguard.progress import Progress
    from streamguard.report import Report
    from streamguard.settings import (
        Codec,
        Effect,
        EncodingSettings,
        InputSettings,
        Projection,
        RedactionSettings,
        Settings,
        Shape,
        SoundChange,
        SoundSpan,
    )
    from streamguard.spans import Span, Verification
    from streamguard.tally import TrackRecord
    from streamguard.verification.second_look import verify
    from streamguard.zone_settings import ZoneSettings

__version__ = "0.1.0"

__all__ = [
    "Anonymizer",
    "Codec",
    "Editor",
    "Effect",
    "EncodingSettings",
    "FileRecord",
    "Followed",
    "InputSettings",
    "Progress",
    "Projection",
    "Quality",
    "RedactionSettings",
    "Report",
    "Settings",
    "Shape",
    "SoundChange",
    "SoundSpan",
    "Span",
    "StreamguardError",
    "TrackRecord",
    "Verification",
    "ZoneSettings",
    "__version__",
    "account_page",
    "analyze",
    "anonymize",
    "edit",
    "follow",
    "render",
    "verify",
]

# Loaded on first use: the libraries behind them take more than a second to import.
_HOMES = {
    "account.page": ("account_page",),
    "edits.editor": ("Editor", "edit"),
    "analysis.records": ("FileRecord",),
    "api": ("Anonymizer", "anonymize"),
    "deciding": ("analyze", "render"),
    "errors": ("StreamguardError",),
    "following.follow": ("Followed", "follow"),
    "plans": ("Quality",),
    "progress": ("Progress",),
    "report": ("Report",),
    "settings": (
        "Codec",
        "Effect",
        "EncodingSettings",
        "InputSettings",
        "Projection",
        "RedactionSettings",
        "Settings",
        "Shape",
        "SoundChange",
        "SoundSpan",
    ),
    "spans": ("Span", "Verification"),
    "tally": ("TrackRecord",),
    "verification.second_look": ("verify",),
    "zone_settings": ("ZoneSettings",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            if module in ("api", "deciding", "following.follow", "verification.second_look"):
                # Says in plain words what is missing, where an import would only fail.
                import_module(f"{__name__}.doctor").require_system()
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
