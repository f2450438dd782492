"""``streamguard relay``: cameras in, anonymized streams out, for ever."""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamguard.cli.console import DONE, is_quiet, say, verbosity_options
from streamguard.cli.options import live_of, live_options, settings_of
from streamguard.cli.serving import check_http, http_of, http_options, serve
from streamguard.errors import SystemNotReadyError, UsageError

if TYPE_CHECKING:
    from streamguard.relay.plan import CameraPlan, RelayConfig
    from streamguard.relay.supervisor import Supervisor

log = logging.getLogger(__name__)

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_ONE = "camera"


@click.command(name="relay", short_help="Camera in, anonymized stream out, for ever.")
@click.argument("source", required=False)
@click.argument("sinks", nargs=-1, metavar="[SINK]...")
@click.option("--config", type=click.Path(path_type=Path), help="Many cameras, from a YAML file.")
@click.option("--check", is_flag=True, help="Check the configuration, start nothing.")
@http_options
@click.option(
    "--record",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="Record into a folder, a new file every --record-minutes.",
)
@click.option("--record-minutes", type=float, default=10.0, show_default=True)
@click.option(
    "--audio",
    type=click.Choice(["drop", "copy"]),
    default="drop",
    show_default=True,
    help="What becomes of sound; voices identify people, too.",
)
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@live_options(lookahead=0.4, size="Size of the output; asked of a webcam, too.")
@verbosity_options
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:
    """Relay SOURCE to every SINK with all faces covered, until stopped.

    SOURCE is a webcam (0, /dev/video0), rtsp://…, any URL, or lavfi:…; SINK is rtsp://…,
    rtmp://…, or a file such as out.mp4. ${NAME} in either stands for an environment variable,
    so that no password needs to be on the command line. While there is nothing safe to show,
    a slate goes out that says why.
    """
    from streamguard.doctor import require_system

    config = _config_of(context, options)
    config = replace(config, http=http_of(config.http, options))
    check_http(config.http)
    if options["check"]:
        count = len(config.cameras)
        say(f"{count} camera{'s' * (count != 1)}, no mistakes")
        context.exit(DONE)
    require_system()
    _log_as(options["log_format"])
    context.exit(_run(config, options["config"]))


def _config_of(context: click.Context, options: dict[str, Any]) -> RelayConfig:
    if options["config"] is not None:
        if options["source"] is not None:
            raise click.UsageError("name either --config or a source, not both", context)
        return _read(options["config"], is_check=options["check"])
    from streamguard.relay.compose import camera_plan

    if options["source"] is None:
        raise click.UsageError("name a source, or --config", context)
    if not (options["sinks"] or options["http"] or options["record"] or options["check"]):
        raise click.UsageError("name a sink, --record or --http", context)
    plan = camera_plan(
        _ONE,
        _expand(options["source"]),
        [_expand(sink) for sink in options["sinks"]],
        settings_of(options),
        replace(live_of(options), audio=options["audio"] == "copy"),
        record=options["record"],
        record_minutes=options["record_minutes"],
        size=options["size"],
    )
    return _config_for(plan)


def _config_for(plan: CameraPlan) -> RelayConfig:
    from streamguard.relay.plan import RelayConfig

    return RelayConfig((plan,))


def _read(path: Path, is_check: bool = False) -> RelayConfig:
    try:
        from streamguard.relay.config import read_config
    except ImportError as error:
        raise SystemNotReadyError(
            f"--config needs {error.name}, which is not installed",
            "Install it with: pip install '.[relay]' in the checkout",
        ) from error
    return read_config(path, try_folders=is_check)


def _expand(text: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UsageError(f"the environment variable {match[1]} is not set")
        return os.environ[match[1]]

    return _VARIABLE.sub(value, text)


class _Echo(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def _log_as(form: str) -> None:
    from streamguard.relay.logs import JsonFormatter, RepeatFilter

    logger = logging.getLogger("streamguard")
    if not is_quiet():
        logger.setLevel(min(logger.level, logging.INFO))
    if form == "json":
        handler = _Echo()
        handler.setFormatter(JsonFormatter())
        logger.handlers[:] = [handler]
    for each in logger.handlers:
        each.addFilter(RepeatFilter())


def _run(config: RelayConfig, path: Path | None) -> int:
    from streamguard.cli.signals import stop_on_signal
    from streamguard.relay.supervisor import Supervisor

    # Cameras share the cores with decoders and encoders; more threads would wait for each other.
    share = max(1, (os.cpu_count() or 1) // (2 * len(config.cameras)))
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", str(share))
    with stop_on_signal() as stop:
        supervisor = Supervisor(list(config.cameras))
        web = None
        again = _reload_on_hangup() if path is not None else threading.Event()
        try:
            web = serve(config.http, supervisor)
            while not stop.is_set():
                supervisor.step()
                if again.is_set() and path is not None:
                    again.clear()
                    _reload(supervisor, path)
        finally:
            if web is not None:
                web.close()
            supervisor.stop()
    return DONE


def _reload_on_hangup() -> threading.Event:
    again = threading.Event()
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: again.set())
    return again


def _reload(supervisor: Supervisor, path: Path) -> None:
    try:
        config = _read(path)
    except UsageError as error:
        log.error("the configuration is not taken: %s", error.what)
        return
    changed = supervisor.reload(list(config.cameras))
    log.info("configuration read again; changed: %s", ", ".join(changed) or "nothing")
