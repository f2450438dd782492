"""Which doubts get a close look in a frame. Pure: times and requests in, requests out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from streamguard.detection.looks import CloseLookRequest
from streamguard.plans import DetectionPlan

_CROP_SHARE = 0.5
"""Least time between second thoughts of any two tracks, in shares of that between two of the
same."""
_MAX_BACKOFF = 8
_DENIED_WAIT = 1.0
"""Seconds after which a denial is put to the question again, if nothing changed before."""
_MAX_DENIED_WAIT = 16.0
_HELD_SHARE = 0.2
"""Most time between the first two answers, in shares of the look-ahead: three lie inside it."""


class Questions:
    """Chooses, frame by frame, who gets a close look.

    What was proposed and waits for an answer is asked about at once, several in one frame, so
    that the answer is there before the frame leaves: the oldest first, and of those the most
    doubtful. Second thoughts, on what was lost, is hardly supported or was denied, have one look
    at a time, and the more rarely the more often they were in vain.

    Args:
        plan: How many, and how often.
    """

    def __init__(self, plan: DetectionPlan) -> None:
        self.plan = plan
        self._next: dict[int, float] = {}
        self._asked: dict[int, int] = {}
        self._again_from = float("-inf")

    def choose(self, time: float, requests: Sequence[CloseLookRequest]) -> list[CloseLookRequest]:
        """Return who gets a close look now.

        Args:
            time: Now, in seconds.
            requests: Who wants one, most urgent first.
        """
        alive = {request.track_id for request in requests}
        self._next = {i: t for i, t in self._next.items() if i in alive}
        self._asked = {i: n for i, n in self._asked.items() if i in alive}
        due = [r for r in requests if r.changed or time >= self._next.get(r.track_id, time)]
        waiting = [r for r in due if r.is_open or r.is_missed]
        chosen = sorted(waiting, key=self._urgency)[: self.plan.crops]
        again = next((r for r in due if not (r.is_open or r.is_missed)), None)
        if again is not None and time >= self._again_from:
            self._again_from = time + _CROP_SHARE * self.plan.crop_every - 1e-3
            chosen.append(again)
        for request in chosen:
            asked = self._asked[request.track_id] = self._asked.get(request.track_id, 0) + 1
            self._next[request.track_id] = time + self._wait(request, asked) - 1e-3
        return chosen

    def _urgency(self, request: CloseLookRequest) -> tuple[bool, int, float, float]:
        return (
            request.is_missed,
            self._asked.get(request.track_id, 0),
            request.since,
            -request.doubt,
        )

    def _wait(self, request: CloseLookRequest, asked: int) -> float:
        if request.is_denied:
            return min(_DENIED_WAIT * 2.0 ** min(request.tries, 10), _MAX_DENIED_WAIT)
        if request.is_missed:
            return self.plan.whole_every
        if request.is_open:
            # What the picture's edge cuts needs several answers, and before its frame leaves.
            return self._open_every * min(asked, _MAX_BACKOFF)
        return self.plan.crop_every * min(request.tries + 1, _MAX_BACKOFF)

    @property
    def _open_every(self) -> float:
        """Seconds between the first two close looks at what was proposed."""
        held = self.plan.lookahead or math.inf
        return min(self.plan.crop_every, _HELD_SHARE * held)
