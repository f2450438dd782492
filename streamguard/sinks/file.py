"""Video files."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from streamguard.errors import SinkError
from streamguard.frames import PassthroughPacket, RedactedFrame, VideoInfo
from streamguard.settings import Settings
from streamguard.sinks.containers import rules_for
from streamguard.sinks.encoding import add_video, encoder_notes
from streamguard.sinks.fitting import PtsFitter, to_format
from streamguard.sinks.metadata import keep_metadata
from streamguard.sinks.target import Target, sink_errors
from streamguard.sinks.tracks import Track, add_track
from streamguard.sources import FileSource
from streamguard.sources.orient import Turner
from streamguard.sources.streams import Orientation, Traits, describe

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer

_FINE = 90_000
_PATIENCE = 2.0
"""Seconds to wait for a frame that is being encoded when the output is given up."""


class FileSink:
    """Encodes redacted frames into a video file, with the source's tracks beside them.

    Args:
        path: The output.
        source: Where frames and packets come from; read only for what they look like.
        settings: How to encode, what to keep, whether to overwrite.

    Attributes:
        path: The output.
        notes: What could not be kept as it was, in words.

    Raises:
        UsageError: The output is the input, or its extension is unknown.
        OutputExistsError: It exists and may not be replaced.
        SinkError: It cannot be written, or the encoder refuses the settings.
    """

    def __init__(self, path: Path, source: FileSource, settings: Settings) -> None:
        self.path = path
        self.notes: list[str] = []
        self._rules = rules_for(path.suffix)
        self._target = Target(path, source.path, settings.overwrite)
        self._lock = threading.Lock()
        self._open = True
        self._output: OutputContainer | None = None
        self._tracks: dict[int, Track] = {}
        self._frames = 0
        try:
            with sink_errors(path):
                self._start(source, settings)
        except BaseException:
            self.abort()
            raise

    def write(self, frame: RedactedFrame) -> None:
        """Encode one frame at its own time.

        Raises:
            SinkError: It could not be written.
        """
        with self._lock, sink_errors(self.path):
            if self._output is not None:
                self._output.mux(self._video.encode(self._fit(frame.picture)))
                self._frames += 1

    def passthrough(self, packet: PassthroughPacket) -> None:
        """Write one packet of audio or text, copied or converted.

        Raises:
            SinkError: It could not be written.
        """
        with self._lock, sink_errors(self.path):
            track = self._tracks.get(packet.packet.stream_index)
            if self._output is not None and track is not None:
                self._copy(self._output, track, packet)

    def close(self) -> None:
        """Finish the file and give it its final name; the second call does nothing.

        Raises:
            SinkError: It could not be finished; nothing stands under the final name.
        """
        with self._lock:
            if self._output is None:
                return
            try:
                with sink_errors(self.path):
                    self._finish(self._output)
                self._target.commit()
            finally:
                self._let_go()

    def abort(self) -> None:
        """Remove what was written so far, unless it was finished."""
        if not self._lock.acquire(timeout=_PATIENCE):
            # An encoder that hangs keeps the lock for ever; the file can go all the same.
            self._target.discard()
            return
        try:
            self._let_go()
        finally:
            self._lock.release()

    def _start(self, source: FileSource, settings: Settings) -> None:
        import av

        info, traits = self._as_written(source)
        options = dict(self._rules.options)
        if self._rules.edit_lists:
            options["movie_timescale"] = str(_timescale(info.time_base))
        output = av.open(
            str(self._target.part.absolute()), "w", format=self._rules.format, options=options
        )
        self._output = output
        self._video = add_video(output, self._rules, info, traits, settings.encoding)
        self._size = (info.width, info.height)
        self._clock = PtsFitter(self._video.codec_context.time_base)
        self.notes += encoder_notes(self._video, self._rules, info, traits, settings.encoding)
        if self._rules.rotation and traits.orientation.matrix:
            self._video.set_display_matrix(traits.orientation.matrix)
        self._add_tracks(output, traits)
        if settings.keep_metadata:
            keep_metadata(output, self._video, traits)
        output.start_encoding()

    def _as_written(self, source: FileSource) -> tuple[VideoInfo, Traits]:
        """Return what the output is to look like, turned upright where it cannot say so."""
        info, traits = source.info, source.traits
        orientation = traits.orientation
        bake = not self._rules.rotation and not orientation.is_identity
        self._turn = Turner(orientation if bake else Orientation())
        if not bake:
            return info, traits
        self.notes.append(f"rotation baked in: {self._rules.format} cannot hold it")
        if orientation.quarter_turns % 2:
            info = replace(info, width=info.height, height=info.width)
            aspect = traits.sample_aspect_ratio
            traits = replace(traits, sample_aspect_ratio=1 / aspect if aspect else None)
        return info, replace(traits, orientation=Orientation(), interlaced="")

    def _add_tracks(self, output: OutputContainer, traits: Traits) -> None:
        for source in traits.tracks:
            track, change = add_track(output, self._rules, source)
            if track is not None:
                self._tracks[source.index] = track
            if change:
                self.notes.append(f"{describe(source)}: {change}")

    def _copy(self, output: OutputContainer, track: Track, packet: PassthroughPacket) -> None:
        """Write a packet; one that is itself damaged is left out, and that is said."""
        import av

        try:
            output.mux(track.take(packet.packet))
        except av.FFmpegError as error:
            # What the system refuses (a full disk) is not the packet's fault.
            if isinstance(error, OSError):
                raise
            note = "damaged pieces of sound or subtitles are left out"
            if note not in self.notes:
                self.notes.append(note)

    def _fit(self, picture: av.VideoFrame) -> av.VideoFrame:
        picture = self._turn(picture)
        if (picture.width, picture.height) != self._size:
            note = "the picture's size changes midway: scaled to that of the first"
            if note not in self.notes:
                self.notes.append(note)
        return self._clock.fit(to_format(picture, self._video.codec_context, self._size))

    def _finish(self, output: OutputContainer) -> None:
        if not self._frames:
            raise SinkError(f"no frame came for {self.path}, it is not written")
        output.mux(self._video.encode(None))
        for track in self._tracks.values():
            output.mux(track.finish())
        output.close()

    def _let_go(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            # An output that failed once, say on a full disk, fails again in closing.
            with contextlib.suppress(SinkError), sink_errors(self.path):
                output.close()
        self._target.discard()


def _timescale(time_base: Fraction) -> int:
    """Return a movie timescale that tells the delay before a track's start (edit list) exactly."""
    unit = min(time_base.denominator, 2**31 - 1)
    return unit * max(1, -(-_FINE // unit))
