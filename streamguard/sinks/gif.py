"""Animated GIFs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from streamguard.frames import VideoInfo
from streamguard.settings import Settings
from streamguard.sinks.fitting import PtsFitter
from streamguard.sinks.local import LocalSink
from streamguard.sources import FileSource, PhotoSource
from streamguard.sources.orient import Turner

if TYPE_CHECKING:
    import av
    from av.filter import Graph

_UNIT = Fraction(1, 100)


class GifSink(LocalSink[FileSource | PhotoSource]):
    """Encodes redacted frames as a GIF, each frame with its own best 256 colours."""

    def _start(self, source: FileSource | PhotoSource, settings: Settings) -> None:
        self.notes += _notes(source)
        self._turn = Turner(source.traits.orientation)
        self._clock = PtsFitter(_UNIT)
        self._graph: Graph | None = None
        width, height = self._turn.size_of(source.info.width, source.info.height)
        self._output = self._container("gif")
        self._stream = self._output.add_stream(
            "gif", rate=_rate(source.info), time_base=_UNIT, width=width, height=height
        )
        self._stream.codec_context.pix_fmt = "pal8"

    def _encode(self, picture: av.VideoFrame) -> None:
        picture = self._turn(picture)
        if self._graph is None:
            self._graph = _palette_graph(picture)
        self._drain(self._graph, picture)

    def _finish(self) -> None:
        if self._graph is not None:
            self._drain(self._graph, None)
        self._output.mux(self._stream.encode(None))
        self._output.close()

    def _drain(self, graph: Graph, picture: av.VideoFrame | None) -> None:
        graph.vpush(picture)
        for indexed in _pulled(graph):
            self._output.mux(self._stream.encode(self._clock.fit(indexed)))


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
