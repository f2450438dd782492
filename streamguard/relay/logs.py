"""Log lines for people and for machines, never more than a reader can follow."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Calm(logging.Filter):
    """Lets one warning a second through for each camera, and tells how many it held back.

    Args:
        clock: Seconds on any clock that does not run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is printed; see `logging.Filter`."""
        if record.levelno < logging.WARNING:
            return True
        message = record.getMessage()
        key, now = message.partition(":")[0], self._clock()
        if now - self._last.get(key, float("-inf")) < 1:
            self._held[key] = self._held.get(key, 0) + 1
            return False
        self._last[key] = now
        if held := self._held.pop(key, 0):
            record.msg, record.args = f"{message} ({held} more warnings before this)", ()
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``message``, ``camera`` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON; see `logging.Formatter`."""
        message = record.getMessage().replace("\n", " ")
        camera = getattr(record, "camera", "")
        words = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": message,
        }
        return json.dumps(words | ({"camera": camera} if camera else {}), ensure_ascii=False)
