"""A webcam that is busy, forbidden or missing: what is said, and that it is tried again."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from live_kit import plan_of, relaying, until

from streamguard.errors import SourceError, SourceNotFoundError, SourcePermissionError
from streamguard.media.address import Address, AddressKind, parse_address
from streamguard.media.live_errors import live_error
from streamguard.relay.states import State
from streamguard.sources.live import LiveSource

NOBODY = 65534
linux = pytest.mark.skipif(sys.platform != "linux", reason="Video4Linux is Linux's")


@pytest.mark.parametrize(
    ("number", "kind", "what", "hint"),
    [
        (errno.EBUSY, SourceError, "in use by another program", "Close that first"),
        (errno.EACCES, SourcePermissionError, "may not be opened", "in the group video"),
        (errno.EPERM, SourcePermissionError, "may not be opened", "in the group video"),
        (errno.ENOENT, SourceNotFoundError, "does not exist", "plugged in"),
        (errno.ENODEV, SourceNotFoundError, "does not exist", "plugged in"),
        (errno.ENXIO, SourceNotFoundError, "does not exist", "plugged in"),
        (errno.ENOTTY, SourceError, "is no camera", "/dev/video0"),
    ],
)
def test_what_is_said_of_a_webcam(
    number: int, kind: type[SourceError], what: str, hint: str
) -> None:
    with pytest.raises(av.FFmpegError) as caught:
        av.error.err_check(-number, "/dev/video0")
    error = live_error(parse_address("0", "linux"), caught.value)
    assert isinstance(error, kind)
    assert error.what.startswith("/dev/video0 ")
    assert what in error.what
    assert hint in error.hint


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A device that we may not open, even where the tests run as root."""
    path = tmp_path / "video0"
    path.touch()
    path.chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield path
    finally:
        os.seteuid(before)


@linux
def test_a_device_that_may_not_be_opened(forbidden: Path) -> None:
    with pytest.raises(SourcePermissionError, match="may not be opened"):
        LiveSource(Address(AddressKind.WEBCAM, str(forbidden), str(forbidden), "v4l2"))


@linux
@pytest.mark.parametrize(
    ("device", "what"), [("/dev/video63", "does not exist"), ("webcam:/dev/null", "is no camera")]
)
def test_a_device_that_is_none(device: str, what: str) -> None:
    with pytest.raises(SourceError, match=what):
        LiveSource(parse_address(device))


@linux
def test_a_relay_says_it_once_and_tries_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_of("63", tmp_path / "out.mp4", size=(320, 240), retry_interval=0.3)
    with relaying(plan) as supervisor:
        until(supervisor, lambda camera: camera.status.reconnects >= 3)
        status = supervisor.cameras["cam"].status
        assert status.state is State.CONNECTING
        assert status.reason == "/dev/video63 does not exist"
    assert caplog.text.count("/dev/video63 does not exist. Is the camera plugged in?") == 1
