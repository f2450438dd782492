"""The hand-off between threads: order, bounds, drops, errors, and no deadlock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamguard.errors import DetectionError, QueueClosedError
from streamguard.handoff.frame_queue import FrameQueue

WAIT = 10.0


def queue_of(max_bytes: int = 100, *, live: bool = False, max_items: int = 1000) -> FrameQueue[int]:
    """Return a queue of numbers that are as large as they say."""
    return FrameQueue(max_bytes, lambda n: n, "drop-oldest" if live else "block", max_items)


class Worker:
    """Runs one call in a thread and keeps what came of it."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.result: object = None
        self.error: BaseException | None = None
        self._call = call
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.result = self._call()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error

    def is_blocked(self) -> bool:
        self._thread.join(0.1)
        return self._thread.is_alive()

    def wait(self) -> Worker:
        self._thread.join(WAIT)
        assert not self._thread.is_alive(), "deadlock"
        return self


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 100), st.integers(1, 5))
def test_everything_comes_out_in_order(sizes: list[int], max_bytes: int, max_items: int) -> None:
    queue = queue_of(max_bytes, max_items=max_items)
    reader = Worker(lambda: list(queue))
    for size in sizes:
        queue.put(size)
    queue.close()
    assert reader.wait().result == sizes
    assert queue.dropped == 0


@given(st.lists(st.integers(1, 60), max_size=40), st.integers(1, 100), st.integers(1, 5))
def test_live_the_oldest_go_and_are_counted(
    sizes: list[int], max_bytes: int, max_items: int
) -> None:
    queue = queue_of(max_bytes, live=True, max_items=max_items)
    for size in sizes:
        queue.put(size)
        assert len(queue) <= max_items
    queue.close()
    left = list(queue)
    assert left == sizes[len(sizes) - len(left) :]
    assert queue.dropped == len(sizes) - len(left)
    assert sum(left) <= max_bytes or len(left) == 1


def test_a_full_queue_blocks_until_there_is_room() -> None:
    queue = queue_of(100)
    queue.put(60)
    writer = Worker(lambda: queue.put(50))
    assert writer.is_blocked()
    reader = iter(queue)
    assert next(reader) == 60
    assert writer.wait().error is None
    assert next(reader) == 50


def test_one_item_always_fits() -> None:
    queue = queue_of(100)
    queue.put(5000)
    assert len(queue) == 1


def test_an_error_reaches_the_reader_before_what_was_queued() -> None:
    queue = queue_of()
    queue.put(1)
    queue.close(DetectionError("no"))
    with pytest.raises(DetectionError):
        next(iter(queue))
    assert len(queue) == 0


@pytest.mark.parametrize("error", [None, DetectionError("no"), SystemExit(0)], ids=repr)
def test_closing_wakes_a_waiting_reader(error: BaseException | None) -> None:
    queue = queue_of()
    reader = Worker(lambda: list(queue))
    assert reader.is_blocked()
    queue.close(error)
    assert reader.wait().error is error
    assert reader.result == ([] if error is None else None)


@pytest.mark.parametrize("error", [None, DetectionError("no")], ids=repr)
def test_closing_wakes_a_waiting_writer(error: BaseException | None) -> None:
    queue = queue_of(100)
    queue.put(100)
    writer = Worker(lambda: queue.put(1))
    assert writer.is_blocked()
    queue.close(error)
    assert isinstance(writer.wait().error, QueueClosedError)


@pytest.mark.parametrize("live", [False, True])
def test_nothing_can_be_put_after_the_end(live: bool) -> None:
    queue = queue_of(live=live)
    queue.close()
    with pytest.raises(QueueClosedError):
        queue.put(1)
    assert list(queue) == []


def test_the_first_error_decides_also_after_a_clean_end() -> None:
    queue = queue_of()
    queue.put(1)
    queue.close()
    queue.close(DetectionError("first"))
    queue.close(DetectionError("second"))
    queue.close()
    with pytest.raises(DetectionError, match="first"):
        list(queue)


def test_two_writers_and_two_readers_lose_nothing() -> None:
    queue = queue_of(10)

    def put(numbers: Iterator[int]) -> None:
        for number in numbers:
            queue.put(number)

    writers = [Worker(lambda part=part: put(iter([part] * 300))) for part in (1, 2)]  # type: ignore[misc]
    readers = [Worker(lambda: list(queue)) for _ in range(2)]
    for writer in writers:
        assert writer.wait().error is None
    queue.close()
    taken: list[int] = []
    for reader in readers:
        result = reader.wait().result
        assert isinstance(result, list)
        taken += result
    assert sorted(taken) == [1] * 300 + [2] * 300
