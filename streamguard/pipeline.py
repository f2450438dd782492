"""The threads: capture → judge → redaction → encoding, or the first two alone.

Whatever goes wrong in any of them stops all, and the sink is told to leave nothing behind.
A native call that never returns is given up with its thread; only one that also keeps Python's
global lock to itself cannot be.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from streamguard.detection.cores import sharing_cores
from streamguard.errors import RedactionError, SinkError, SourceError, TrackingError
from streamguard.faults import blamed, let_go, patience_after, watched
from streamguard.frames import Frame, PassthroughPacket, RedactedFrame, Verdict
from streamguard.handoff.frame_queue import FrameQueue
from streamguard.protocols import Judge, Redactor, Sink, Source
from streamguard.settings import Settings
from streamguard.stages import Stage, Team, switching_often

Observer = Callable[[Verdict, RedactedFrame], None]
"""Called in the sink's thread with every frame that was written."""

_DECODED_BYTES, _JUDGED_BYTES, _COVERED_BYTES = 3 * 2**20, 6 * 2**20, 3 * 2**20


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a pipeline is made of.

    Attributes:
        source: Where frames come from.
        judge: Decides what to cover in every frame.
        redactor: Covers what it names.
        sink: Where redacted frames go.
        before_close: Called once every frame was written, before the sink is closed; what it
            raises leaves no result.
    """

    source: Source
    judge: Judge
    redactor: Redactor
    sink: Sink
    before_close: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class _Covered:
    """A redacted frame on its way to the sink, with the verdict it rests on."""

    verdict: Verdict
    redacted: RedactedFrame


@dataclass(slots=True)
class _Run:
    """What the threads of one run share."""

    parts: Parts
    observe: Observer
    decoded: FrameQueue[Frame] = field(default_factory=lambda: FrameQueue(_DECODED_BYTES, _size_of))
    judged: FrameQueue[Verdict | PassthroughPacket] = field(
        default_factory=lambda: FrameQueue(_JUDGED_BYTES, _size_of)
    )
    covered: FrameQueue[_Covered | PassthroughPacket] = field(
        default_factory=lambda: FrameQueue(_COVERED_BYTES, _size_of)
    )

    failed: threading.Event = field(default_factory=threading.Event)

    def team(self) -> Team:
        """Return the threads, in the order in which work goes through them."""
        stages = [
            Stage("reading and decoding", self.capture),
            Stage("detection", self.judge, self.decoded),
            Stage("redaction", self.cover, self.judged),
            Stage("encoding", self.deliver, self.covered),
        ]
        return Team(stages, (self.decoded, self.judged, self.covered), self.failed)

    def capture(self, stage: Stage) -> None:
        """Decode, and hand frames and packets on."""
        _capture(self.parts.source, self.decoded, self.judged.put, stage)

    def judge(self, stage: Stage) -> None:
        """Decide, frame by frame; hand verdicts on."""
        for verdict in _verdicts(self.parts.judge, self.decoded, stage):
            self.judged.put(verdict)
        self.judged.close()

    def cover(self, stage: Stage) -> None:
        """Redact; a thread of its own, so that the encoder need not wait for it."""
        for item in self.judged:
            stage.steps += 1
            if isinstance(item, PassthroughPacket):
                self.covered.put(item)
                continue
            with blamed(RedactionError, "redaction"):
                redacted = self.parts.redactor.redact(item)
            self.covered.put(_Covered(item, redacted))
        self.covered.close()

    def deliver(self, stage: Stage) -> None:
        """Write."""
        for item in self.covered:
            stage.steps += 1
            if self.failed.is_set():
                return
            with blamed(SinkError, "writing"):
                if isinstance(item, PassthroughPacket):
                    self.parts.sink.passthrough(item)
                    continue
                self.parts.sink.write(item.redacted)
            self.observe(item.verdict, item.redacted)

    def finish(self) -> None:
        """Make the result whole."""
        with blamed(SinkError, "finishing the output"):
            self.parts.before_close()
            self.parts.sink.close()


def run(parts: Parts, *, settings: Settings, observe: Observer, cancelled: threading.Event) -> None:
    """Carry a whole video from source to sink.

    Returns when the sink is closed and the result whole. The source and the judge are
    left for the caller to close; after an error, with `let_go`.

    Args:
        parts: What the pipeline is made of.
        settings: For the stall timeout.
        observe: Called with every frame that was written; what it raises ends the run.
        cancelled: Set it from anywhere to stop.

    Raises:
        CancelledError: It was set.
        StalledError: No thread did anything for the stall timeout.
        StreamguardError: Of the kind that fits whatever a part raised, were it `MemoryError`
            or `SystemExit`. The sink has been told to leave nothing behind.
    """
    state = _Run(parts, observe)
    try:
        with switching_often(), sharing_cores(), state.team().at_work() as team:
            team.wait(settings.stall_timeout, cancelled)
            watched(state.finish, "finishing the output", timeout=None, cancelled=cancelled)
    except BaseException as error:
        let_go(parts.sink.abort, patience_after(error))
        raise


def decide(
    source: Source,
    judge: Judge,
    on_verdict: Callable[[Verdict], None],
    *,
    settings: Settings,
    cancelled: threading.Event,
) -> None:
    """Judge a whole video; nothing is redacted or encoded, and packets are passed over.

    The source and the judge are left for the caller to close; after an error, with `let_go`.

    Args:
        source: Where frames come from.
        judge: Decides what to cover in every frame.
        on_verdict: Called in the judge's thread with every verdict, in order; what it raises
            ends the run.
        settings: For the stall timeout.
        cancelled: Set it from anywhere to stop.

    Raises:
        CancelledError: It was set.
        StalledError: No thread did anything for the stall timeout.
        StreamguardError: Of the kind that fits whatever a part raised.
    """
    decoded: FrameQueue[Frame] = FrameQueue(_DECODED_BYTES, _size_of)

    def judge_all(stage: Stage) -> None:
        for verdict in _verdicts(judge, decoded, stage):
            on_verdict(verdict)

    stages = [
        Stage("reading and decoding", partial(_capture, source, decoded, _pass_over)),
        Stage("detection", judge_all, decoded),
    ]
    with switching_often(), sharing_cores(), Team(stages, (decoded,)).at_work() as team:
        team.wait(settings.stall_timeout, cancelled)


def _capture(
    source: Source,
    decoded: FrameQueue[Frame],
    take: Callable[[PassthroughPacket], None],
    stage: Stage,
) -> None:
    """Decode, and hand frames and packets on."""
    with blamed(SourceError, "reading"):
        for item in source.read():
            stage.steps += 1
            if isinstance(item, Frame):
                decoded.put(item)
            else:
                take(item)
    decoded.close()


def _pass_over(_packet: PassthroughPacket) -> None:
    """Leave a packet out: without an output it goes nowhere."""


def _verdicts(judge: Judge, frames: FrameQueue[Frame], stage: Stage) -> Iterator[Verdict]:
    """Decide, frame by frame; every frame must get its verdict."""
    undecided = 0
    for frame in frames:
        stage.steps += 1
        # What fails in a detector is called a DetectionError before it gets here.
        with blamed(TrackingError, "tracking"):
            verdicts = judge.push(frame)
        undecided += 1 - len(verdicts)
        yield from verdicts
    with blamed(TrackingError, "tracking"):
        verdicts = judge.finish()
    if undecided != len(verdicts):
        raise TrackingError(
            f"{abs(undecided - len(verdicts))} frame(s) have no verdict, or more than one",
            "Report it with the input",
        )
    yield from verdicts


def _size_of(item: Frame | Verdict | _Covered | PassthroughPacket) -> int:
    match item:
        case Frame():
            return item.nbytes
        case Verdict():
            return item.frame.nbytes
        case _Covered():
            return item.verdict.frame.nbytes
        case PassthroughPacket():
            return item.packet.size
