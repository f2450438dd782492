"""All settings, and the only home of their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from streamguard.errors import UsageError
from streamguard.geometry import FACE
from streamguard.plans import PLANS, DetectionPlan, Quality
from streamguard.zone_settings import ZoneSettings


class Effect(StrEnum):
    """What a covered region looks like."""

    BLUR = "blur"
    PIXELATE = "pixelate"
    SOLID = "solid"


class Shape(StrEnum):
    """Outline of a covered region."""

    ELLIPSE = "ellipse"
    BOX = "box"


class Codec(StrEnum):
    """Video codec of the result."""

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionSettings:
    """What covered regions look like.

    Attributes:
        effect: Kind of cover.
        effects: Kinds of cover for labels that have one of their own, as ``(label, effect)``.
        shape: Outline of the cover.
        color: RGB of the solid cover, 0 to 255 each.
        padding: Share of a face's width and height added on every side, so that hair,
            chin and ears go too. An ellipse goes through the corners of the face's box at least,
            so what is below 0.21 makes it no smaller.
        show_boxes: Draw a green box round what was covered.
    """

    effect: Effect = Effect.BLUR
    effects: tuple[tuple[str, Effect], ...] = ()
    shape: Shape = Shape.ELLIPSE
    color: tuple[int, int, int] = (0, 0, 0)
    padding: float = 0.2
    show_boxes: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.padding <= 2:
            raise UsageError(f"padding {self.padding} is not between 0 and 2", "0.2 is the default")
        if not all(0 <= value <= 255 for value in self.color):
            raise UsageError(f"color {self.color} is not three values of 0 to 255")
        labels = [label for label, _ in self.effects]
        for label in labels:
            if labels.count(label) > 1:
                raise UsageError(f"two effects are given for {label}", "give one")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingSettings:
    """How the result is encoded.

    Attributes:
        codec: Video codec.
        preset: The encoder's speed preset, or None for our default of that encoder.
        crf: Constant rate factor, or None for our default of that encoder.
    """

    codec: Codec = Codec.H264
    preset: str | None = None
    crf: int | None = None


class SoundChange(StrEnum):
    """What becomes of a span of sound."""

    MUTE = "mute"
    BLEEP = "bleep"


@dataclass(frozen=True, slots=True)
class SoundSpan:
    """A span of sound that nobody shall hear as it was.

    Attributes:
        start: Seconds from the first frame.
        end: Seconds from the first frame; it may lie beyond the end of the sound.
        kind: What becomes of it.

    Raises:
        UsageError: It is empty, or starts before the first frame.
    """

    start: float
    end: float
    kind: SoundChange = SoundChange.MUTE

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise UsageError(
                f"the span of sound from {self.start} s to {self.end} s is empty",
                "Let it start at 0 or later, and end after its start",
            )


class Projection(StrEnum):
    """How the picture maps onto what the camera saw."""

    AUTO = "auto"
    FLAT = "flat"
    EQUIRECTANGULAR = "equirectangular"

    def wraps(self, marked: bool) -> bool:
        """Return whether a picture continues beyond its edges, if it is ``marked`` so or not."""
        return marked if self is Projection.AUTO else self is Projection.EQUIRECTANGULAR


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings:
    """What is read of an input, and how much it may ask of this machine.

    Attributes:
        max_pixels: Pixels that one picture may have.
        max_frames: Pictures that one animation may have.
        open_timeout: Seconds that opening may take.
        open_memory: Further bytes that this process may take while FFmpeg opens a video, or None
            for any. The bound holds for all threads, and on Linux only.
        projection: How the picture maps onto what the camera saw; ``auto`` believes the file.
        start: Seconds from the beginning at which to start.
        end: Seconds from the beginning at which to end, or None for the end of the file.
        sound: Whether sound passes through.
    """

    max_pixels: int = 200_000_000
    max_frames: int = 20_000
    open_timeout: float = 30.0
    open_memory: int | None = None
    projection: Projection = Projection.AUTO
    start: float = 0.0
    end: float | None = None
    sound: bool = True

    def __post_init__(self) -> None:
        if self.max_pixels < 1 or self.max_frames < 1:
            raise UsageError("the limits on pixels and frames must be at least 1")
        if not self.open_timeout > 0:
            raise UsageError(f"the time to open a file must be above 0, not {self.open_timeout} s")
        if not 0 <= self.start < 1e9 or not (self.end is None or self.start < self.end):
            raise UsageError(
                f"the part from {self.start} s to {self.end} s is empty",
                "Let it end after its start",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a run can be told; immutable.

    Attributes:
        hide: Labels of what is hidden; ``streamguard.detection.subjects`` says which there are.
        quality: How hard to look.
        threshold: Confidence a detection needs, 0 to 1, or None for the quality's own.
        lookahead: Seconds that frames are held back so that a face found later is covered
            before; None for the quality's own, 0 for none.
        detector: Name of the detector that gives the second opinion; another package may
            bring one, see docs/detectors.md.
        memory_limit: Bytes of decoded frames the look-ahead may hold; it is shortened, and
            that is said, when a second of video needs more.
        stall_timeout: Seconds without any progress after which a run is given up.
        keep_metadata: Keep titles, GPS positions, device names and the like.
        overwrite: Replace an existing output.
        input: What is read of the input, and its limits.
        redaction: What covered regions look like.
        encoding: How the result is encoded.
        zones: What is always covered, and where faces do not matter.
        sound_spans: What is muted or bleeped, in files. All sound is then encoded again, and text
            that is shown meanwhile is left out.
    """

    hide: tuple[str, ...] = (FACE,)
    quality: Quality = Quality.BALANCED
    threshold: float | None = None
    lookahead: float | None = None
    detector: str = "centerface"
    memory_limit: int = 160 * 2**20
    stall_timeout: float = 60.0
    keep_metadata: bool = False
    overwrite: bool = False
    input: InputSettings = field(default_factory=InputSettings)
    redaction: RedactionSettings = field(default_factory=RedactionSettings)
    encoding: EncodingSettings = field(default_factory=EncodingSettings)
    zones: ZoneSettings = field(default_factory=ZoneSettings)
    sound_spans: tuple[SoundSpan, ...] = ()

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise UsageError(f"threshold {self.threshold} is not between 0 and 1")
        if self.lookahead is not None and not 0 <= self.lookahead <= 10:
            raise UsageError(f"lookahead {self.lookahead} is not between 0 and 10 seconds")

    @property
    def plan(self) -> DetectionPlan:
        """The quality level's plan, with what was overridden by name."""
        plan = replace(PLANS[self.quality], second=self.detector)
        if self.lookahead is not None:
            plan = replace(plan, lookahead=self.lookahead)
            if self.lookahead > 0:
                # A face that only the second opinion sees must not leave before it looks again.
                beat = min(plan.second_every, self.lookahead)
                proposed = min(plan.proposer_every, self.lookahead)
                # Twice as often, so that under overload, at half as many looks, it still does.
                primary = min(plan.primary_every, self.lookahead / 2)
                plan = replace(
                    plan, second_every=beat, proposer_every=proposed, primary_every=primary
                )
        if self.threshold is not None:
            keep = min(plan.keep_threshold, self.threshold)
            plan = replace(
                plan,
                primary_threshold=self.threshold,
                second_threshold=self.threshold,
                keep_threshold=keep,
            )
        if plan.lookahead == 0:
            plan = replace(plan, primary_every=0.0, bridge=plan.coast)
        return plan

    def with_quality(self, quality: Quality) -> Settings:
        """Return the same settings at another quality level."""
        return replace(self, quality=quality)


DEFAULTS = Settings()
"""What a run does if nobody asks for anything else."""
