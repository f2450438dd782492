"""Names of sources and sinks: what FFmpeg gets, what people see, what never shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamguard.errors import UsageError
from streamguard.media.address import AddressKind, parse_address
from streamguard.sinks import check_sink


@pytest.mark.parametrize(
    ("name", "platform", "kind", "url", "form"),
    [
        ("0", "linux", AddressKind.WEBCAM, "/dev/video0", "v4l2"),
        ("webcam:2", "linux", AddressKind.WEBCAM, "/dev/video2", "v4l2"),
        ("/dev/video1", "linux", AddressKind.WEBCAM, "/dev/video1", "v4l2"),
        ("0", "darwin", AddressKind.WEBCAM, "0:none", "avfoundation"),
        ("webcam:Logi C920", "win32", AddressKind.WEBCAM, "video=Logi C920", "dshow"),
        ("lavfi:testsrc2=rate=30", "linux", AddressKind.LAVFI, "testsrc2=rate=30", "lavfi"),
        ("RTSP://10.0.0.1/x", "linux", AddressKind.RTSP, "rtsp://10.0.0.1/x", ""),
        ("http://[::1]:80/x", "linux", AddressKind.URL, "http://[::1]:80/x", ""),
        ("clip.mp4", "linux", AddressKind.FILE, "clip.mp4", ""),
        ("file:///tmp/a.mp4", "linux", AddressKind.FILE, "/tmp/a.mp4", ""),
    ],
)
def test_what_a_name_stands_for(
    name: str, platform: str, kind: AddressKind, url: str, form: str
) -> None:
    address = parse_address(name, platform)
    assert (address.kind, address.url, address.format) == (kind, url, form)


@pytest.mark.parametrize(
    ("name", "url", "shown"),
    [
        ("rtsp://u:pw9@h/x", "rtsp://u:pw9@h/x", "rtsp://***@h/x"),
        ("rtsp://u:p@w@h/x", "rtsp://u:p%40w@h/x", "rtsp://***@h/x"),
        ("rtsp://u:p%40w@h/x", "rtsp://u:p%40w@h/x", "rtsp://***@h/x"),
        ("rtsp://u:a/b#c?d@h:554/x", "rtsp://u:a%2Fb%23c%3Fd@h:554/x", "rtsp://***@h:554/x"),
        ("rtsp://u:p@s/w@10.0.0.1/x", "rtsp://u:p%40s%2Fw@10.0.0.1/x", "rtsp://***@10.0.0.1/x"),
        ("rtsp://host/a@b", "rtsp://host/a@b", "rtsp://host/a@b"),
        ("rtsp://u:pw9@host/view@2", "rtsp://u:pw9@host/view@2", "rtsp://***@host/view@2"),
        ("http://h/x?token=s3cret", "http://h/x?token=s3cret", "http://h/x?***"),
        ("rtmp://h/live/key-1", "rtmp://h/live/key-1", "rtmp://h/live/***"),
    ],
)
def test_credentials_are_escaped_for_ffmpeg_and_hidden_from_people(
    name: str, url: str, shown: str
) -> None:
    address = parse_address(name)
    assert (address.url, address.shown, str(address)) == (url, shown, shown)


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=3))
def test_no_password_shows_whatever_is_in_it(password: str) -> None:
    address = parse_address(f"rtsp://somebody:{password}@192.0.2.1:554/stream")
    assert address.shown == "rtsp://***@192.0.2.1:554/stream"
    assert address.url not in repr(address)
    message = address.mask(f"cannot open {address.url} with {password}!")
    assert address.url not in message
    assert f"with {password}!" not in message


@pytest.mark.parametrize("name", ["", "  ", "rtsp://", "rtsp:///x", "http://:80/"])
def test_names_of_nothing(name: str) -> None:
    with pytest.raises(UsageError):
        parse_address(name)


def test_directshow_cameras_have_names() -> None:
    with pytest.raises(UsageError, match="by name"):
        parse_address("0", "win32")
    with pytest.raises(UsageError, match="not supported"):
        parse_address("0", "sunos5")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.gif", "no recording"),
        ("srt://h:1", "cannot be written"),
        ("nowhere/out.mp4", "folder"),
    ],
)
def test_what_cannot_be_a_live_sink(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_sink(parse_address(name))
