"""What travels through the pipeline: frames, redacted frames, and untouched packets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import av
from av.subtitles.stream import SubtitleStream

from streamguard.geometry import FACE, ZONE, Box
from streamguard.outlines import Outline, bounds
from streamguard.settings import Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What is known of a video before its first frame is decoded.

    Attributes:
        width: Coded width in pixels, before any rotation metadata.
        height: Coded height in pixels, before any rotation metadata.
        pix_fmt: FFmpeg's name of the decoder's pixel format, for example ``yuv420p``.
        time_base: Unit of every ``pts``, in seconds.
        frame_rate: Average frame rate in Hz, or None when unknown.
        frames: Number of frames if the container tells, else None; an estimate.
        duration: Seconds if the container tells, else None; an estimate.
        quarter_turns: Clockwise quarter turns that bring the coded picture upright.
        live: Whether frames are lost when nobody reads them.
        still: Whether this is one photo and not a video.
        equirectangular: Whether the picture wraps round: its left edge continues its right one.
    """

    width: int
    height: int
    pix_fmt: str
    time_base: Fraction
    frame_rate: Fraction | None = None
    frames: int | None = None
    duration: float | None = None
    quarter_turns: int = 0
    live: bool = False
    still: bool = False
    equirectangular: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture that may show a face, and so must never reach a sink.

    Attributes:
        picture: The decoder's own picture; treat it as read-only, since the decoder may
            still predict later frames from it. Its ``pts`` counts in ``time_base``.
        index: Position in presentation order, from 0.
        time_ms: Presentation time in milliseconds since the first frame; it never decreases.
        quarter_turns: Clockwise quarter turns that bring the picture upright.
        damage: Why the decoder cannot vouch for this picture; empty if it can. Such a frame
            leaves as a slate.
    """

    picture: av.VideoFrame
    index: int
    time_ms: float
    quarter_turns: int = 0
    damage: str = ""

    @property
    def width(self) -> int:
        """Coded width in pixels."""
        return self.picture.width

    @property
    def height(self) -> int:
        """Coded height in pixels."""
        return self.picture.height

    @property
    def nbytes(self) -> int:
        """Memory the picture holds, in bytes."""
        return sum(plane.buffer_size for plane in self.picture.planes)


@dataclass(frozen=True, slots=True)
class Cover:
    """One area to hide in one frame.

    Attributes:
        outline: Where, in coded pixels, padding not yet added.
        track_id: What it hides, followed from frame to frame; a track may need several covers.
        label: What kind of thing that is, such as ``face``.
        effect: What the cover looks like; None for what settings say of the label.
    """

    outline: Outline
    track_id: int
    label: str = FACE
    effect: Effect | None = None

    @property
    def box(self) -> Box:
        """The smallest box that holds the outline."""
        return bounds(self.outline)


class Uncovered(StrEnum):
    """Why something that was seen was not covered."""

    WEAK = "weak"
    DENIED = "denied"
    SHORT = "short"
    SMALL = "small"
    IGNORED = "ignored"
    SECOND_LOOK = "second look"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that was seen in a frame and not covered.

    Attributes:
        box: Where, in coded pixels.
        confidence: How sure the detector was, 0 to 1.
        reason: Why it was not covered.
        track_id: The track that was not believed; 0 if there was none.
        label: What it might be, such as ``face``.
    """

    box: Box
    confidence: float
    reason: Uncovered
    track_id: int = 0
    label: str = FACE


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFacts:
    """How sure the judge is of one track.

    Attributes:
        track_id: The track.
        label: What it follows, such as ``face``.
        confidence: Highest confidence of any detector, 0 to 1.
        sources: Names of the detectors that saw it.
        hits: How often it was seen.
        misses: How often a detector looked there and did not see it.
        blind: Share of its frames in which its motion could not be followed, 0 to 1.
        luma: Mean brightness where it was seen, 0 to 255.
        lost: Stretches of frames, first and last index, in which flow could not follow it or no
            detector had seen it for long: it may have become something else there.
        never_moves: Whether it did not move at all for seconds while the camera stood still.
    """

    track_id: int
    label: str = FACE
    confidence: float = 0.0
    sources: tuple[str, ...] = ()
    hits: int = 0
    misses: int = 0
    blind: float = 0.0
    luma: float = 128.0
    lost: tuple[tuple[int, int], ...] = ()
    never_moves: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge decided for one very frame.

    Attributes:
        frame: The frame the decision is about.
        covers: Everything to hide, in whole pixels.
        slate: Why the whole frame must be covered instead; empty for an ordinary verdict.
        candidates: What was seen and is not covered.
        ended: Facts of tracks that no later verdict covers anything for.
    """

    frame: Frame
    covers: tuple[Cover, ...] = ()
    slate: str = ""
    candidates: tuple[Candidate, ...] = ()
    ended: tuple[TrackFacts, ...] = ()

    @property
    def track_ids(self) -> frozenset[int]:
        """The tracks that something is covered for; zones are not meant."""
        return frozenset(cover.track_id for cover in self.covers if cover.label != ZONE)


@dataclass(frozen=True, slots=True)
class RedactedFrame:
    """A frame that has been through redaction; the only thing a sink accepts.

    Only ``streamguard.redaction`` makes one; a test holds the rest of the code to that.

    Attributes:
        picture: The picture with every covered region replaced, same ``pts`` as the original.
        index: Position in presentation order, from 0.
        boxes: What was covered, in coded pixels, padding included.
        slate: Why the whole frame was covered; empty if only the boxes were.
    """

    picture: av.VideoFrame
    index: int
    boxes: tuple[Box, ...] = ()
    slate: str = ""


@dataclass(frozen=True, slots=True)
class PassthroughPacket:
    """An encoded packet of audio or text that passes untouched from source to sink."""

    packet: av.Packet[av.AudioStream] | av.Packet[SubtitleStream]
