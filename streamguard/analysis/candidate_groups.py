"""Candidates of many frames that are one thing, joined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streamguard.analysis.packing import corners
from streamguard.analysis.records import StoredCandidate
from streamguard.frames import Candidate
from streamguard.geometry import iou

_SAME = 0.3
"""Least IoU of one candidate in two looks."""
_APART = 30
"""Frames between two looks at one candidate at most."""
_LONGEST = 900
"""Frames after which a candidate goes on as another one, so that memory stays bounded."""


@dataclass(slots=True)
class _Group:
    best: Candidate
    latest: Candidate
    first: int
    last: int
    boxes: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)

    def add(self, index: int, candidate: Candidate) -> None:
        self.latest, self.last = candidate, index
        if candidate.confidence > self.best.confidence:
            self.best = candidate
        self.boxes[index] = corners(candidate.box)


class CandidateGroups:
    """Joins candidates of several frames that are one thing: the same track, or the same place."""

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._count = 0

    def add(self, index: int, candidates: Sequence[Candidate]) -> list[StoredCandidate]:
        """Take in the candidates of the next frame; return those that are over."""
        over = [g for g in self._groups if index - g.last > _APART or index - g.first > _LONGEST]
        if over:
            self._groups = [group for group in self._groups if group not in over]
        for candidate in candidates:
            group = next((g for g in self._groups if _is_same(g, candidate)), None)
            if group is None:
                group = _Group(candidate, candidate, index, index)
                self._groups.append(group)
            group.add(index, candidate)
        return self._numbered(over)

    def finish(self) -> list[StoredCandidate]:
        """Return those that are left."""
        groups, self._groups = self._groups, []
        return self._numbered(groups)

    def _numbered(self, groups: Iterable[_Group]) -> list[StoredCandidate]:
        stored = []
        for group in groups:
            self._count += 1
            stored.append(
                StoredCandidate(self._count, group.first, group.last, group.best, group.boxes)
            )
        return stored


def _is_same(group: _Group, candidate: Candidate) -> bool:
    if group.best.label != candidate.label or group.best.reason != candidate.reason:
        return False
    if group.best.track_id or candidate.track_id:
        return group.best.track_id == candidate.track_id
    return iou(group.latest.box, candidate.box) >= _SAME
