"""The options of the relay's pages, and the start of their server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streamguard.cli.console import say
from streamguard.errors import SystemNotReadyError, UsageError

if TYPE_CHECKING:
    from streamguard.relay.plan import HttpPlan
    from streamguard.relay.supervisor import Supervisor
    from streamguard.relay.web import WebServer

_OPTIONS = (
    click.option(
        "--http",
        metavar="[HOST:]PORT",
        help="Serve a view, health and metrics over HTTP; on 127.0.0.1 unless a host is named.",
    ),
    click.option(
        "--token-file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Ask for the token in this file; needed beyond this machine.",
    ),
    click.option(
        "--no-token", is_flag=True, help="Show the pictures beyond this machine without a token."
    ),
    click.option(
        "--allowed-host",
        multiple=True,
        metavar="NAME",
        help="A name that clients have for this machine; may be repeated.",
    ),
)


def http_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def http_of(plan: HttpPlan | None, options: dict[str, Any]) -> HttpPlan | None:
    """Return what the options ask for; they go before what the configuration says.

    Args:
        plan: What the configuration says, or None.
        options: The command line.

    Raises:
        UsageError: A name cannot be one, or nothing is served that an option could protect.
    """
    from streamguard.relay.compose import host_and_port, host_name
    from streamguard.relay.plan import HttpPlan

    if options["http"] is not None:
        try:
            host, port = host_and_port(options["http"])
        except UsageError as error:
            raise UsageError(f"--http {error}") from None
        plan = replace(plan or HttpPlan(), host=host, port=port)
    if plan is None:
        _refuse_idle(options)
        return None
    token_file, no_token = plan.token_file, plan.no_token
    if options["token_file"] is not None or options["no_token"]:
        token_file, no_token = options["token_file"], options["no_token"]
    names = tuple(host_name(name) for name in options["allowed_host"])
    return replace(
        plan,
        token_file=token_file,
        no_token=no_token,
        allowed_hosts=(*plan.allowed_hosts, *names),
    )


def _refuse_idle(options: dict[str, Any]) -> None:
    for name in ("token_file", "no_token", "allowed_host"):
        if options[name]:
            raise UsageError(f"--{name.replace('_', '-')} goes with --http", "Add --http 8080")


def check_http(plan: HttpPlan | None) -> None:
    """Check who may see what, before anything is started.

    Raises:
        UsageError: The token cannot be used, or one is needed and missing.
        SystemNotReadyError: A library is missing.
    """
    if plan is None:
        return
    try:
        import streamguard.relay.web  # noqa: F401 - only whether it can be
    except ImportError as error:
        raise SystemNotReadyError(
            f"--http needs {error.name}, which is not installed",
            "Install it with: pip install '.[relay]' in the checkout",
        ) from error
    from streamguard.relay.access import access_for

    access_for(plan)


def serve(plan: HttpPlan | None, supervisor: Supervisor) -> WebServer | None:
    """Start the server, and say what is visible to whom.

    Raises:
        UsageError: The address or port cannot be had.
    """
    if plan is None:
        return None
    from streamguard.relay.web import WebServer

    server = WebServer(supervisor, plan)
    say(f"watch at {server.address}")
    say(server.audience)
    return server
