"""How far a run is: a bar on a terminal, a line now and then elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from streamguard.cli.console import is_quiet

if TYPE_CHECKING:
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
        with _bar(name) as show:
            yield show
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


@contextmanager
def _bar(name: str) -> Iterator[Show]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Bars(
        *columns,
        TextColumn("{task.fields[status]}"),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
    )
    with bars:
        task = bars.add_task(escape(name), total=None, status="starting …")
        bars.refresh()

        def show(progress: Progress) -> None:
            # A container's frame count is an estimate; the bar must not run past its end.
            total = max(progress.total, progress.frames) if progress.total else None
            bars.update(
                task, completed=progress.frames, total=total, status=status(progress), refresh=True
            )

        yield show
