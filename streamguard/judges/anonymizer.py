"""Frames in, verdicts out: sampling, detection, tracking and look-ahead. No I/O, no threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

from streamguard.detection import Detectors, default_detectors
from streamguard.detection.finder import Finder
from streamguard.detection.looks import CloseLookRequest, Look, Role, widened
from streamguard.detection.schedule import Schedule
from streamguard.detection.subjects import subjects_of
from streamguard.detection.view import FrameView
from streamguard.errors import DetectionError, UsageError
from streamguard.frames import Frame, TrackFacts, Verdict, VideoInfo
from streamguard.judges.observing import close_look_requests, observe
from streamguard.judges.verdicts import VerdictMaker
from streamguard.media.scaling import TrackingScale
from streamguard.media.sphere import Sphere
from streamguard.plans import DetectionPlan
from streamguard.settings import Settings
from streamguard.tracking.kinds import TrackingKind
from streamguard.tracking.scenes import CutFinder
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracker import Tracker

_ANSWERS = 3
"""Close looks at what the last picture leaves open: at its edge one denial is not enough."""


class FrameAnonymizer:
    """Decides what to cover in every frame of one video.

    Frames are held back for the look-ahead, so `push` gives back verdicts of earlier
    frames, and `finish` the rest. No frame is ever given back without a verdict.

    Args:
        info: What is known of the video.
        settings: What is hidden, and how hard to look.
        detectors: Who looks, by label and role; the subjects' own when None.

    Raises:
        ModelError: An embedded model is missing or damaged.
        UsageError: There is nothing of a label that settings hide.
    """

    def __init__(
        self,
        info: VideoInfo,
        settings: Settings,
        detectors: Detectors | None = None,
    ) -> None:
        self._subjects = {subject.label: subject for subject in subjects_of(settings.hide)}
        self._is_still, self._is_live = info.still, info.live
        self._wraps, self._turns = info.equirectangular, info.quarter_turns
        self._plan: DetectionPlan = settings.plan.for_still() if info.still else settings.plan
        self._redaction = settings.redaction
        self._memory_limit = settings.memory_limit
        crews = default_detectors(settings) if detectors is None else detectors
        for label in self._subjects.keys() - crews.keys():
            raise UsageError(f"nobody looks for what is called {label!r}", "name its detectors")
        self._finders = {label: Finder(crews[label]) for label in self._subjects}
        self._size = (0, 0)
        self._shortened = False
        self._was_damaged = False
        self._failed = False
        self._ids = count(1)
        self._restart(info.width, info.height)

    @property
    def detectors(self) -> tuple[str, ...]:
        """Names of the detectors in use."""
        every = (name for finder in self._finders.values() for name in finder.names)
        return tuple(dict.fromkeys(every))

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told about how it went."""
        if not self._shortened:
            return ()
        limit = self._memory_limit // 2**20
        return (f"look-ahead shortened: {limit} MB of frames were held",)

    def push(self, frame: Frame) -> list[Verdict]:
        """Take the next frame; return verdicts of frames whose look-ahead is over.

        Raises:
            DetectionError: A detector failed, now or earlier; nothing more may leave.
        """
        with self._all_or_nothing():
            return self._push(frame)

    def adapt(self, plan: DetectionPlan) -> None:
        """Look by another plan from the next frame on; what is tracked and held stays so.

        Args:
            plan: The plan; how long frames are held back does not change.
        """
        self._plan = replace(plan, lookahead=self._plan.lookahead)
        self._tracker.adapt(self._kinds())
        for label, schedule in self._schedules.items():
            schedule.adapt(self._plan_of(label))

    def finish(self) -> list[Verdict]:
        """Return the verdicts of all frames still held.

        Raises:
            DetectionError: As `push`.
        """
        with self._all_or_nothing():
            return self._finish()

    def untold(self) -> tuple[TrackFacts, ...]:
        """Return, after `finish`, the facts of tracks that no verdict told.

        Without a look-ahead the last verdict is out before anybody knows that it is the last.
        """
        return self._verdicts.rest()

    def close(self) -> None:
        """Let go of the detectors; may be called twice."""
        for finder in self._finders.values():
            finder.close()

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Let nothing out any more once a step has failed: frames held may lack a look."""
        if self._failed:
            raise DetectionError(
                "an earlier frame could not be judged", "begin again with a new anonymizer"
            )
        self._failed = True
        yield
        self._failed = False

    def _push(self, frame: Frame) -> list[Verdict]:
        verdicts: list[Verdict] = []
        if (frame.width, frame.height) != self._size:
            verdicts = self._finish()
            untold = self._verdicts.rest()
            self._restart(frame.width, frame.height)
            self._verdicts.tell(untold)
        time = frame.time_ms / 1000
        view = FrameView(frame, self._sphere)
        luma = view.luma(self._scale.width, self._scale.height)
        # What is seen in a damaged picture says nothing of those before and after.
        mended = bool(frame.damage) != self._was_damaged
        self._was_damaged = bool(frame.damage)
        moment = Moment(luma, time, cut=self._cuts.is_cut(luma) or mended)
        self._tracker.advance(moment)
        self._held.append(frame)
        self._held_bytes += frame.nbytes
        looks = {label: self._due_looks(label, moment) for label in self._subjects}
        self._look(frame, view, looks)
        if self._is_still:
            self._answer_all(frame, view)
        elif any(look.turns for due in looks.values() for look in due):
            self._answer_turned(frame, view)
        if self._shortened:
            self._tracker.trace()  # frames leave earlier than it knows
        while self._is_due(time):
            verdicts.append(self._emit())
        return self._verdicts.with_rest(verdicts) if self._is_still else verdicts

    def _finish(self) -> list[Verdict]:
        if self._held and not self._is_still:
            last = self._held[-1]
            time = last.time_ms / 1000
            looks = {label: each.last_looks(time) for label, each in self._schedules.items()}
            view = FrameView(last, self._sphere)
            self._look(last, view, looks)
            self._answer_all(last, view)
            self._tracker.trace(everything=True)
        return self._verdicts.with_rest([self._emit() for _ in range(len(self._held))])

    def _restart(self, width: int, height: int) -> None:
        """Forget everything seen: the picture is another one."""
        self._size = (width, height)
        self._sphere = Sphere(width, height, self._turns) if self._wraps else None
        extent = self._sphere.extent if self._sphere else (width, height)
        self._scale = TrackingScale.of(width, height, extent)
        self._timeline = Timeline()
        self._tracker = Tracker(self._kinds(), self._timeline, self._ids)
        self._schedules = {
            label: Schedule(self._plan_of(label), width, height, extent) for label in self._subjects
        }
        self._cuts = CutFinder()
        self._held: deque[Frame] = deque()
        self._held_bytes = 0
        names = {label: finder.names_by_role for label, finder in self._finders.items()}
        self._verdicts = VerdictMaker(
            self._tracker,
            self._timeline,
            self._scale,
            None if self._is_live else names,
            sphere=self._sphere,
            redaction=self._redaction,
        )

    def _kinds(self) -> list[TrackingKind]:
        return [
            replace(subject.kind(self._plan), plan=self._plan_of(label))
            for label, subject in self._subjects.items()
        ]

    def _plan_of(self, label: str) -> DetectionPlan:
        """Return the plan by which one subject is looked for, by those who are there to look."""
        plan = self._subjects[label].plan(self._plan)
        has_proposer = Role.PROPOSER in self._finders[label].names_by_role
        return plan if has_proposer else plan.without_proposer()

    def _due_looks(self, label: str, moment: Moment) -> list[Look]:
        """Return the looks for one subject that are due at the newest moment."""
        schedule = self._schedules[label]
        if self._is_still:
            return schedule.still_looks()
        motion = self._scale.shares(moment.camera or (0.0, 0.0))
        requests, ways = self._close_look_requests(label), self._tracker.ways(label)
        return schedule.looks(moment.time, moment.cut, requests, motion, ways)

    def _close_look_requests(self, label: str) -> list[CloseLookRequest]:
        now = self._timeline.moments[-1].time
        return close_look_requests(self._tracker, self._scale, label, now)

    def _answer_turned(self, frame: Frame, view: FrameView) -> None:
        """Ask at once about what was proposed another way up: of that more is wrong than right."""
        time, looks = frame.time_ms / 1000, {}
        for label, schedule in self._schedules.items():
            requests = self._close_look_requests(label)
            if any(request.is_open and request.turns for request in requests):
                looks[label] = schedule.close_looks(time, requests)
        self._look(frame, view, looks)

    def _answer_all(self, frame: Frame, view: FrameView) -> None:
        """Ask about everything proposed that waits for an answer: no later frame will give it."""
        for _ in range(_ANSWERS):
            looks = {
                label: schedule.all_close_looks(self._close_look_requests(label))
                for label, schedule in self._schedules.items()
            }
            self._look(frame, view, looks)

    def _look(self, frame: Frame, view: FrameView, wanted: Mapping[str, Sequence[Look]]) -> None:
        for label, looks in wanted.items():
            if not looks or frame.damage:
                continue
            every = widened(looks, view.layers, self._sphere)
            finder, time_ms = self._finders[label], int(frame.time_ms)
            findings = finder.find(view, every, time_ms, frame.quarter_turns)
            if self._sphere and self._is_still:
                findings += finder.find_at_poles(view, every[0], time_ms)
            observe(self._tracker, self._scale, label, findings)

    def _is_due(self, now: float) -> bool:
        if not self._held:
            return False
        if self._held_bytes > self._memory_limit and self._plan.lookahead > 0:
            self._shortened = True
            return len(self._held) > 1
        return now - self._timeline.moments[0].time >= self._plan.lookahead

    def _emit(self) -> Verdict:
        """Return the verdict on the oldest frame held."""
        frame = self._held.popleft()
        self._held_bytes -= frame.nbytes
        return self._verdicts.make(frame)
