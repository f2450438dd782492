"""Video files."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from streamguard.errors import SinkError
from streamguard.frames import PassthroughPacket, VideoInfo
from streamguard.media.containers import VIDEO_EXTENSIONS, rules_for
from streamguard.media.medium import Medium
from streamguard.media.orientation import Turner
from streamguard.media.traits import Orientation, Traits
from streamguard.settings import Settings
from streamguard.sinks.encoding import add_video, encoder_notes
from streamguard.sinks.fitting import PtsFitter, to_format
from streamguard.sinks.hushing import SoundSpans
from streamguard.sinks.kinds import FileSinkKind
from streamguard.sinks.local import LocalSink
from streamguard.sinks.metadata import keep_metadata
from streamguard.sinks.sphere import mark_as_sphere
from streamguard.sinks.tracks import OutputTrack, add_track
from streamguard.sources import LocalSource

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer

_FINE = 90_000
_MOST_HELD = 64 * 2**20
"""Bytes of sound and text that may come before the first picture, where spans count from that."""


class FileSink(LocalSink):
    """Encodes redacted frames into a video file, with the source's tracks beside them."""

    def _start(self, source: LocalSource, settings: Settings) -> None:
        self._rules = rules_for(self.path.suffix)
        self._tracks: dict[int, OutputTrack] = {}
        self._spans = SoundSpans(settings.sound_spans)
        self._held: list[PassthroughPacket] = []
        self._held_bytes = 0
        self._lines_left_out = 0
        info, traits = self._as_written(source)
        options = dict(self._rules.options)
        if self._rules.edit_lists:
            options["movie_timescale"] = str(_timescale(info.time_base))
        self._output = output = self._container(self._rules.format, options)
        self._video = add_video(output, self._rules, info, traits, settings.encoding)
        self._size = (info.width, info.height)
        self._clock = PtsFitter(self._video.codec_context.time_base)
        self.notes += encoder_notes(self._video, self._rules, info, traits, settings.encoding)
        if self._rules.rotation and traits.orientation.matrix:
            self._video.set_display_matrix(traits.orientation.matrix)
        self._add_tracks(output, traits)
        self._add_fonts(output, traits)
        self._stereo = traits.stereo
        self._is_sphere = self._rules.sphere and traits.is_equirectangular
        if settings.keep_metadata:
            keep_metadata(output, self._video, traits, self._tracks.values())
        output.start_encoding()

    def _as_written(self, source: LocalSource) -> tuple[VideoInfo, Traits]:
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
        for stream in traits.tracks:
            silent = traits.silent.get(stream.index, "")
            words = traits.words[stream.index]
            track, change = add_track(output, self._rules, stream, silent, self._spans)
            if track is not None:
                self._tracks[stream.index] = track
            else:
                self.left_out.append(words)
            if change:
                self.notes.append(f"{words}: {change}")

    def _add_fonts(self, output: OutputContainer, traits: Traits) -> None:
        if traits.fonts and not self._rules.fonts:
            self.notes.append(f"fonts of subtitles dropped, {self._rules.format} cannot hold them")
            return
        for font in traits.fonts:
            output.add_attachment(font.name, font.mimetype, font.data)

    def _encode(self, picture: av.VideoFrame) -> None:
        if self._spans and not self._spans.is_placed:
            self._spans.place((picture.pts or 0) * (picture.time_base or Fraction(0)))
            held, self._held = self._held, []
            for packet in held:
                self._copy(packet)
        self._output.mux(self._video.encode(self._fit(picture)))

    def _copy(self, packet: PassthroughPacket) -> None:
        """Copy or convert a packet; one that is itself damaged is left out, and that is said."""
        import av

        track = self._tracks.get(packet.packet.stream_index)
        if track is None:
            return
        if self._spans and self._is_held_or_left_out(packet):
            return
        try:
            self._output.mux(track.take(packet.packet))
        except av.FFmpegError as error:
            # What the system refuses (a full disk) is not the packet's fault.
            if isinstance(error, OSError):
                raise
            note = "damaged pieces of sound or subtitles are left out"
            if note not in self.notes:
                self.notes.append(note)

    def _is_held_or_left_out(self, packet: PassthroughPacket) -> bool:
        """Whether a packet waits for the first picture, or is a line that may tell a muted word."""
        if not self._spans.is_placed:
            self._held.append(packet)
            self._held_bytes += packet.packet.size
            if self._held_bytes > _MOST_HELD:
                raise SinkError(
                    f"too much sound comes before the first picture of {self.path}",
                    "Drop the sound, or undo the edits that mute it",
                )
            return True
        if packet.packet.stream.type == "subtitle" and self._spans.tell(packet.packet):
            self._lines_left_out += 1
            return True
        return False

    def _fit(self, picture: av.VideoFrame) -> av.VideoFrame:
        picture = self._turn(picture)
        if (picture.width, picture.height) != self._size:
            note = "the picture's size changes midway: scaled to that of the first"
            if note not in self.notes:
                self.notes.append(note)
        return self._clock.fit(to_format(picture, self._video.codec_context, self._size))

    def _finish(self) -> None:
        self._output.mux(self._video.encode(None))
        for track in self._tracks.values():
            self._output.mux(track.finish())
        self._output.close()
        if self._lines_left_out:
            self.notes.append(
                f"subtitles: {self._lines_left_out} left out that may tell what is muted or bleeped"
            )
        if self._is_sphere:
            self._mark_as_sphere()

    def _mark_as_sphere(self) -> None:
        part = self._target.part
        marked = part.with_name(f"{part.name}.360")
        try:
            if mark_as_sphere(part, marked, self._stereo):
                marked.replace(part)
            else:
                self.notes.append("the 360° mark is gone: there was no place for it")
        finally:
            marked.unlink(missing_ok=True)


VIDEOS = FileSinkKind(
    opens=FileSink,
    suffixes=VIDEO_EXTENSIONS,
    takes=frozenset((Medium.ANIMATION, Medium.VIDEO)),
)


def _timescale(time_base: Fraction) -> int:
    """Return a movie timescale that tells the delay before a track's start (edit list) exactly."""
    unit = min(time_base.denominator, 2**31 - 1)
    return unit * max(1, -(-_FINE // unit))
