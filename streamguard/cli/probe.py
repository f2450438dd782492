"""``streamguard probe``: what is in a file, and what would become of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from streamguard.cli.console import verbosity_options
from streamguard.cli.limits import limit_options, limits_of


@click.command(name="probe", short_help="Show what is in a file, and what would be covered.")
@click.argument("source", type=click.Path(path_type=Path, readable=False))
@limit_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@verbosity_options
def command(source: Path, as_json: bool, **options: Any) -> None:
    """Show what is in SOURCE, and what would be covered, kept and dropped."""
    from contextlib import closing

    from streamguard.doctor import require_system

    require_system()
    from streamguard.sources import open_source

    with closing(open_source(source, limits_of(options))) as opened:
        described = opened.describe()
    if as_json:
        click.echo(json.dumps(described, ensure_ascii=False))
        return
    for key, value in described.items():
        click.echo(f"{key.replace('_', ' '):<18} {_words(value)}")


def _words(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case list():
            return ("\n" + " " * 19).join(map(str, value)) or "–"
        case _:
            return str(value)
