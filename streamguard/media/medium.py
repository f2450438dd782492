"""What sort of thing a file shows."""

from __future__ import annotations

from enum import StrEnum


class Medium(StrEnum):
    """What sort of thing a file shows."""

    PHOTO = "photo"
    ANIMATION = "animation"
    VIDEO = "video"
