"""Animated GIFs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from streamguard.errors import SinkError
from streamguard.frames import PassthroughPacket, RedactedFrame, VideoInfo
from streamguard.settings import Settings
from streamguard.sinks.fitting import PtsFitter
from streamguard.sinks.target import Target, sink_errors
from streamguard.sources import FileSource, PhotoSource
from streamguard.sources.orient import Turner

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer
    from av.filter import Graph

_UNIT = Fraction(1, 100)


class GifSink:
    """Encodes redacted frames as a GIF, each frame with its own best 256 colours.

    Args:
        path: The output.
        source: Where the frames come from.
        settings: Whether to overwrite.

    Attributes:
        path: The output.
        notes: What could not be kept as it was, in words.

    Raises:
        UsageError: The output is the input.
        OutputExistsError: It exists and may not be replaced.
        SinkError: It cannot be written.
    """

    def __init__(self, path: Path, source: FileSource | PhotoSource, settings: Settings) -> None:
        self.path = path
        self.notes = _notes(source)
        self._info = source.info
        self._turn = Turner(source.traits.orientation)
        self._target = Target(path, source.path, settings.overwrite)
        self._lock = threading.Lock()
        self._clock = PtsFitter(_UNIT)
        self._graph: Graph | None = None
        self._output: OutputContainer | None = None
        try:
            with sink_errors(path):
                self._start()
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
                picture = self._turn(frame.picture)
                if self._graph is None:
                    self._graph = _palette_graph(picture)
                self._graph.vpush(picture)
                self._drain(self._output)

    def passthrough(self, packet: PassthroughPacket) -> None:
        """Do nothing: a GIF has no sound."""

    def close(self) -> None:
        """Finish the file and give it its final name; the second call does nothing.

        Raises:
            SinkError: It could not be finished, or there was no frame.
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
        with self._lock:
            self._let_go()

    def _start(self) -> None:
        import av

        turned = self._turn.size_of(self._info.width, self._info.height)
        self._output = av.open(str(self._target.part.absolute()), "w", format="gif")
        self._stream = self._output.add_stream(
            "gif", rate=_rate(self._info), time_base=_UNIT, width=turned[0], height=turned[1]
        )
        self._stream.codec_context.pix_fmt = "pal8"

    def _drain(self, output: OutputContainer) -> None:
        assert self._graph is not None
        for picture in _pulled(self._graph):
            output.mux(self._stream.encode(self._clock.fit(picture)))

    def _finish(self, output: OutputContainer) -> None:
        if self._graph is None:
            raise SinkError(f"no frame came for {self.path}, it is not written")
        self._graph.vpush(None)
        self._drain(output)
        output.mux(self._stream.encode(None))
        output.close()

    def _let_go(self) -> None:
        output, self._output = self._output, None
        if output is not None:
            with contextlib.suppress(SinkError), sink_errors(self.path):
                output.close()
        self._target.discard()


def _palette_graph(picture: av.VideoFrame) -> Graph:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=picture.time_base or _UNIT,
    )
    split = graph.add("split")
    generate = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
    use = graph.add("paletteuse", "new=1:dither=sierra2_4a")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(generate, 1, 0)
    generate.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: Graph) -> Iterator[av.VideoFrame]:
    import av

    while True:
        try:
            yield graph.vpull()
        except (av.BlockingIOError, av.EOFError):
            return


def _rate(info: VideoInfo) -> Fraction:
    return (info.frame_rate or Fraction(10)).limit_denominator(1000)


def _notes(source: FileSource | PhotoSource) -> list[str]:
    notes = []
    if source.traits.codec != "gif":
        notes.append("GIF: 256 colours a frame, times in hundredths of a second")
    if source.traits.tracks:
        notes.append("sound and subtitles dropped: GIF cannot hold them")
    if not source.traits.orientation.is_identity:
        notes.append("rotation baked in: GIF cannot hold it")
    return notes
