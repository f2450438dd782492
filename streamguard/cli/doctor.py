"""``streamguard doctor``: is this machine ready?"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from streamguard.cli.console import DONE, FAILED, verbosity_options

if TYPE_CHECKING:
    from streamguard.doctor import Check


@click.command(name="doctor", short_help="Check whether this machine is ready.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@verbosity_options
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Check libraries, models, encoders and hardware. Fail if something needed is missing."""
    from streamguard.doctor import Status, examine

    checks = examine()
    ready = not any(check.status is Status.FAIL for check in checks)
    if as_json:
        words = {"ready": ready, "checks": [asdict(check) for check in checks]}
        click.echo(json.dumps(words, ensure_ascii=False))
    else:
        _show(checks)
        click.echo("ready" if ready else "not ready")
    context.exit(DONE if ready else FAILED)


def _show(checks: list[Check]) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        click.echo(f"{check.status:<5} {check.name:<{width}}  {check.detail}")
        if check.hint:
            click.echo(f"{'':<6}{'':<{width}}  → {check.hint}")
