"""``streamguard preview``: any live source in a window."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamguard.cli.console import DONE, is_quiet, verbosity_options
from streamguard.cli.options import live_of, live_options, settings_of

if TYPE_CHECKING:
    from streamguard.relay.window import Window


@click.command(name="preview", short_help="Show a camera in a window, with every face covered.")
@click.argument("source", default="0")
@live_options(lookahead=0.0, size="Picture size to ask the webcam for.")
@verbosity_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Show SOURCE in a window with every face covered. The default is the first webcam.

    Keys: q quits, b shows boxes, e changes the effect, s saves a covered snapshot.
    With the default look-ahead of 0 there is no delay, but a face is covered only from the
    moment it is found.
    """
    from streamguard.cli.signals import stop_on_signal
    from streamguard.doctor import require_system

    window = _window()
    require_system()
    from streamguard.detection.cores import sharing_cores
    from streamguard.relay.compose import camera_plan
    from streamguard.relay.preview import Preview

    plan = camera_plan("preview", options["source"], (), settings_of(options), live_of(options))
    if not is_quiet():
        logger = logging.getLogger("streamguard")
        logger.setLevel(min(logger.level, logging.INFO))
    with sharing_cores(), stop_on_signal() as stop:
        Preview(plan, window, Path.cwd()).run(stop)
    context.exit(DONE)


def _window() -> Window:
    """Open the window before anything else is loaded; `streamguard.relay.window` says why."""
    from streamguard.relay.window import Window

    return Window("streamguard preview")
