"""Recordings of a live stream: files that play even if the power goes."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from streamguard.errors import UsageError
from streamguard.frames import RedactedFrame
from streamguard.handoff.sound_ring import SoundRing
from streamguard.media.address import Address
from streamguard.media.target import sink_errors
from streamguard.media.timing import SECOND
from streamguard.memory import give_back
from streamguard.sinks.kinds import LiveSinkKind
from streamguard.sinks.livemux import LiveFormat, LiveMuxer, muxer_options

_SYNC = 10.0
"""Seconds of a recording that a power cut may cost."""
FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".ts": "mpegts"}
"""FFmpeg's muxers by the ending of a file's name."""
# Every fragment is whole in itself, so that a file cut off anywhere still plays.
_FLAGS = "+frag_keyframe+empty_moov+default_base_moof"
# Sound may begin later than the pictures: without these its first packet is moved to the start.
_SOUND_FLAGS = "+frag_discont+negative_cts_offsets"

_DIRECTIVES = frozenset("aAbBdfFGHIjmMpsSTuUVwWyYzZ%")
"""What may follow a ``%`` in a file's name: what `strftime` knows and no ``/`` comes of."""


def check_pattern(name: str) -> None:
    """Refuse the name of a recording that no time can be put into.

    Raises:
        UsageError: It holds a ``%`` that means nothing, or no name of a file.
    """
    for letter in re.findall(r"%(.|$)", name):
        if letter not in _DIRECTIVES:
            raise UsageError(
                f"%{letter} in {name} is no part of a time", "Write it like rec-%Y%m%d-%H%M%S.mp4"
            )


def try_folder(folder: Path) -> None:
    """Make a file without a name in a folder, and let go of it.

    Raises:
        SinkError: Of the kind that fits: there can be none.
    """
    with sink_errors(folder), tempfile.TemporaryFile(dir=folder):
        pass


class Recording:
    """A file, or a new one every few minutes where its name has ``%`` signs of `strftime`.

    A file is called ``NAME.part.EXT`` until it is finished, and plays nevertheless. What is
    there already is never overwritten.

    Args:
        path: Name of the files.
        form: What to write.
        sound: Where sound comes from, if any is wanted.
        now: The time of day that names are made of.
    """

    def __init__(
        self,
        path: Path,
        form: LiveFormat,
        sound: SoundRing | None = None,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._path = path
        self._form = form
        self._sound = sound
        self._now = now
        self._length = form.record_minutes * 60 * SECOND if "%" in path.name else float("inf")
        self._file: _File | None = _File(path, form, now(), sound)

    def write(self, frame: RedactedFrame, at: int) -> bool:
        """Encode and write one frame, into a new file if it is time; see `LiveSink`."""
        file = self._file
        if file is not None and (file.length(at) >= self._length or file.misses_sound):
            self.close()
        if self._file is None:
            self._file = _File(self._path, self._form, self._now(), self._sound)
        self._file.write(frame, at)
        return True

    def close(self) -> None:
        """Finish the file and give it its name."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            finally:
                del file  # the encoder lives as long
                give_back()


def _open(address: Address, form: LiveFormat, sound: SoundRing | None) -> Recording:
    return Recording(Path(address.url), form, sound)


def _check(address: Address) -> None:
    path = Path(address.url)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"the folder of {address} does not exist", "Make it first")
    check_pattern(path.name)


RECORDINGS = LiveSinkKind(opens=_open, suffixes=frozenset(FORMATS), check=_check)


class _File:
    """One file of a recording."""

    def __init__(
        self, path: Path, form: LiveFormat, now: datetime, sound: SoundRing | None
    ) -> None:
        import av

        name = now.strftime(path.name) if "%" in path.name else path.name
        self._path = _free(path.with_name(name))
        self._part = _part_of(self._path)
        self._began: int | None = None
        self._synced = time.monotonic()
        container = FORMATS[path.suffix.lower()]
        options = {"flush_packets": "1"} | muxer_options(sound)
        if container in ("mp4", "mov"):
            options["movflags"] = _FLAGS if sound is None else _FLAGS + _SOUND_FLAGS
        with sink_errors(self._path):
            # FFmpeg never closes a file of its own that it could not write to the end.
            self._file = self._part.open("xb", buffering=0)
            try:
                self._output = av.open(self._file, "w", format=container, options=options)
                self._video = LiveMuxer(self._output, form, sound)
            except BaseException:
                self._file.close()
                self._part.unlink()
                raise

    @property
    def misses_sound(self) -> bool:
        """Whether another file would have sound, which this one has not."""
        return self._video.misses_sound

    def length(self, now: int) -> int:
        """Return how long the file is, in nanoseconds."""
        return 0 if self._began is None else now - self._began

    def write(self, frame: RedactedFrame, at: int) -> None:
        if self._began is None:
            self._began = at
        with sink_errors(self._path):
            self._video.write(frame, at)
            if time.monotonic() - self._synced > _SYNC:
                self._synced = time.monotonic()
                os.fsync(self._file.fileno())

    def close(self) -> None:
        """Finish the file; of one that fails, what was written is kept if it plays."""
        try:
            with sink_errors(self._path):
                try:
                    self._video.flush()
                finally:
                    self._output.close()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()
            if self._began is None or not _plays(self._part):
                self._part.unlink()
            else:
                # Taken meanwhile, it would be overwritten.
                free = _free(self._path) if self._path.exists() else self._path
                self._part.rename(free)


def _plays(path: Path) -> bool:
    """Whether there is a picture in it: where the disk is full, a header may be all there is."""
    import av

    try:
        with av.open(str(path)) as container:
            return next(container.decode(video=0), None) is not None
    except (av.FFmpegError, IndexError):
        return False


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}.part{path.suffix}")


def _free(path: Path) -> Path:
    """Return a name that is not taken: ``NAME``, ``NAME-1``, ``NAME-2`` and so on."""
    number, name = 0, path
    while name.exists() or _part_of(name).exists():
        number += 1
        name = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return name
