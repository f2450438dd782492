"""The parts of a decision that edits are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streamguard.analysis.decision import DecisionWithTracks
from streamguard.analysis.records import StoredCandidate, StoredTrack
from streamguard.edits.stretches import Stretch, holds
from streamguard.errors import EditError


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionContent:
    """What a decision holds that edits can be placed on.

    Attributes:
        frames: Number of frames.
        width: Coded width of the picture in pixels.
        height: Coded height of it.
        rate: Frames a second, roughly.
        duration: Seconds from the first frame to the last.
        tracks: Every track by its number.
        candidates: Every candidate by its number.
    """

    frames: int
    width: int
    height: int
    rate: float
    duration: float
    tracks: Mapping[int, StoredTrack]
    candidates: Mapping[int, StoredCandidate]

    def stretch(self, first: int | None, last: int | None, whole: Stretch) -> Stretch:
        """Return the stretch that an edit names, inside the whole of what it is about.

        Raises:
            EditError: It is empty, or reaches beyond the whole.
        """
        start = whole[0] if first is None else first
        end = whole[1] if last is None else last
        if end < start:
            raise EditError(f"the span from frame {start} to {end} is empty")
        if not (holds(whole, start) and holds(whole, end)):
            raise EditError(
                f"frames {start} to {end} are not all in it", f"It has {whole[0]} to {whole[1]}"
            )
        return start, end

    @property
    def whole(self) -> Stretch:
        """All frames of the video."""
        return 0, self.frames - 1


def decision_content(decision: DecisionWithTracks) -> DecisionContent:
    """Return what of a decision edits are checked against."""
    header, count = decision.header, decision.frame_count
    ends = [*decision.frames(0, 1), *decision.frames(max(0, count - 1), count)]
    stamps = [record.pts for record in ends if record.pts is not None]
    return DecisionContent(
        frames=count,
        width=header.width,
        height=header.height,
        rate=float(header.usual_rate),
        duration=float((stamps[-1] - stamps[0]) * header.time_base) if stamps else 0.0,
        tracks={track.track_id: track for track in decision.tracks()},
        candidates={candidate.number: candidate for candidate in decision.candidates()},
    )


def frame_at(decision: DecisionWithTracks, seconds: float) -> int:
    """Return the index of the frame that is shown at a time.

    Args:
        decision: An open analysis.
        seconds: From the first frame.

    Raises:
        EditError: The video is over by then, or its frames have no times.
    """
    low, high = 0, decision.frame_count
    start = _stamp(decision, 0)
    wanted = start + seconds / float(decision.header.time_base)
    if high and wanted > _stamp(decision, high - 1) + _last(decision):
        raise EditError(f"{seconds} s is beyond the end of the video")
    while high - low > 1:
        middle = (low + high) // 2
        # Half a unit forgives what is lost where seconds are written in decimals.
        if _stamp(decision, middle) <= wanted + 0.5:
            low = middle
        else:
            high = middle
    return low


def _last(decision: DecisionWithTracks) -> float:
    """Return how long the last frame is shown, in the unit of time stamps."""
    return float(1 / (decision.header.usual_rate * decision.header.time_base))


def _stamp(decision: DecisionWithTracks, frame: int) -> int:
    for record in decision.frames(frame, frame + 1):
        if record.pts is not None:
            return record.pts
    raise EditError(f"frame {frame} has no time", "Name frames by their numbers")
