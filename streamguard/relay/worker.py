"""The detection thread: raw frames in, redacted frames out, or nothing at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from streamguard.frames import Frame, RedactedFrame, Verdict, VideoInfo
from streamguard.media.timing import NANOSECOND, SECOND, converted
from streamguard.protocols import AdaptiveJudge, Redactor
from streamguard.redaction import MaskRedactor
from streamguard.relay.capture import Captured
from streamguard.relay.overload import Governor
from streamguard.relay.plan import CameraPlan
from streamguard.relay.states import Backoff, DropReason, Reason
from streamguard.relay.status import CameraStatus
from streamguard.settings import RedactionSettings

log = logging.getLogger(__name__)


class Judges(Protocol):
    """Makes judges, one after another."""

    def prepare(self) -> None:
        """Load what takes long."""
        ...

    def make(self, info: VideoInfo) -> AdaptiveJudge:
        """Return a judge of one video."""
        ...

    def discard(self) -> None:
        """Throw away what may be broken; the next judge gets it anew."""
        ...


class Worker:
    """Decides on every frame and covers it. What it cannot cover, it does not hand on.

    Args:
        plan: The camera's plan.
        status: Told what happens.
        deliver: Given every redacted frame and when it was captured, `time.monotonic_ns`.
        judges: Makes who decides.
    """

    def __init__(
        self,
        plan: CameraPlan,
        status: CameraStatus,
        deliver: Callable[[RedactedFrame, int], None],
        judges: Judges,
    ) -> None:
        self._plan = plan
        self._status = status
        self._deliver = deliver
        self._judges = judges
        self._redactor: Redactor = MaskRedactor(plan.settings.redaction)
        self._redaction = plan.settings.redaction
        self._judge: AdaptiveJudge | None = None
        self._seen: tuple[int, int, int] | None = None
        self._governor = Governor(plan.settings.quality)
        self._backoff = Backoff(first=0.1, longest=5.0)
        self._pause_until = 0.0
        self.reason = Reason.STARTING

    @property
    def redaction(self) -> RedactionSettings:
        """What covers look like; may be changed from another thread, at any time."""
        return self._redaction

    @redaction.setter
    def redaction(self, settings: RedactionSettings) -> None:
        self._redactor = MaskRedactor(settings)
        self._redaction = settings

    def run(self, frames: Iterable[Captured]) -> None:
        """Work until the frames end; an error costs the frames in hand, never more."""
        for item in frames:
            now = time.monotonic()
            if now < self._pause_until:
                self._status.dropped[DropReason.DETECTOR] += 1
                continue
            self._status.busy_since = now
            try:
                self._work(item)
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing leaves, and we go on
                self._recover(error)
            self._status.busy_since = 0.0
        self._forget(broken=True)

    def prepare(self) -> None:
        """Load the models before the first frame comes; an error is met again, and told, then."""
        try:
            self._judges.prepare()
        except Exception as error:  # noqa: BLE001 - as in run
            self._recover(error)

    def _work(self, item: Captured) -> None:
        seen = (item.connection, item.frame.width, item.frame.height)
        if seen != self._seen:
            # Nothing seen before says anything about what is seen now.
            self._forget(broken=False)
            self._seen = seen
        self._adapt(item.frame)
        judge = self._judge or self._begin(item.frame)
        self._hand_on(judge.push(item.frame))

    def _hand_on(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            captured = _captured(verdict.frame)
            age = (time.monotonic_ns() - captured) / SECOND
            if age - self._plan.lookahead > self._plan.budget:
                verdict = Verdict(verdict.frame, slate=Reason.OVERLOAD.value)  # noqa: PLW2901
            if verdict.slate:
                self._status.slates[verdict.slate] += 1
            redacted = self._redactor.redact(verdict)
            self._status.faces = len(verdict.track_ids)
            self._status.redacted += 1
            self._backoff.after_success()
            self._deliver(redacted, captured)

    def _begin(self, frame: Frame) -> AdaptiveJudge:
        info = VideoInfo(
            width=frame.width,
            height=frame.height,
            pix_fmt=frame.picture.format.name,
            time_base=NANOSECOND,
            live=True,
        )
        self._judge = judge = self._judges.make(info)
        judge.adapt(self._governor.plan(self._plan.settings))
        self.reason = Reason.WAITING
        return judge

    def _adapt(self, frame: Frame) -> None:
        """Look less often while frames are being dropped, as often as asked when they are not."""
        dropped, level = self._status.dropped[DropReason.NEWER], self._governor.level
        if not self._governor.changes(frame.time_ms / 1000, self._status.captured, dropped):
            return
        self._status.level = self._governor.level
        plan = self._governor.plan(self._plan.settings)
        is_better = self._governor.level < level
        log.log(
            logging.INFO if is_better else logging.WARNING,
            "%s: detection level is now %s, a whole look every %.1f s",
            "no overload any more" if is_better else "overload",
            self._governor.quality.value,
            plan.whole_every,
        )
        if self._judge is not None:
            # Not a new one: that would forget whom it follows, and let go what it holds.
            self._judge.adapt(plan)

    def _recover(self, error: Exception) -> None:
        self._status.errors += 1
        self._status.busy_since = 0.0
        log.warning("detection failed, a slate goes out: %s: %s", type(error).__name__, error)
        self.reason = Reason.DETECTOR
        self._forget(broken=True)
        self._pause_until = time.monotonic() + self._backoff.after_failure()

    def _forget(self, *, broken: bool) -> None:
        """Throw away all that was held and seen; the detectors too if they may be the cause."""
        self._judge = None
        if broken:
            self._judges.discard()


def _captured(frame: Frame) -> int:
    """Return when a frame came in, in nanoseconds of `time.monotonic_ns`: its time stamp."""
    picture = frame.picture
    assert picture.pts is not None
    assert picture.time_base is not None
    return converted(picture.pts, picture.time_base, NANOSECOND)
