"""Messages between processes: orders go down to a child process, everything else comes up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """Order: give up what is being done, and end."""


@dataclass(frozen=True, slots=True)
class UseMailbox:
    """Order to a camera's process: put frames into this mailbox from now on.

    Attributes:
        name: What `Mailbox.attach` needs.
        width: Width of every frame in pixels.
        height: Height of every frame.
    """

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LogLine:
    """A log record on its way to the user.

    Attributes:
        level: As of `logging`.
        text: The record in words, without credentials.
    """

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class BarOpened:
    """Something has begun whose progress can be shown under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class BarClosed:
    """What has begun last is over."""
