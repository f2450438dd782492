"""Network streams: RTSP and RTMP publishing, MPEG-TS over everything else."""

from __future__ import annotations

import errno
import logging

from streamguard.errors import SinkError, SinkPermissionError
from streamguard.frames import RedactedFrame
from streamguard.handoff.sound_ring import SoundRing
from streamguard.media.address import Address
from streamguard.media.live_errors import translated
from streamguard.sinks.connections import BEHIND, CUT, ConnectionWatch
from streamguard.sinks.kinds import LiveSinkKind
from streamguard.sinks.livemux import LiveFormat, LiveMuxer, muxer_options

log = logging.getLogger(__name__)

_ANSWER = 4.0
"""Seconds that an RTSP server may take for an answer: less than a process may hang."""
_SCHEMES = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "rtmp": "flv",
    "rtmps": "flv",
    "udp": "mpegts",
    "tcp": "mpegts",
    "http": "mpegts",
    "https": "mpegts",
}


class Stream:
    """A network stream."""

    def __init__(self, address: Address, form: LiveFormat, sound: SoundRing | None = None) -> None:
        self._address = address
        self._form = form
        self._sound = sound
        self._open()

    def write(self, frame: RedactedFrame, at: int) -> bool:
        """Encode and send one frame, and the sound that goes with it; see `LiveSink`."""
        if self._muxer.misses_sound:
            self.close()
            self._open()
        watch = self._watch
        if watch.was_cut:
            raise _frozen(self._address)
        if watch.behind > BEHIND:
            return False
        try:
            with translated(self._address, _stream_error):
                self._muxer.write(frame, at)
        except SinkError:
            if watch.was_cut:
                raise _frozen(self._address) from None
            raise
        return True

    def close(self) -> None:
        """Say good-bye to the server."""
        self._watch.part()
        try:
            with translated(self._address, _stream_error):
                self._output.close()
        finally:
            self._watch.close()

    def _open(self) -> None:
        with translated(self._address, _stream_error, _ANSWER * 0.9):
            self._watch = ConnectionWatch(self._negotiate)

    def _negotiate(self) -> None:
        import av

        errors = av.error
        try:
            self._connect(self._sound)
        except (errors.HTTPClientError, errors.InvalidDataError, errors.ArgumentError) as error:
            refused = errors.HTTPUnauthorizedError | errors.HTTPForbiddenError
            if self._sound is None or isinstance(error, refused):
                raise
            # It may be the sound that the server does not take.
            self._connect(None)
            log.warning("the sound is left out: the server refuses the stream with it")

    def _connect(self, sound: SoundRing | None) -> None:
        import av

        name, form = _SCHEMES[self._address.scheme], self._form
        options = {"flush_packets": "1"}
        if name == "rtsp":
            microseconds = str(round(_ANSWER * 1_000_000))
            options = {"rtsp_transport": form.rtsp_transport, "timeout": microseconds}
        if name == "flv":
            options["flvflags"] = "no_duration_filesize"
        options |= muxer_options(sound)
        self._output = av.open(self._address.url, "w", format=name, options=options)
        self._muxer = LiveMuxer(self._output, form, sound, delimited=name == "rtsp")


STREAMS = LiveSinkKind(opens=Stream, schemes=frozenset(_SCHEMES))


def _stream_error(address: Address, error: Exception) -> SinkError:
    import av

    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        return SinkPermissionError(
            f"{address} refuses the user name or password", "Correct them in the sink's URL"
        )
    if isinstance(error, ConnectionRefusedError):
        return SinkError(f"{address} refuses the connection", "Is the server running?")
    match error:
        case TimeoutError() | av.error.ExitError():
            what = f"did not answer for {_ANSWER:g} s"
        case av.error.EOFError() | BrokenPipeError() | ConnectionError():
            what = "closed the connection"
        case OSError(errno=errno.EIO):
            what = "closed the connection"
        case av.error.InvalidDataError():
            what = f"closed the connection, or its answer was no {address.scheme.upper()}"
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            what = "cannot be reached: there is no way to its host"
        case _:
            words = address.mask(getattr(error, "strerror", None) or str(error))
            what = f"cannot be written to: {words}"
    return SinkError(f"{address} {what}", "It is tried again")


def _frozen(address: Address) -> SinkError:
    what = f"{address} took nothing for {CUT:g} s: it froze, or the network is too slow"
    return SinkError(what, "It is tried again")
