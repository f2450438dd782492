"""The page that shows every camera's picture and state in a browser."""

from __future__ import annotations

import html
from collections.abc import Iterable

_FIGURE = (
    '<figure id="{name}"><img src="/{name}/stream.mjpg" alt="">'
    "<figcaption>{name}: <b></b></figcaption></figure>"
)
# A picture that ended is asked for again: the camera may not have had one yet.
_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>streamguard</title>
<style>body {{ font-family: sans-serif }} img {{ max-width: 100% }}</style>
{figures}
<script>
async function look() {{
  let cameras = null;
  try {{
    cameras = (await (await fetch("/healthz")).json()).cameras;
  }} catch (error) {{ }}
  for (const figure of document.querySelectorAll("figure")) {{
    const camera = cameras && cameras[figure.id];
    const words = camera ? [camera.state, camera.source.reason] : ["the relay does not answer"];
    figure.querySelector("b").textContent = words.filter(Boolean).join(", ");
    const image = figure.querySelector("img");
    if (camera && image.complete && !image.naturalWidth) image.src = image.src;
  }}
}}
look();
setInterval(look, 1000);
</script>
"""


def page_of(names: Iterable[str]) -> str:
    """Return the page for some cameras, as HTML."""
    figures = "\n".join(_FIGURE.format(name=html.escape(name)) for name in names)
    return _PAGE.format(figures=figures)
