"""Gaps in the numbers of RTP packets: FFmpeg tells of them in its log, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.logging import Capture

_WORDS = ("RTP: missed", "bad cseq")


@contextmanager
def listening(really: bool) -> Iterator[list[tuple[int, str, str]]]:
    """Collect what FFmpeg logs in this thread.

    For reading packets only: a decoder's own threads that log wait for Python's lock, and can
    wait for ever.

    Args:
        really: Whether to; if not, nothing is collected.
    """
    if not really:
        yield []
        return
    import av

    capture: Capture = av.logging.Capture()
    av.logging.set_level(av.logging.WARNING)
    try:
        with capture as logs:
            yield logs
    finally:
        av.logging.set_level(None)


def tells_of_gap(logs: list[tuple[int, str, str]]) -> bool:
    """Whether packets were lost on the way."""
    return any(word in text for _, _, text in logs for word in _WORDS)
