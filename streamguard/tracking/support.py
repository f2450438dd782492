"""What speaks for and against a thing that was seen, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from streamguard.geometry import Box
from streamguard.tracking.denial import Denial
from streamguard.tracking.edges import at_edge
from streamguard.tracking.flow import Gray
from streamguard.tracking.kinds import TrackingKind
from streamguard.tracking.observations import Observation, SearchedRegion

_LIKELY = 0.5
"""Confidence of a proposal that is believed where all of the picture shows it to another, too, or
where the edge of a photo cuts it."""
_REMEMBERED = 5.0
_AT_EDGE = 3
"""Denials in a row of what lies at the picture's edge before it is none."""
_CLEARLY = 2.0
"""A whole look misses one in six of the least things it sees. Of things so many times as large its
denial counts like that of a close look."""


@dataclass(slots=True, kw_only=True)
class Support:
    """What detectors said of one thing.

    Attributes:
        kind: What it is.
        is_final: Whether nothing more will be learned of it.
        best_primary: Highest confidence of a primary observation.
        best_second: Highest confidence of a second-opinion observation.
        best_proposal: Highest confidence of a proposal.
        is_sure_proposal: Whether the proposer saw it upright and beyond doubt.
        best_close: Highest confidence of a close look at it.
        is_doubted: Whether it was only seen another way up than most are.
        hits: Number of observations.
        denials: Second-opinion looks in a row that should have seen it and did not.
        misses: The same in all.
        denial: Set while the last answer on it was that it is none.
        close_votes: Close looks that showed one less those that did not.
    """

    kind: TrackingKind
    is_final: bool = False
    best_primary: float = 0.0
    best_second: float = 0.0
    best_proposal: float = 0.0
    is_sure_proposal: bool = False
    best_close: float = 0.0
    is_doubted: bool = True
    hits: int = 0
    denials: int = 0
    misses: int = 0
    denial: Denial | None = None
    close_votes: int = 0

    def count(self, observation: Observation) -> None:
        """Take in that a detector saw it."""
        was_unconfirmed, was_proposed = self.is_unconfirmed, self.best_second < self._enough
        self.hits += 1
        self.is_doubted &= observation.is_doubted
        if observation.is_proposal:
            self.best_proposal = max(self.best_proposal, observation.confidence)
            self.is_sure_proposal |= observation.confidence >= self.kind.belief.sure_proposal
        elif not observation.is_second:
            self.best_primary = max(self.best_primary, observation.confidence)
        if not observation.is_second:
            return
        self.best_second = max(self.best_second, observation.confidence)
        if observation.confidence >= self._enough or not was_unconfirmed:
            self.denials = 0
        if was_proposed and observation.confidence >= self._enough:
            self.denial = None  # two detectors saw it: a close look is to say who is right
        if observation.is_close and self.hits > 1:  # in a look at another it was by the way
            self.best_close = max(self.best_close, observation.confidence)
        if was_unconfirmed and not self.is_unconfirmed:
            self.close_votes, self.misses = 1, 0  # confirmed: what was before is answered
        elif observation.is_close:
            self.close_votes += 1 if observation.confidence >= self.kind.belief.close else -1

    def count_miss(self, look: SearchedRegion, luma: Gray, box: Box) -> None:
        """Take in that the second opinion looked and did not see it.

        Args:
            look: Where it looked; it was able to see the thing.
            luma: The tracking picture.
            box: Where the thing should be in it.
        """
        self.denials += 1
        self.misses += 1
        self.close_votes -= look.is_close
        was_seen = self.best_second >= self._enough
        is_clear = not was_seen and min(box.width, box.height) >= _CLEARLY * look.smallest
        # Of what the picture's edge cuts, a look shows too little to be believed at once.
        is_likely = self.kind.plan.lookahead > 0 or self.confidence >= _LIKELY
        is_waiting = is_likely and self.denials < _AT_EDGE and not self.is_doubted
        is_cut = is_waiting and at_edge(box, luma.shape)
        if self.is_unconfirmed and (look.is_close or is_clear) and not is_cut:
            self.denial = Denial(luma, box)

    @property
    def confidence(self) -> float:
        """Highest confidence of who decides, or of who proposed it, 0 to 1."""
        return max(self.best_primary, self.best_second) or self.best_proposal

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it was not seen beyond doubt, nor under a close look, nor well by two."""
        worth = self.kind.belief.worth_tracing
        is_agreed = self.best_proposal >= _LIKELY and self.best_second >= max(worth, self._enough)
        return self.best_close < self._enough and not (self.is_sure or is_agreed)

    @property
    def is_confirmed(self) -> bool:
        """Whether it was, and nothing speaks against it since."""
        return self.is_believed() and not self.is_unconfirmed

    @property
    def is_denied(self) -> bool:
        """Whether nobody confirmed it, and a look that was well able to see it did not."""
        return self.denial is not None and self.is_unconfirmed

    @property
    def is_changed(self) -> bool:
        """Whether what was denied was proposed again since then and looked another way."""
        return self.denial is not None and self.denial.is_changed

    @property
    def is_open(self) -> bool:
        """Whether nobody confirmed it, and nobody denied it yet."""
        return self.is_unconfirmed and not self.denial

    @property
    def _enough(self) -> float:
        return self.kind.plan.second_threshold

    @property
    def is_sure(self) -> bool:
        """Whether one of the detectors has seen it beyond doubt."""
        belief = self.kind.belief
        # Who has never looked is not sure of anything.
        by_second = self.best_second > 0 and self.best_second >= belief.sure_second
        by_primary = self.best_primary > 0 and self.best_primary >= belief.sure_primary
        return by_second or by_primary or self.is_sure_proposal

    @property
    def is_worth_tracing(self) -> bool:
        """Whether it is likely enough to be there to be covered before it was seen first."""
        if self.is_unconfirmed:
            return self.is_final and not self.is_denied
        return (
            self.is_final
            or self.hits > 1
            or self.best_second >= self.kind.belief.worth_tracing
            or self.is_sure
        )

    def is_believed(self) -> bool:
        """Return whether there is enough support to cover it.

        What either detector has seen well is there. A weak observation counts until close looks
        speak against it, under which a real thing looks clearer and a chance likeness fades,
        or until several looks that should have repeated it did not.
        """
        if self.is_sure:
            return True
        if self.is_denied:
            return False
        is_repeated = self.misses <= self.kind.belief.most_misses + self.hits
        return is_repeated and (self.is_open or self.close_votes >= 0)

    @property
    def kept_for(self) -> float:
        """Seconds unseen for which it is followed on: denied, so as not to be asked about anew."""
        return _REMEMBERED if self.is_denied else self.coasts_for(self.kind.plan.bridge)

    def coasts_for(self, longest: float) -> float:
        """Return how long it may go unseen, in seconds: the better known, the longer."""
        known = self.hits if self.is_sure else self.hits / 2
        belief = self.kind.belief
        return longest * min(1.0, belief.coasts_unknown + belief.coasts_known * known)
