"""Proposals of who is one person, from time and place only: one track ends, another begins."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from streamguard.analysis.decision import DecisionWithTracks
from streamguard.geometry import Box

_GAP = 1.5
"""Seconds between the end of a track and the beginning of the one that continues it."""
_OVERLAP = 0.2
"""Seconds that both may be covered: the mask of a lost face stays for a while."""
_REACH = 0.8
"""Distance of the centres as a share of the mean size, where nothing lies between."""
_SPEED = 1.5
"""And so much more for each second between."""
_SCALE = 1.6
"""Factor by which sizes may differ."""
_CLEARLY = 0.5
"""The second-nearest must be at least 1 / this as far away, else nothing is proposed."""


@dataclass(frozen=True, slots=True)
class TrackEnds:
    """Where a track begins and ends.

    Attributes:
        track: Its number.
        label: What it is.
        start: When it begins, in seconds.
        end: When it ends, in seconds.
        first: Where it is in its first frame.
        last: Where it is in its last frame.
    """

    track: int
    label: str
    start: float
    end: float
    first: Box
    last: Box


def propose_groups(tracks: Sequence[TrackEnds]) -> list[tuple[int, ...]]:
    """Return tracks that seem to continue one another, each group in the order of time.

    A link needs the same label, a short time, a small distance and a similar size. Where two
    tracks could continue one, or one could continue two, nothing is proposed.
    """
    follows = dict(_clear_links(_links(tracks)))
    continued = set(follows.values())
    groups = []
    for track in sorted(tracks, key=lambda t: t.start):
        if track.track in follows and track.track not in continued:
            group = [track.track]
            while group[-1] in follows:
                group.append(follows[group[-1]])
            groups.append(tuple(group))
    return groups


def ends_of(decision: DecisionWithTracks) -> list[TrackEnds]:
    """Return where every track of a decision begins and ends."""
    first: dict[int, tuple[float, Box]] = {}
    last: dict[int, tuple[float, Box]] = {}
    unit = float(decision.header.time_base)
    for record in decision.frames(0, decision.frame_count):
        if record.pts is not None:
            for cover in record.covers:
                place = record.pts * unit, cover.box
                first.setdefault(cover.track_id, place)
                last[cover.track_id] = place
    labels = {track.track_id: track.label for track in decision.tracks()}
    return [
        TrackEnds(track, labels[track], start, last[track][0], box, last[track][1])
        for track, (start, box) in first.items()
        if track in labels
    ]


Link = tuple[float, int, int]
"""How far apart two tracks are, 0 to 1, the earlier one and the later one."""


def _links(tracks: Sequence[TrackEnds]) -> Iterator[Link]:
    """Yield every pair of tracks of which one may continue the other."""
    later = sorted(tracks, key=lambda t: t.start)
    starts = [t.start for t in later]
    for a in tracks:
        near = later[bisect_left(starts, a.end - _OVERLAP) : bisect_right(starts, a.end + _GAP)]
        for b in near:
            distance = _distance(a, b)
            if distance is not None:
                yield distance, a.track, b.track


def _clear_links(links: Iterable[Link]) -> Iterator[tuple[int, int]]:
    """Yield the links that are much nearer than all that contradict them."""
    befores: dict[int, list[Link]] = {}
    afters: dict[int, list[Link]] = {}
    links = list(links)
    for link in links:
        befores.setdefault(link[1], []).append(link)
        afters.setdefault(link[2], []).append(link)
    for link in links:
        rivals = (other for other in befores[link[1]] + afters[link[2]] if other is not link)
        if all(link[0] < _CLEARLY * rival[0] for rival in rivals):
            yield link[1], link[2]


def _distance(a: TrackEnds, b: TrackEnds) -> float | None:
    """Return how far ``b`` begins from where ``a`` ended, 0 to 1; None if it is no continuation."""
    gap = b.start - a.end
    if a.label != b.label or b.end <= a.end or b.start <= a.start:
        return None
    ratio = math.sqrt(max(a.last.area, 1) / max(b.first.area, 1))
    if not 1 / _SCALE <= ratio <= _SCALE:
        return None
    (ax, ay), (bx, by) = a.last.center, b.first.center
    size = (a.last.width + a.last.height + b.first.width + b.first.height) / 4
    distance = math.hypot(ax - bx, ay - by) / max(size, 1)
    limit = _REACH + _SPEED * max(gap, 0.0)
    return distance / limit if distance <= limit else None
