"""The parts a pipeline is made of. Anything of the right shape will do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict, VideoInfo
from streamguard.geometry import Detection
from streamguard.plans import DetectionPlan

Image = NDArray[np.uint8]
"""An RGB picture, shape ``(height, width, 3)``, dtype ``uint8``."""


@runtime_checkable
class Source(Protocol):
    """Something frames come from. Reading ends at the end of the video or with an error."""

    @property
    def info(self) -> VideoInfo:
        """What is known before the first frame."""
        ...

    def read(self) -> Iterator[Frame | PassthroughPacket]:
        """Yield frames in presentation order, and untouched packets in between.

        Raises:
            SourceError: Nothing more can be read; what was yielded so far is not the whole.
        """
        ...

    def close(self) -> None:
        """Let go of everything; may be called twice, and from another thread than `read`."""
        ...


@runtime_checkable
class Detector(Protocol):
    """Something that finds things of one kind, such as faces.

    It sees an RGB array and a time, nothing else.
    """

    @property
    def name(self) -> str:
        """Short name for reports and settings."""
        ...

    def detect(self, image: Image, time_ms: int) -> Sequence[Detection]:
        """Find the things in one upright picture.

        Args:
            image: RGB, shape ``(height, width, 3)``, dtype ``uint8``.
            time_ms: Presentation time; never decreases from call to call.

        Returns:
            Boxes in pixels of ``image``; they may reach beyond its edges.

        Raises:
            DetectionError: The detector failed; nothing is known of this picture.
        """
        ...

    def close(self) -> None:
        """Let go of the model; may be called twice."""
        ...


@runtime_checkable
class BatchDetector(Detector, Protocol):
    """A detector that looks at several small pictures in less time than at one by one."""

    def detect_many(self, images: Sequence[Image], time_ms: int) -> Sequence[Sequence[Detection]]:
        """Find the things in upright pictures of one size, at least one.

        Args:
            images: As for `detect`, all of one shape.
            time_ms: Presentation time of all of them.

        Returns:
            What `detect` returns for each, in their order.

        Raises:
            DetectionError: The detector failed; nothing is known of any of them.
        """
        ...


@runtime_checkable
class Judge(Protocol):
    """Something that decides for every frame what to cover."""

    def push(self, frame: Frame) -> list[Verdict]:
        """Take the next frame; return the verdicts that are ready, oldest first, often none.

        Raises:
            StreamguardError: A frame could not be judged; nothing that is held may leave.
        """
        ...

    def finish(self) -> list[Verdict]:
        """Return the verdicts of all frames still held; nothing can be pushed after.

        Raises:
            StreamguardError: As `push`; also when frames that were expected did not come.
        """
        ...

    def close(self) -> None:
        """Let go of everything; may be called twice."""
        ...


@runtime_checkable
class AdaptiveJudge(Judge, Protocol):
    """A judge that can spend less while there is more to do than time."""

    def adapt(self, plan: DetectionPlan) -> None:
        """Look by another plan from the next frame on."""
        ...


@runtime_checkable
class Redactor(Protocol):
    """The only maker of redacted frames."""

    def redact(self, verdict: Verdict) -> RedactedFrame:
        """Cover what the verdict names; the frame's own picture is never written to.

        Raises:
            RedactionError: A region could not be covered; nothing may leave.
        """
        ...


@runtime_checkable
class Sink(Protocol):
    """Where redacted frames go."""

    def write(self, frame: RedactedFrame) -> None:
        """Take one frame, in presentation order.

        Raises:
            SinkError: It could not be written.
        """
        ...

    def passthrough(self, packet: PassthroughPacket) -> None:
        """Take one packet of audio or text, as it came from the source."""
        ...

    def close(self) -> None:
        """Finish: only now does the result stand under its final name."""
        ...

    def abort(self) -> None:
        """Give up and leave nothing behind; may be called after any failure, and twice."""
        ...
