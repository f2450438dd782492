"""The page as HTML: what it says, that it holds nothing inline, and that it can be read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import cast

import pytest
from web_kit import FakeCamera, plan_of

from streamguard.handoff.mailbox import Mailbox
from streamguard.redaction import blank_slate
from streamguard.relay.access import Answer
from streamguard.relay.overview import describe
from streamguard.relay.page import STATIC, login_page, page_of, static_file
from streamguard.relay.process import Output
from streamguard.relay.states import State
from streamguard.relay.status import CameraStatus
from streamguard.relay.supervisor import Camera

STYLE = static_file("page.css").decode()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox.create(64, 48)
    yield box
    box.close()


def page(camera: FakeCamera) -> str:
    return page_of({camera.plan.name: cast("Camera", camera)})


def fields(document: str) -> dict[str, str]:
    return dict(re.findall(r'data-field="(\w+)">([^<]*)<', document))


def test_it_says_what_is_shown_and_why_not(mailbox: Mailbox) -> None:
    camera = FakeCamera(plan_of("front"))
    assert fields(page(camera))["picture"] == "No picture yet"
    camera.mailbox = mailbox
    mailbox.alive()
    mailbox.reason = "no signal"
    camera.status = CameraStatus(State.RECONNECTING, "the camera <b>refuses</b>")
    said = fields(page(camera))
    assert said["state"] == "Reconnecting"
    assert said["picture"] == "Slate: no signal"
    assert said["reason"] == "Source: the camera &lt;b&gt;refuses&lt;/b&gt;"


def test_a_frame_that_is_a_slate_says_why(mailbox: Mailbox) -> None:
    camera = FakeCamera(plan_of("front"), mailbox=mailbox)
    mailbox.alive()
    mailbox.reason = "waiting for a verdict"
    mailbox.write(blank_slate(64, 48, "yuv420p", text="damaged data"), time.monotonic_ns())
    assert fields(page(camera))["picture"] == "Slate: damaged data"


def test_it_says_when_data_is_damaged() -> None:
    camera = FakeCamera(plan_of("front"))
    camera.status.damage = 3
    camera.status.dropped["newer frame"] = 1
    said = fields(page(camera))
    assert said["reason"] == "Source: damaged data, 3 packets so far"
    assert "1 frame dropped" in said["facts"]


def test_a_sink_says_why_it_is_not_live() -> None:
    plan = plan_of("front", "rtsp://u:hunter2@192.0.2.1/out", "out.mp4")
    camera = FakeCamera(plan, outputs=[Output(address) for address in plan.sinks])
    try:
        first, second = camera.outputs
        first.status.reason = f"{first.address.shown} refuses the connection"
        second.status.reason = "the disk is full"
        reason = fields(page(camera))["reason"]
        # Each address once.
        assert reason.count("192.0.2.1") == 1
        assert "out.mp4: the disk is full" in reason
        assert "hunter2" not in page(camera) + str(describe(cast("Camera", camera)))
    finally:
        for output in camera.outputs:
            for end in output.bell:
                end.close()


class Parts(HTMLParser):
    """Collects what a browser would run, and what people who cannot see or point need."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize(
    "document", [page(FakeCamera(plan_of("front"))), login_page(), login_page(Answer.WRONG)]
)
def test_nothing_is_inline_and_everything_is_named(document: str) -> None:
    parts = Parts(document)
    for _, attributes in parts.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        source = attributes.get("src") or attributes.get("href") or "/"
        assert source.startswith("/")
    assert not parts.all("style")
    assert all("src" in script for script in parts.all("script"))
    assert parts.all("html")[0]["lang"] == "en"
    assert parts.all("title")
    assert all(picture["alt"] and picture["width"] for picture in parts.all("img"))
    names = {label["for"] for label in parts.all("label")}
    assert {field["id"] for field in parts.all("input")} <= names
    viewport = [meta for meta in parts.all("meta") if meta.get("name") == "viewport"]
    assert viewport


def test_without_a_script_it_says_so() -> None:
    document = page(FakeCamera(plan_of("front")))
    assert "<noscript>" in document
    assert 'href="/front/stream.mjpg"' in document


def test_all_files_that_a_page_names_are_served() -> None:
    named = set(re.findall(r'"/static/([^"]+)"', page_of({}) + login_page()))
    assert named == set(STATIC)
    assert all(static_file(name) for name in STATIC)


def test_the_title_counts_the_cameras() -> None:
    assert "<title>streamguard: 0 cameras</title>" in page_of({})
    assert "<title>streamguard: 1 camera</title>" in page(FakeCamera(plan_of("front")))


def colours(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    block = blocks[0 if scheme == "light" else 1]
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    parts = [value / 255 for value in bytes.fromhex(colour[1:])]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read(scheme: str) -> None:
    named = colours(scheme)
    assert len(named) == 10
    for words in ("text", "soft", "accent", "good", "wait", "bad"):
        for ground in ("ground", "card"):
            assert contrast(named[words], named[ground]) >= 4.5, (words, ground)
    assert contrast(named["accent"], named["card"]) >= 4.5


def test_contrast_is_measured_as_the_standard_does() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
