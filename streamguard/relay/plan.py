"""What one camera's relay is told. Frozen, and safe to hand to other processes and to print."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from streamguard.media.address import Address
from streamguard.settings import Settings
from streamguard.sources.options import LiveOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPlan:
    """One camera in, one or more outputs out.

    Attributes:
        name: Short name for logs and metrics.
        source: Where frames come from.
        sinks: Where redacted frames go.
        settings: How hard to look, what covers look like, how long the look-ahead is.
        live: How the source is read.
        size: Width and height of all outputs in pixels, or None for those of the source.
        record_minutes: Length of one file of a segmented recording.
        patience: Seconds without a new redacted frame after which the slate goes out.
        budget: Seconds beyond the look-ahead that a frame may be late; later ones leave as slates.
        hang_timeout: Seconds without a sign of life after which a process is replaced.
        retry_interval: Longest wait in seconds between two tries at a source or a sink.
        slow_retry: Seconds between two tries with credentials that were refused.
    """

    name: str
    source: Address
    sinks: tuple[Address, ...]
    settings: Settings
    live: LiveOptions = field(default_factory=LiveOptions)
    size: tuple[int, int] | None = None
    record_minutes: float = 10.0
    patience: float = 0.5
    budget: float = 1.0
    hang_timeout: float = 10.0
    retry_interval: float = 5.0
    slow_retry: float = 30.0

    @property
    def lookahead(self) -> float:
        """Seconds that frames are held back."""
        return self.settings.plan.lookahead


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPlan:
    """Where pictures, states and metrics are served, and to whom.

    Attributes:
        host: Name or IP address to listen on.
        port: Port to listen on; 0 takes a free one.
        token_file: File that holds the token, or None for no token.
        no_token: Whether the user asked for no token beyond loopback.
        allowed_hosts: Names and addresses that clients may have for this machine.
    """

    host: str = "127.0.0.1"
    port: int = 0
    token_file: Path | None = None
    no_token: bool = False
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """All cameras of one relay.

    Attributes:
        cameras: Every camera's plan.
        http: Where pictures, states and metrics are served; None for nowhere.
    """

    cameras: tuple[CameraPlan, ...]
    http: HttpPlan | None = None
