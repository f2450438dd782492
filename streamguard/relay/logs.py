"""Log lines as text or JSON, and a filter that holds back warnings that repeat."""

from __future__ import annotations

import json
import logging
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

_MOST_CAUSES = 1000
"""Causes that are remembered; words of servers may be new every time."""


_NUMBER = re.compile(r"(?<![\w:/.#-])\d+(?:\.\d+)?(?![\w:/.])")


def cause_of(message: str) -> str:
    """Return what all warnings about the same thing have in common: the words, not the figures."""
    return _NUMBER.sub("#", message)


class RepeatFilter(logging.Filter):
    """Lets one warning a second through for each cause, and tells how many it held back.

    Args:
        clock: Seconds on any clock that does not run backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._last: OrderedDict[str, float] = OrderedDict()
        self._held: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is printed; see `logging.Filter`."""
        if record.levelno < logging.WARNING:
            return True
        message = record.getMessage()
        cause, now = cause_of(message), self._clock()
        if now - self._last.get(cause, float("-inf")) < 1:
            self._held[cause] += 1
            return False
        self._last[cause] = now
        self._last.move_to_end(cause)
        if held := self._held.pop(cause, 0):
            record.msg, record.args = f"{message} ({held} more like this before)", ()
        while len(self._last) > _MOST_CAUSES:
            forgotten, _ = self._last.popitem(last=False)
            self._held.pop(forgotten, None)
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
