"""How far a run is: a bar on a terminal, a line now and then elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

from streamguard.cli.console import is_quiet

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from streamguard.progress import Progress

Show = Callable[["Progress"], None]

_LINE_INTERVAL = 5.0


@contextmanager
def shown(name: str) -> Iterator[Show | None]:
    """Show the progress of one file while the block runs.

    Args:
        name: What the file is called on the screen.
    """
    if is_quiet():
        yield None
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield bars.add(name).show
    else:
        yield _lines(name)


def status(progress: Progress) -> str:
    """Return one line of numbers."""
    parts = [
        f"{progress.frames_per_second:.0f} fps",
        f"{progress.speed:.1f}× real time",
        f"{progress.faces} {'face' if progress.faces == 1 else 'faces'}",
    ]
    if progress.remaining is not None:
        parts.insert(2, f"{duration(progress.remaining)} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return seconds as ``12 s``, ``3:05`` or ``1:02:03``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _lines(name: str) -> Show:
    due = time.monotonic() + _LINE_INTERVAL

    def show(progress: Progress) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + _LINE_INTERVAL
            of = f" of {progress.total}" if progress.total else ""
            click.echo(f"{name}: frame {progress.frames}{of}, {status(progress)}", err=True)

    return show


class Line(Protocol):
    """Where the progress of one file is shown, until it is closed."""

    def show(self, progress: Progress) -> None:
        """Show how far the file is."""

    def close(self) -> None:
        """Show it no longer."""


class Board(Protocol):
    """Shows the progress of several files at the same time."""

    def add(self, name: str) -> Line:
        """Make room for a file and return where its progress is shown."""


@contextmanager
def board() -> Iterator[Board]:
    """Show the progress of several files while the block runs."""
    if is_quiet() or not sys.stderr.isatty():
        yield _Lines()
        return
    with _bars() as bars:
        yield bars


class _Lines:
    def __init__(self, show: Show | None = None) -> None:
        self._show = show

    def add(self, name: str) -> _Lines:
        return _Lines(None if is_quiet() else _lines(name))

    def show(self, progress: Progress) -> None:
        if self._show is not None:
            self._show(progress)

    def close(self) -> None:
        self._show = None


class _Bars:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def add(self, name: str) -> _Bar:
        return _Bar(self._bars, name)


class _Bar:
    def __init__(self, bars: Bars, name: str) -> None:
        from rich.markup import escape

        self._bars = bars
        self._task = bars.add_task(escape(name), total=None, status="starting …")
        bars.refresh()

    def show(self, progress: Progress) -> None:
        # A container's frame count is an estimate; the bar must not run past its end.
        total = max(progress.total, progress.frames) if progress.total else None
        self._bars.update(
            self._task,
            completed=progress.frames,
            total=total,
            status=status(progress),
            refresh=True,
        )

    def close(self) -> None:
        self._bars.remove_task(self._task)


@contextmanager
def _bars() -> Iterator[_Bars]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Progress(
        *columns,
        TextColumn("{task.fields[status]}"),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
        # Results on their way to another program must not end up on the terminal.
        redirect_stdout=sys.stdout.isatty(),
    )
    with bars:
        yield _Bars(bars)
