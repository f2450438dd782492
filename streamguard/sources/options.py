"""How a live source is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """How a live source is read.

    Attributes:
        rtsp_transport: ``tcp`` or ``udp``.
        open_timeout: Seconds that opening may take.
        read_timeout: Seconds without a packet after which the source counts as lost.
        size: ``WIDTHxHEIGHT`` asked of a webcam, or empty.
        fps: Frame rate asked of a webcam, or None.
        audio: Whether audio packets are handed on.
    """

    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    open_timeout: float = 10.0
    read_timeout: float = 5.0
    size: str = ""
    fps: float | None = None
    audio: bool = False
