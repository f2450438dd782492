"""The page that shows every camera's picture and state in a browser, and the one that asks in."""

from __future__ import annotations

import functools
import html
from collections.abc import Mapping
from importlib.resources import files
from string import Template

from streamguard.relay.access import Answer
from streamguard.relay.overview import words_of
from streamguard.relay.supervisor import Camera

STATIC = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What a browser may have without the token, with its media type."""

_ANSWERS = {
    Answer.WRONG: "The token is wrong.",
    Answer.LATER: "Too many wrong tokens. Wait a minute, then try again.",
}


def page_of(cameras: Mapping[str, Camera]) -> str:
    """Return the page for some cameras, as HTML."""
    cards = [_card(name, camera) for name, camera in sorted(cameras.items())]
    count = len(cards)
    return _template("page.html").substitute(
        title=f"{count} camera{'s' * (count != 1)}", cards="".join(cards)
    )


def login_page(answer: Answer | None = None) -> str:
    """Return the page that asks for the token, as HTML.

    Args:
        answer: What came of the token before; None if there was none.
    """
    words = "" if answer is None else _ANSWERS[answer]
    return _template("login.html").substitute(answer=words)


@functools.cache
def static_file(name: str) -> bytes:
    """Return the content of one of the files in `STATIC`."""
    return files("streamguard.relay").joinpath("static", name).read_bytes()


def _card(name: str, camera: Camera) -> str:
    values = {"name": name, "level": camera.state.value, **words_of(camera)}
    return _template("card.html").substitute({k: html.escape(v) for k, v in values.items()})


@functools.cache
def _template(name: str) -> Template:
    return Template(static_file(name).decode("utf-8"))
