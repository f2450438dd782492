"""Opening local media without letting it open anything else, and FFmpeg's errors in plain words."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from streamguard.errors import (
    NoVideoError,
    SourceDamagedError,
    SourceError,
    StreamguardError,
    UsageError,
    unreadable,
)
from streamguard.memory import bounded_memory
from streamguard.sources.playlist import MARK, SEGMENTS, Playlist

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

Timeout = tuple[float | None, float | None]
"""Seconds that opening may take, and that reading one packet may."""

# Formats that name other files or hosts, or that are devices. HLS is read by `_open_playlist`.
_REFERRING = frozenset(
    "hls applehttp dash concat concatf imf image2 alias_pix brender_pix sdp rtsp rtp sap lavfi"
    " webm_dash_manifest vobsub tedcaptions vapoursynth avisynth libgme libopenmpt tty txt"
    " ansi bin adf idf xbin ffmetadata alsa fbdev oss sndio v4l2 video4linux2 x11grab kmsgrab"
    " xcbgrab jack pulse openal iec61883 libcdio libdc1394 decklink dshow gdigrab vfwcap"
    " avfoundation android_camera".split()
)
_OPTIONS = {"protocol_whitelist": "file,crypto,data", "enable_drefs": "0"}
_PLAYLISTS = (MARK, b"ffconcat version", b"<MPD", b"<CompositionPlaylist", b"[playlist]")
_BLANK = b"\xef\xbb\xbf \t\r\n"
"""What may come before the mark of a list."""


def check_path(path: Path) -> None:
    """Check that a path is a readable file with something in it.

    Raises:
        SourceNotFoundError: Nothing is there.
        UsageError: It is a folder.
        SourcePermissionError: It may not be read.
        SourceDamagedError: It is empty.
        SourceError: It is no regular file, or reading it fails.
    """
    with translated(path):
        if path.is_dir():
            raise UsageError(f"{path} is a folder", "Name a file in it")
        if not path.stat().st_size and path.is_file():
            raise SourceDamagedError(f"{path} is empty", "Copy or download it again")
        if not path.is_file():
            raise SourceError(f"{path} is not a regular file", "Name a video or photo file")
        with path.open("rb") as file:
            file.read(1)


def open_media(
    path: Path, timeout: Timeout = (None, None), memory: int | None = None
) -> InputContainer:
    """Open a video file with FFmpeg; nothing but this file can be read through it.

    A playlist of segments (HLS) may name files of its own folder and below, nothing else.

    Args:
        path: The file.
        timeout: Seconds after which FFmpeg gives up opening, and reading a packet.
        memory: Further bytes that it may take, or None for any.

    Raises:
        SourceError: Of the kind that fits.
        UsageError: It is a folder.
    """
    check_path(path)
    with translated(path), bounded_memory(memory):
        with path.open("rb") as file:
            head = file.read(4096).lstrip(_BLANK)
        if head.startswith(MARK):
            return _open_playlist(path, timeout)
        if any(mark in head for mark in _PLAYLISTS):
            raise SourceDamagedError(
                f"{path} is a list that points to other files, which is not followed",
                "Name the media files themselves",
            )
        options = _OPTIONS | {"format_whitelist": _plain_formats()}
        # By a name such as x.jpg FFmpeg would take a film of JPEG pictures for one of them.
        form = "mjpeg" if head.startswith(b"\xff\xd8\xff") else None
        return _open(path, options, form, timeout=timeout)


def files_of(path: Path) -> tuple[Path, ...]:
    """Return every file that reading a path reads: a playlist's segments, too, after it.

    Raises:
        SourceError: It cannot be read, or is a playlist that is not followed.
    """
    with translated(path):
        with path.open("rb") as file:
            head = file.read(4096).lstrip(_BLANK)
        return Playlist(path).files if head.startswith(MARK) else (path,)


def open_photo(data: bytes, *, decodes: bool = True) -> InputContainer:
    """Open a picture held in memory, so that no name in it can be followed.

    Args:
        data: The file.
        decodes: Whether it will be decoded; else nothing of it is, while opening neither.

    Raises:
        av.FFmpegError: It cannot be read; to be translated by the caller.
    """
    limits = {} if decodes else {"max_pixels": "1"}
    return _open(io.BytesIO(data), _OPTIONS | {"format_whitelist": _plain_formats()} | limits)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what FFmpeg and the system raise into this project's errors.

    Raises:
        SourceError: Of the kind that fits.
    """
    try:
        yield
    except StreamguardError:
        raise
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        # FFmpeg's errors of these kinds are the system's.
        raise unreadable(path, error) from error
    except ffmpeg_errors() as error:
        raise _damaged(path, error) from error
    except OSError as error:
        raise unreadable(path, error) from error


@functools.cache
def ffmpeg_errors() -> tuple[type[av.FFmpegError], ...]:
    """Return what to catch; a function, since importing PyAV takes long."""
    import av

    return (av.FFmpegError,)


def no_video(path: Path, has: str) -> NoVideoError:
    """Return the error for a file that holds no picture, naming what it ``has`` instead."""
    return NoVideoError(f"{path} holds no video, only {has or 'nothing'}", "Name a video or photo")


def _open(
    file: Path | BinaryIO,
    options: dict[str, str],
    form: str | None = None,
    open_nested: Callable[[str, int, dict[str, str]], BinaryIO] | None = None,
    *,
    timeout: Timeout = (None, None),
) -> InputContainer:
    import av

    _quieten()
    return av.open(
        str(file.absolute()) if isinstance(file, Path) else file,
        "r",
        format=form,
        options=options,
        # Tags in no known encoding shall not stop a good video.
        metadata_errors="replace",
        io_open=open_nested,
        timeout=timeout,
    )


def _open_playlist(path: Path, timeout: Timeout) -> InputContainer:
    playlist = Playlist(path)
    options = {"protocol_whitelist": "file", "format_whitelist": SEGMENTS}
    return _open(path, options, "hls", playlist.open, timeout=timeout)


@functools.cache
def _plain_formats() -> str:
    import av

    return ",".join(sorted(av.formats_available - _REFERRING))


@functools.cache
def _quieten() -> None:
    import av

    # SVT-AV1 writes to stderr by itself unless told otherwise; 1 is errors only.
    os.environ.setdefault("SVT_LOG", "1")
    # Never through Python: a decoder's own thread that logs waits for the GIL, and can deadlock.
    av.logging.set_level(None)


def _damaged(path: Path, error: Exception) -> SourceError:
    import av

    if isinstance(error, av.error.MemoryError):
        return SourceError(
            f"{path} needs more memory to open than it may take", "Raise it with --open-memory"
        )
    if isinstance(error, av.error.ExitError):
        return SourceError(f"{path} could not be opened in time", "Is it whole?")
    if isinstance(error, av.error.DecoderNotFoundError):
        return SourceDamagedError(
            f"{path} is in a codec this FFmpeg cannot decode", "Convert it to H.264 first"
        )
    return SourceDamagedError(
        f"{path} is not a video or photo that can be read", "Is it whole? Does it play elsewhere?"
    )
