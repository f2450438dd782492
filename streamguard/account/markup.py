"""Pieces of HTML made of text that strangers wrote."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

MOST_ROWS = 200
"""Rows of one table after which the report in JSON is the place to look."""


def text(value: object) -> str:
    """Return text as HTML: escaped, and with marks that nobody sees made visible."""
    plain = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value))
    return html.escape(plain)


def code(value: object) -> str:
    """Return text as HTML in letters of one width."""
    return f"<code>{text(value)}</code>"


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table.

    Args:
        names: What stands above each column, as text.
        rows: Cells as HTML.
    """
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in names)
    lines = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{''.join(lines)}</tbody></table></div>\n"
    )


def rest(rows: Sequence[object]) -> str:
    """Return what tells that a table shows only the first of its rows."""
    more = len(rows) - MOST_ROWS
    return f"<p>{more:,} more are in the report as JSON.</p>\n" if more > 0 else ""


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of names, as text, and values, as HTML; nothing if there are none."""
    lines = "".join(
        f'<tr><th scope="row">{text(name)}</th><td>{value}</td></tr>\n' for name, value in rows
    )
    return f"<table>\n<tbody>\n{lines}</tbody></table>\n" if lines else ""


def section(title: str, *parts: str) -> str:
    """Return a section; nothing if it would be empty."""
    body = "".join(parts)
    return f"<section><h2>{text(title)}</h2>\n{body}</section>\n" if body else ""


def listed(lines: Iterable[object]) -> str:
    """Return a list of texts; nothing if there are none."""
    items = "".join(f"<li>{text(line)}</li>\n" for line in lines)
    return f"<ul>\n{items}</ul>\n" if items else ""
