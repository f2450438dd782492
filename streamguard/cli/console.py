"""What the commands share: verbosity, messages, exit codes, and a quiet standard error."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TypeVar
from unicodedata import category

import click

from streamguard.cli.pipes import patient
from streamguard.errors import StreamguardError

DONE, FAILED, WRONG_USAGE, FACES_LEFT, DAMAGED_INPUT, INTERRUPTED = 0, 1, 2, 3, 4, 130

_LOGGER = logging.getLogger("streamguard")
_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}

F = TypeVar("F", bound=Callable[..., Any])


class _ConsoleHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        # Not a StreamHandler: the progress bar exchanges sys.stderr while it is shown.
        click.echo(f"streamguard: {record.levelname.lower()}: {record.getMessage()}", err=True)


def verbosity_options(function: F) -> F:
    """Add ``-q`` and ``-v``; they take effect before the command starts and are not passed on."""
    quiet = click.option(
        "-q",
        "--quiet",
        is_flag=True,
        expose_value=False,
        callback=_set_quiet,
        help="Say nothing but errors.",
    )
    verbose = click.option(
        "-v",
        "--verbose",
        count=True,
        expose_value=False,
        callback=_set_verbose,
        help="Say more; -vv adds tracebacks and what the libraries print.",
    )
    return quiet(verbose(function))


def is_quiet() -> bool:
    """Whether nothing but errors shall be said."""
    return _LOGGER.level == logging.ERROR


def is_debugging() -> bool:
    """Whether tracebacks are wanted."""
    return _LOGGER.level == logging.DEBUG


def say(text: str) -> None:
    """Print a line for the user to stderr, unless everything shall be quiet."""
    if not is_quiet():
        click.echo(text, err=True)


def complain(problem: BaseException | str, kind: str = "error") -> None:
    """Print one line about what went wrong to stderr; the traceback too when debugging."""
    if isinstance(problem, BaseException) and is_debugging():
        click.echo("".join(traceback.format_exception(problem)), err=True, nl=False)
    click.echo(f"streamguard: {kind}: {words_for(problem)}", err=True)


def words_for(problem: BaseException | str) -> str:
    """Return one line about what went wrong."""
    if isinstance(problem, str | StreamguardError):
        return _shown(str(problem))
    text = _shown(f"{type(problem).__name__}: {problem}")
    return f"unexpected {text}. Run again with -vv for the details"


def _shown(text: str) -> str:
    """Return a text without what a terminal would obey: a file's name may hold anything."""
    return "".join("?" if category(c) in ("Cc", "Cf") else c for c in text.replace("\n", " "))


def _set_quiet(context: click.Context, _option: click.Parameter, quiet: bool) -> None:
    context.meta["streamguard.quiet"] = quiet


def _set_verbose(context: click.Context, _option: click.Parameter, count: int) -> None:
    quiet = context.meta.get("streamguard.quiet", False)
    _LOGGER.setLevel(_LEVELS[-1 if quiet and not count else min(count, 2)])
    _LOGGER.handlers[:] = [_ConsoleHandler()]
    _LOGGER.propagate = False
    if count < 2:
        _silence_native_code()


def _silence_native_code() -> None:
    """Keep what C and C++ libraries print away from the user, until the process ends.

    MediaPipe and others write to file descriptor 2 whatever they are told, some of it while
    the process exits. Our own words go to a copy of that descriptor instead.
    """
    try:
        if sys.stderr.fileno() != 2:
            return
    except (OSError, ValueError):
        return
    sys.stderr.flush()
    sys.stderr = patient(os.dup(2), is_result=False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
