"""``streamguard preview``: any live source in a window."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamguard.cli.console import DONE, is_quiet, verbosity_options
from streamguard.cli.options import live_settings_options, settings_of

if TYPE_CHECKING:
    from streamguard.window import Window


@click.command(name="preview", short_help="Show a camera in a window, faces covered.")
@click.argument("source", default="0")
@click.option("--size", metavar="WxH", default="", help="Size asked of a webcam.")
@click.option("--fps", type=float, help="Frame rate asked of a webcam.")
@click.option(
    "--rtsp-transport", type=click.Choice(["tcp", "udp"]), default="tcp", show_default=True
)
@live_settings_options(lookahead=0.0)
@verbosity_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Show SOURCE in a window with every face covered; the first webcam by default.

    Keys: q quits, b shows boxes, e changes the effect, s saves a snapshot, covered of course.
    With the default look-ahead of 0 there is no delay, but a face is covered only from the
    moment it is found.
    """
    from streamguard.cli.signals import stop_on_signal
    from streamguard.doctor import require_system

    window = _window()
    require_system()
    from streamguard.relay.compose import camera_plan
    from streamguard.relay.preview import Preview
    from streamguard.sources.live import LiveOptions

    live = LiveOptions(
        rtsp_transport=options["rtsp_transport"], size=options["size"], fps=options["fps"]
    )
    plan = camera_plan("preview", options["source"], (), settings_of(options), live)
    if not is_quiet():
        logger = logging.getLogger("streamguard")
        logger.setLevel(min(logger.level, logging.INFO))
    with stop_on_signal() as stop:
        Preview(plan, window, Path.cwd()).run(stop)
    context.exit(DONE)


def _window() -> Window:
    """Open the window before anything else is loaded; `streamguard.window` says why."""
    from streamguard.window import Window

    return Window("streamguard preview")
