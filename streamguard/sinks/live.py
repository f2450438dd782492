"""Live sinks: an encoder that holds nothing back, and the muxers of network streams and files.

Opening, writing and closing may all hang for as long as a server or a disk pleases, some of it
with Python's lock held. They belong into a process that somebody watches and replaces.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from streamguard.errors import SinkError, SinkPermissionError, StreamguardError, UsageError
from streamguard.settings import Codec, EncodingSettings
from streamguard.sinks.target import sink_errors
from streamguard.sources.address import Address, Kind

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer
    from av.video.stream import VideoStream

TIME_BASE = Fraction(1, 90_000)
_ENCODERS = {Codec.H264: "libx264", Codec.HEVC: "libx265"}
_PRESET, _CRF = "superfast", 23
_GROUP = 2.0
"""Seconds between two keyframes: what a player waits for at most."""
_SYNC = 10.0
"""Seconds of a recording that a power cut may cost."""
_FORMATS = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "rtmp": "flv",
    "rtmps": "flv",
    "udp": "mpegts",
    "tcp": "mpegts",
    "http": "mpegts",
    "https": "mpegts",
}
_RECORDING = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".ts": "mpegts"}
# Every fragment is whole in itself, so that a file cut off anywhere still plays.
_FRAGMENTS = {"movflags": "+frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFormat:
    """What a live sink writes.

    Attributes:
        width: Pixels, even.
        height: Pixels, even.
        frame_rate: Frames a second, roughly; frames bear their own times.
        encoding: Codec, preset and quality.
        rtsp_transport: ``tcp`` or ``udp``.
        record_minutes: Length of one file of a segmented recording.
        timeout: Seconds a server may take to answer, where FFmpeg can be told.
    """

    width: int
    height: int
    frame_rate: float
    encoding: EncodingSettings = field(default_factory=EncodingSettings)
    rtsp_transport: str = "tcp"
    record_minutes: float = 10.0
    timeout: float = 5.0


class LiveSink(Protocol):
    """Where pictures that have been through redaction are written, each at its own time."""

    def write(self, picture: av.VideoFrame, seconds: float) -> None:
        """Encode and write one picture.

        Args:
            picture: ``yuv420p``, of the size announced.
            seconds: Its time since any fixed moment; it should increase.

        Raises:
            SinkError: It could not be written.
        """
        ...

    def close(self) -> None:
        """Finish what was written; may hang with the server."""
        ...


def check_sink(address: Address) -> None:
    """Refuse what cannot be a live sink.

    Raises:
        UsageError: It cannot.
    """
    if address.kind is Kind.FILE:
        suffix = Path(address.url).suffix.lower()
        if suffix not in _RECORDING:
            known = " ".join(sorted(_RECORDING))
            raise UsageError(f"{address} is no recording", f"Let its name end in one of {known}")
        if not Path(address.url).absolute().parent.is_dir():
            raise UsageError(f"the folder of {address} does not exist", "Make it first")
    elif address.scheme not in _FORMATS:
        known = " ".join(sorted(_FORMATS))
        raise UsageError(f"{address} cannot be written to", f"Use a path or one of {known}")


def open_live_sink(address: Address, form: LiveFormat) -> LiveSink:
    """Open a network stream or a recording; may hang as long as a server pleases.

    Raises:
        SinkError: It cannot be opened; never with a credential in it.
        UsageError: It is no sink.
    """
    check_sink(address)
    if address.kind is Kind.FILE:
        return Recording(Path(address.url), form)
    return Stream(address, form)


class Stream:
    """A network stream: RTSP and RTMP publishing, MPEG-TS over everything else."""

    def __init__(self, address: Address, form: LiveFormat) -> None:
        import av

        self._address = address
        name = _FORMATS[address.scheme]
        options = {"flush_packets": "1", "rw_timeout": str(round(form.timeout * 1e6))}
        if name == "rtsp":
            options = {"rtsp_transport": form.rtsp_transport}
        if name == "flv":
            options["flvflags"] = "no_duration_filesize"
        with _translated(address):
            self._output = av.open(address.url, "w", format=name, options=options)
            self._video = _Encoder(self._output, form)
            self._output.start_encoding()

    def write(self, picture: av.VideoFrame, seconds: float) -> None:
        """Encode and send one picture; see `LiveSink`."""
        with _translated(self._address):
            self._video.write(picture, seconds)

    def close(self) -> None:
        """Say good-bye to the server."""
        with _translated(self._address):
            self._output.close()


class Recording:
    """A file, or a new one every few minutes where its name has ``%`` signs of `strftime`.

    A file is called ``NAME.part.EXT`` until it is finished, and plays nevertheless. What is
    there already is never overwritten.

    Args:
        path: Name of the files.
        form: What to write.
        now: The time of day that names are made of.
    """

    def __init__(
        self, path: Path, form: LiveFormat, now: Callable[[], datetime] = datetime.now
    ) -> None:
        self._path = path
        self._form = form
        self._now = now
        self._length = form.record_minutes * 60 if "%" in path.name else float("inf")
        self._file: _File | None = _File(path, form, now())

    def write(self, picture: av.VideoFrame, seconds: float) -> None:
        """Encode and write one picture, into a new file if it is time; see `LiveSink`."""
        if self._file is not None and self._file.seconds(seconds) >= self._length:
            self.close()
        if self._file is None:
            self._file = _File(self._path, self._form, self._now())
        self._file.write(picture, seconds)

    def close(self) -> None:
        """Finish the file and give it its name."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


class _File:
    """One file of a recording."""

    def __init__(self, path: Path, form: LiveFormat, now: datetime) -> None:
        import av

        name = now.strftime(path.name) if "%" in path.name else path.name
        self._path = _free(path.with_name(name))
        self._part = _part_of(self._path)
        self._began: float | None = None
        self._synced = time.monotonic()
        self._failed = False
        container = _RECORDING[path.suffix.lower()]
        options = dict(_FRAGMENTS) if container in ("mp4", "mov") else {"flush_packets": "1"}
        with sink_errors(self._path):
            self._descriptor = os.open(self._part, os.O_CREAT | os.O_RDWR, 0o666)
            self._output = av.open(str(self._part), "w", format=container, options=options)
            self._video = _Encoder(self._output, form)
            self._output.start_encoding()

    def seconds(self, now: float) -> float:
        """Return how long the file is."""
        return 0.0 if self._began is None else now - self._began

    def write(self, picture: av.VideoFrame, seconds: float) -> None:
        if self._began is None:
            self._began = seconds
        try:
            with sink_errors(self._path):
                self._video.write(picture, seconds)
                if time.monotonic() - self._synced > _SYNC:
                    self._synced = time.monotonic()
                    os.fsync(self._descriptor)
        except SinkError:
            self._failed = True
            raise

    def close(self) -> None:
        """Finish the file; a failed one keeps what could be written under its interim name."""
        try:
            with sink_errors(self._path):
                self._video.flush()
                self._output.close()
                os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)
            if self._began is None or not self._part.stat().st_size:
                self._part.unlink()
            else:
                # Taken meanwhile, it would be overwritten.
                free = _free(self._path) if self._path.exists() else self._path
                self._part.rename(free)


class _Encoder:
    """Encodes at once: no frame is held back, no thread adds a frame of delay."""

    def __init__(self, output: OutputContainer, form: LiveFormat) -> None:
        settings = form.encoding
        name = _ENCODERS.get(settings.codec)
        if name is None:
            raise UsageError(
                f"live streams cannot be encoded as {settings.codec.value}", "Use h264 or hevc"
            )
        self._output = output
        self._epoch: float | None = None
        self._last = -1
        rate = Fraction(form.frame_rate).limit_denominator(1001)
        stream = output.add_stream(
            name, rate=rate, time_base=TIME_BASE, width=form.width, height=form.height
        )
        self._stream = cast("VideoStream", stream)
        context = self._stream.codec_context
        context.pix_fmt = "yuv420p"
        context.thread_count = 1
        context.gop_size = max(1, round(_GROUP * form.frame_rate))
        crf = _CRF if settings.crf is None else settings.crf
        options = {"preset": settings.preset or _PRESET, "tune": "zerolatency", "crf": str(crf)}
        if name == "libx265":
            options["x265-params"] = "log-level=error"
        context.options = options

    def write(self, picture: av.VideoFrame, seconds: float) -> None:
        if self._epoch is None:
            self._epoch = seconds
        pts = max(self._last + 1, round((seconds - self._epoch) / TIME_BASE))
        picture.pts, picture.time_base, self._last = pts, TIME_BASE, pts
        self._output.mux(self._stream.encode(picture))

    def flush(self) -> None:
        self._output.mux(self._stream.encode(None))


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}.part{path.suffix}")


def _free(path: Path) -> Path:
    """Return a name that is not taken: ``NAME``, ``NAME-1``, ``NAME-2`` and so on."""
    number, name = 0, path
    while name.exists() or _part_of(name).exists():
        number += 1
        name = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return name


class _translated:  # noqa: N801 - used as a statement, like contextlib's own
    """Turns what FFmpeg raises into this project's errors, without what is secret."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import av

        if isinstance(error, (av.FFmpegError, OSError)) and not isinstance(error, StreamguardError):
            raise _stream_error(self._address, error) from None


def _stream_error(address: Address, error: Exception) -> SinkError:
    import av

    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return SinkPermissionError(
            f"{address} refuses the user name or password", "Correct them in the sink's URL"
        )
    if isinstance(error, ConnectionRefusedError):
        return SinkError(f"{address} refuses the connection", "Is the server running?")
    words = address.mask(getattr(error, "strerror", None) or str(error))
    return SinkError(f"{address} cannot be written to: {words}", "It is tried again")
