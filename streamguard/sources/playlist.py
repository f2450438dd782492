"""HLS playlists of local files: read by us first, within limits, then handed to FFmpeg."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from streamguard.errors import SourceDamagedError

MARK = b"#EXTM3U"
"""What every playlist begins with."""

SEGMENTS = "hls,mpegts,mov,aac,mp3,ac3,webvtt"
"""FFmpeg's names of the formats that a segment may have."""

_MAX_BYTES = 8 * 2**20
_MAX_ENTRIES = 100_000
_MAX_LISTS = 100
_MAX_DEPTH = 2
_GAP = b"\xef\xbb\xbf \t\r\n"
_LIST_SUFFIXES = (".m3u8", ".m3u")


class Playlist:
    """A playlist and those that it names, as they were when they were read.

    A playlist may name playlists, one for each quality; those may name no more of them.

    Args:
        path: The playlist.

    Raises:
        SourceDamagedError: It points outside its folder, has no end, names itself, or is larger
            than 8 MiB, 100,000 entries or 100 playlists.
        OSError: One of them cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = path.resolve().parent
        self._texts: dict[Path, bytes] = {}
        self._named: dict[Path, None] = {}
        self._entries = 0
        if not path.resolve().is_file():
            raise self._refused("has no folder: it was piped in")
        self._add(path.resolve(), 1)

    @property
    def files(self) -> tuple[Path, ...]:
        """The playlist, and every file that it and its playlists name and that is there."""
        others = [path for path in self._named if path not in self._texts and path.is_file()]
        first, *inner = self._texts
        return (self._path, *(path for path in inner if path != first), *others)

    def open(self, url: str, _flags: int = 0, _options: object = None) -> BinaryIO:
        """Open what FFmpeg asks for: one of the playlists, or a file in their folder.

        Raises:
            PermissionError: It is somewhere else.
        """
        if not self._is_inside(url, self._folder):
            raise PermissionError(f"{url} is outside the playlist's folder")
        path = (self._folder / _local(url)).resolve()
        if path in self._texts:
            return io.BytesIO(self._texts[path])
        return cast(BinaryIO, _Segment(path))

    def _add(self, path: Path, depth: int) -> None:
        if len(self._texts) >= _MAX_LISTS:
            raise self._refused(f"names more than {_MAX_LISTS} playlists")
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1).lstrip(_GAP)
        if len(text) > _MAX_BYTES:
            raise self._refused(f"is larger than {_MAX_BYTES // 2**20} MiB")
        self._texts[path] = text
        # FFmpeg ends a line at these, Python's splitlines at many more.
        lines = [line.rstrip() for line in re.split(r"[\r\n\0]", text.decode(errors="replace"))]
        has_segments = self._check(path, lines)
        for named in _lists(lines):
            inner = (path.parent / _local(named)).resolve()
            if depth == _MAX_DEPTH or inner == path:
                raise self._refused("names playlists that name playlists; they are not followed")
            if inner not in self._texts:
                self._add(inner, depth + 1)
        if has_segments and not any(line.startswith("#EXT-X-ENDLIST") for line in lines):
            raise SourceDamagedError(
                f"the playlist {self._path} has no end: it is still being written, or was cut off",
                "If it is all there, add a last line #EXT-X-ENDLIST",
            )

    def _check(self, path: Path, lines: list[str]) -> bool:
        """Check all that a playlist names; return whether segments are among it."""
        inner = set(_lists(lines))
        names = list(_names(lines))
        self._entries += len(names)
        if self._entries > _MAX_ENTRIES:
            raise self._refused(f"has more than {_MAX_ENTRIES} entries")
        for name in names:
            if not self._is_inside(name, path.parent):
                raise SourceDamagedError(
                    f"{self._path} points to {_without_secrets(name)}, outside its own folder;"
                    " that is not followed",
                    "Put all its segments into its folder, or name the media file itself",
                )
            self._named[(path.parent / _local(name)).resolve()] = None
            if name not in inner and name.lower().endswith(_LIST_SUFFIXES):
                raise self._refused(f"plays {name}, which is another playlist")
        return not inner or any(line.startswith("#EXTINF") for line in lines)

    def _is_inside(self, url: str, base: Path) -> bool:
        if urlsplit(url).scheme not in ("", "file") or "," in url.partition("/")[0]:
            return False
        return (base / _local(url)).resolve().is_relative_to(self._folder)

    def _refused(self, why: str) -> SourceDamagedError:
        return SourceDamagedError(f"the playlist {self._path} {why}", "Name the media file itself")


def _names(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("#"):
            yield from re.findall(r'URI="([^"]*)"', line)
        elif line.strip():
            yield line.strip()


def _lists(lines: list[str]) -> Iterator[str]:
    """Yield what is named as a playlist: the line after a stream's, and tracks of their own."""
    expected = False
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            expected = True
        elif line.startswith("#EXT-X-MEDIA:"):
            yield from re.findall(r'URI="([^"]*)"', line)
        elif line.strip() and not line.startswith("#"):
            if expected:
                yield line.strip()
            expected = False


def _local(url: str) -> str:
    return url.removeprefix("file://").removeprefix("file:")


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="", fragment="").geturl()


class _Segment(io.RawIOBase):
    """A file that is no playlist, and closes itself when FFmpeg forgets to.

    FFmpeg would follow a playlist inside a segment, and one inside that, without end.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.name = str(path)
        # Not to wait for the writer of a pipe.
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._tail = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = os.readv(self._descriptor, [buffer])
        seen = self._tail + bytes(buffer[:count])
        if MARK in seen:
            raise PermissionError(f"{self.name} is a playlist inside a playlist")
        self._tail = seen[-len(MARK) :]
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return os.lseek(self._descriptor, offset, whence)

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
