"""The command line: thin over the API. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Sequence

import click

import streamguard
from streamguard.cli import (
    analyze,
    anonymize,
    doctor,
    edit,
    export,
    preview,
    probe,
    relay,
    render,
    verify,
)
from streamguard.cli.console import DONE, FAILED, INTERRUPTED, WRONG_USAGE, complain
from streamguard.cli.pipes import guard_streams
from streamguard.cli.signals import interrupt_on_terminate, was_asked_to_end
from streamguard.errors import CancelledError, StreamguardError, UsageError


@click.group(
    name="streamguard",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a face seems to be left, "
    "4 damaged input, 130 interrupted.",
)
@click.version_option(streamguard.__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Hide faces in videos, photos and live camera streams.

    Everything runs on this machine. Nothing is uploaded.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(WRONG_USAGE)


for command in (
    anonymize.command,
    analyze.command,
    edit.command,
    render.command,
    preview.command,
    relay.command,
    export.command,
    verify.command,
    probe.command,
    doctor.command,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line of this process, and end the process."""
    guard_streams()
    interrupt_on_terminate()
    # A file's name may hold any bytes; in JSON they become the escapes that JSON itself has.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:])
        try:
            sys.stdout.flush()
        except StreamguardError as error:
            complain(error)
            code = code or FAILED
        sys.stderr.flush()
    except KeyboardInterrupt:
        # Somebody insists while the last words are written, to a pipe that nobody reads perhaps.
        code = INTERRUPTED
    if code == INTERRUPTED or threading.active_count() > 1:
        # A thread may be deep in native code, or hang there; nobody waits for it.
        os._exit(code)
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """Run one command and turn every way it can end into an exit code."""
    try:
        return cli.main(list(args), prog_name="streamguard", standalone_mode=False) or DONE
    except click.ClickException as error:
        complain(_one_line(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt, CancelledError):
        return _interrupted()
    except Exception as error:  # noqa: BLE001 - the last resort: nobody gets a traceback unasked
        # A library that is interrupted while it is loaded may raise an error of its own.
        if was_asked_to_end():
            return _interrupted()
        complain(error)
        return WRONG_USAGE if isinstance(error, UsageError) else FAILED


def _interrupted() -> int:
    complain("interrupted; nothing half done was left behind", kind="stopped")
    return INTERRUPTED


def _one_line(error: click.ClickException) -> str:
    text = error.format_message().replace("\n", " ").rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{text}. Try '{context.command_path} --help'" if context else text
