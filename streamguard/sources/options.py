"""How a live source is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streamguard.media.address import Address, AddressKind

# What a server may make FFmpeg open. No files: a hostile playlist could name ours.
_NETWORK = "rtsp,rtp,rtcp,srtp,udp,tcp,tls,http,https,httpproxy,rtmp,rtmps,rtmpt,crypto,data"


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


def ffmpeg_options(address: Address, options: LiveOptions) -> dict[str, str]:
    """Return what FFmpeg is told; little is probed, nothing is buffered."""
    match address.kind:
        case AddressKind.WEBCAM:
            wanted = {"video_size": options.size, "framerate": f"{options.fps or ''}"}
            return {key: value for key, value in wanted.items() if value}
        case AddressKind.LAVFI | AddressKind.FILE:
            return {}
        case _:
            pass
    common = {
        "fflags": "nobuffer",
        "flags": "low_delay",
        "analyzeduration": "500000",
        "probesize": "500000",
        "protocol_whitelist": _NETWORK,
    }
    microseconds = str(round(options.read_timeout * 1_000_000))
    if address.kind is AddressKind.RTSP:
        transport = {"rtsp_transport": options.rtsp_transport, "timeout": microseconds}
        return common | transport | {"allowed_media_types": _media_types(options)}
    return common | {"rw_timeout": microseconds}


def _media_types(options: LiveOptions) -> str:
    return "video+audio" if options.audio else "video"
