"""What FFmpeg and the system say of a live source or sink, in this project's errors."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable

from streamguard.errors import (
    SourceError,
    SourceLostError,
    SourceNotFoundError,
    SourcePermissionError,
    StreamguardError,
)
from streamguard.media.address import Address, AddressKind

_MAY_NOT = {
    AddressKind.WEBCAM: "Is your user in the group video, is the camera allowed to programs?",
    AddressKind.FILE: "Check its permissions",
    AddressKind.LAVFI: "",
    AddressKind.RTSP: "Check its permissions",
    AddressKind.URL: "Check its permissions",
}


Converter = Callable[[Address, Exception], StreamguardError]


class translated:  # noqa: N801 - used as a statement, like contextlib's own
    """Turns what FFmpeg raises into this project's errors, without what is secret.

    Args:
        address: Of the source or sink.
        convert: What makes the error, of a source by default.
        answer: Seconds after which what FFmpeg calls invalid data is an answer that never came.
    """

    def __init__(
        self,
        address: Address,
        convert: Converter | None = None,
        answer: float = float("inf"),
    ) -> None:
        self._address = address
        self._convert = convert or live_error
        self._answer = answer
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StreamguardError):
            import av

            if isinstance(error, (av.FFmpegError, OSError)):
                waited = time.monotonic() - self._began
                if isinstance(error, av.error.InvalidDataError) and waited >= self._answer:
                    error = TimeoutError(errno.ETIMEDOUT, "no answer")
                # From None: the original's message may hold the password.
                raise self._convert(self._address, error) from None


def live_error(address: Address, error: Exception) -> SourceError:
    """Return the error that tells the user what is wrong with a live source, and what to do."""
    import av

    errors, camera = av.error, address.kind is AddressKind.WEBCAM
    match error:
        case errors.HTTPUnauthorizedError() | errors.HTTPForbiddenError():
            what, hint = "refuses the user name or password", "Correct them in the source's URL"
            return SourcePermissionError(f"{address} {what}", hint)
        case PermissionError():
            return SourcePermissionError(f"{address} may not be opened", _MAY_NOT[address.kind])
        case OSError(errno=errno.ENOENT | errno.ENODEV | errno.ENXIO) if camera:
            hint = "Is the camera plugged in? Other numbers may be other cameras"
            return SourceNotFoundError(f"{address} does not exist", hint)
        case OSError(errno=errno.ENOTTY) if camera:
            what, hint = "is no camera", "Name a device such as /dev/video0"
        case FileNotFoundError() | errors.HTTPNotFoundError():
            return SourceNotFoundError(f"{address} does not exist", "Check its name and path")
        case ConnectionRefusedError():
            what, hint = "refuses the connection", "Is the camera on?"
        case errors.ExitError() | TimeoutError():
            what, hint = "sent nothing in time", "It is tried again"
        case OSError(errno=errno.EBUSY):
            what, hint = "is in use by another program", "Close that first"
        case _:
            what, hint = _broken(address, error), "It is tried again"
    return SourceLostError(f"{address} {what}", hint)


def _broken(address: Address, error: Exception) -> str:
    """Return what became of a connection, in words."""
    import av

    if isinstance(error, (av.error.EOFError, ConnectionError)):
        return "closed the connection"
    if isinstance(error, av.error.InvalidDataError) and address.kind in (
        AddressKind.RTSP,
        AddressKind.URL,
    ):
        return "closed the connection, or sends no video"
    return f"cannot be read: {address.mask(getattr(error, 'strerror', None) or str(error))}"
