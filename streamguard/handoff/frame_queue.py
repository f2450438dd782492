"""A bounded hand-off between two threads that can neither deadlock nor lose an error."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, Literal, TypeVar

from streamguard.errors import QueueClosedError

T = TypeVar("T")


class FrameQueue(Generic[T]):
    """First in, first out, bounded by bytes; when full it blocks or drops the oldest.

    Closing wakes both ends. Closed with an error, the reader gets that error at once, with
    whatever was queued thrown away; closed without, the reader first drains the queue.

    Args:
        max_bytes: Blocks or drops beyond this, but always holds one item.
        size_of: Bytes an item holds.
        when_full: ``block`` (files) or ``drop-oldest`` (live).
        max_items: Blocks or drops beyond this many, whatever their size.
    """

    def __init__(
        self,
        max_bytes: int,
        size_of: Callable[[T], int],
        when_full: Literal["block", "drop-oldest"] = "block",
        max_items: int = 1_000_000,
    ) -> None:
        self._max_bytes = max_bytes
        self._max_items = max_items
        self._size_of = size_of
        self._drops_oldest = when_full == "drop-oldest"
        self._items: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self.dropped = 0

    def put(self, item: T) -> None:
        """Hand over one item.

        Raises:
            QueueClosedError: The queue was closed; the item was not taken.
        """
        size = self._size_of(item)
        with self._changed:
            while not self._closed and not self._fits(size):
                if self._drops_oldest:
                    self._bytes -= self._items.popleft()[1]
                    self.dropped += 1
                else:
                    self._changed.wait()
            if self._closed:
                raise QueueClosedError("the queue is closed")
            self._items.append((item, size))
            self._bytes += size
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Take items until the queue is closed and empty.

        Raises:
            BaseException: The error the queue was closed with, if any.
        """
        while True:
            with self._changed:
                while not self._items and not self._closed:
                    self._changed.wait()
                if self._error is not None:
                    raise self._error
                if not self._items:
                    return
                item, size = self._items.popleft()
                self._bytes -= size
                self._changed.notify_all()
            yield item

    def close(self, error: BaseException | None = None) -> None:
        """End the hand-off and wake both ends; the first call decides.

        Args:
            error: What the reader shall see instead of the end.
        """
        with self._changed:
            if self._closed and error is None:
                return
            self._closed = True
            if error is not None and self._error is None:
                self._error = error
                self._items.clear()
                self._bytes = 0
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)

    def _fits(self, size: int) -> bool:
        if not self._items:
            return True
        return self._bytes + size <= self._max_bytes and len(self._items) < self._max_items
