"""A window on the screen, through OpenCV's highgui.

It must be opened before anything imports PyAV: both bring a libxcb of their own, and with
PyAV's loaded first OpenCV's window never opens, and never returns. So nothing here imports
anything of this package that does.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from streamguard.errors import SinkError
from streamguard.relay.mapping import tell_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streamguard.frames import RedactedFrame

_NO_DISPLAY = "Use 'streamguard relay SOURCE --http 8080' and a browser, or name a file"
_TALL, _SMALLEST = 22.0, 13.0
"""Pixels of height that OpenCV's letters have at scale 1; how small they may get."""
_TOLD_AFTER = 0.5, 1.5, 4.0
"""Seconds after its opening at which the window is told again that it is on the screen."""
_WHITE, _RED, _BLACK = (255, 255, 255), (0, 0, 255), (0, 0, 0)


class Window:
    """Shows redacted pictures, and words on them.

    Args:
        title: The window's title.

    Raises:
        SinkError: There is no display.
    """

    def __init__(self, title: str) -> None:
        import cv2

        if sys.platform == "linux" and not (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        ):
            raise SinkError("there is no display for a window", _NO_DISPLAY)
        self._cv2 = cv2
        self._title = title
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error:
            raise SinkError("no window can be opened on this display", _NO_DISPLAY) from None
        self._size = (0, 0)
        self._tell_at = [time.monotonic() + wait for wait in _TOLD_AFTER]

    def show(self, frame: RedactedFrame, words: str, alarm: str) -> None:
        """Show a picture.

        Args:
            frame: A redacted frame or a slate.
            words: Small, on the upper edge.
            alarm: Why this is a slate, unmissable; empty if it is none.
        """
        cv2 = self._cv2
        image = frame.picture.to_ndarray(format="bgr24")
        height, width = image.shape[:2]
        if self._size != (width, height):
            cv2.resizeWindow(self._title, width, height)
            self._size = (width, height)
        if alarm:
            cv2.rectangle(image, (0, 0), (width - 1, height - 1), _RED, max(4, height // 40))
            self._write(image, f"NO LIVE PICTURE: {alarm}", _RED, height / 18, bottom=True)
        self._write(image, words, _BLACK, height / 28 + 5)
        cv2.imshow(self._title, image)

    def _write(
        self,
        image: NDArray[Any],
        words: str,
        backing: tuple[int, int, int],
        tall: float,
        *,
        bottom: bool = False,
    ) -> None:
        """Write white words on a band of one colour, as tall as asked for if they fit."""
        cv2, font = self._cv2, self._cv2.FONT_HERSHEY_SIMPLEX
        height, width = image.shape[:2]
        tall = max(_SMALLEST, tall)
        scale, gap = tall / _TALL, round(tall / 2)
        room = cv2.getTextSize(words, font, scale, 1)[0][0]
        scale *= min(1.0, (width - 2 * gap) / max(1, room))
        band = round(tall) + 2 * gap
        top = height - band if bottom else 0
        right = width if bottom else min(width, round(room) + 2 * gap)
        cv2.rectangle(image, (0, top), (right, top + band), backing, cv2.FILLED)
        at = (gap, top + band - gap - round((tall - scale * _TALL) / 2))
        thick = max(1, round(scale * _TALL / 10))
        cv2.putText(image, words, at, font, scale, _WHITE, thick, cv2.LINE_AA)

    def key(self, seconds: float) -> str:
        """Wait for a key up to a time; return it, ``q`` when the window was closed, or nothing."""
        cv2 = self._cv2
        code = cv2.waitKey(max(1, round(seconds * 1000)))
        if sys.platform == "linux" and self._tell_at and time.monotonic() > self._tell_at[0]:
            self._tell_at.pop(0)
            tell_mapped()
        if code < 0 and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            return "q"
        return chr(code & 0xFF) if code >= 0 else ""

    def close(self) -> None:
        """Close the window."""
        self._cv2.destroyAllWindows()
