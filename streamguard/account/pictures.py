"""Pictures for an account: a few frames as they were rendered, covered as they are."""

from __future__ import annotations

from streamguard.edits.account import Account
from streamguard.frames import RedactedFrame
from streamguard.media.traits import Orientation
from streamguard.report import Picture
from streamguard.sinks.jpeg import jpeg_of

_SIDE = 480
"""Long side in pixels."""
_MOST_CLEAR = 12
_OTHERS = 6


class Pictures:
    """Takes a picture of some frames while they are rendered.

    Args:
        account: What is clear: the middle of each such stretch is shown, twelve at most, and six
            frames of the whole. None takes no picture.
    """

    def __init__(self, account: Account | None) -> None:
        self._wanted = {} if account is None else _wanted(account)
        self._taken: list[Picture] = []

    @property
    def taken(self) -> tuple[Picture, ...]:
        """The pictures so far, by frame."""
        return tuple(self._taken)

    def add(self, redacted: RedactedFrame, orientation: Orientation) -> None:
        """Take a picture if this frame is wanted.

        Args:
            redacted: The frame as it was written.
            orientation: How it is brought upright.

        Raises:
            SinkError: It cannot be encoded.
        """
        caption = self._wanted.pop(redacted.index, None)
        if caption is not None:
            jpeg = jpeg_of(redacted, _SIDE, orientation)
            self._taken.append(Picture(redacted.index, caption, jpeg))


def _wanted(account: Account) -> dict[int, str]:
    last = account.frames - 1
    wanted = {round(last * (2 * n + 1) / (2 * _OTHERS)): "as rendered" for n in range(_OTHERS)}
    for entry in account.left_clear[:_MOST_CLEAR]:
        whose = f"person {entry.person}" if entry.person else f"track {entry.track}"
        wanted[(entry.first + entry.last) // 2] = f"{whose} left clear"
    return wanted
