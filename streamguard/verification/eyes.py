"""Both detectors on one picture: as a whole, upright and turned, and close up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from streamguard.detection.finder import Finder
from streamguard.detection.layers import Layer
from streamguard.detection.looks import Look, Role, widened
from streamguard.detection.registry import make_detector
from streamguard.detection.schedule import close_look
from streamguard.detection.view import FrameView
from streamguard.geometry import Box, Detection, containment, iou, nms
from streamguard.media.sphere import Sphere

DETECTORS = {Role.SECOND: "centerface", Role.PROPOSER: "yunet"}
"""Names of the detectors that look."""

SIDE = 1920
"""Longest side in pixels of the picture that is looked at as a whole."""

_Sighting = tuple[Role, Detection]
"""Who saw something, and where."""

ALL_TURNS = range(4)
UPRIGHT = range(1)
"""Clockwise quarter turns of the upright picture."""

_TURNED_SIDE = 640
"""The same for the slower detector where the picture is turned: there it looks for large faces."""
_PROPOSED = 0.6
_DOUBTED = 0.4
"""Shares of the threshold from which the two ask for a close look: YuNet is sure more often."""
_SAME = 0.3
"""IoU of two boxes from which they are the same face."""
_INSIDE = 0.6
"""Shared area over the smaller box likewise: the two mean not quite the same by a face."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What one look is about.

    Attributes:
        view: The frame.
        time_ms: Its time in milliseconds.
        sphere: Set where it wraps round.
    """

    view: FrameView
    time_ms: int = 0
    sphere: Sphere | None = None


@dataclass(frozen=True, slots=True)
class _Proposal:
    """What may be a face in a picture turned so, and who saw it there."""

    box: Box
    turns: int
    seen: tuple[_Sighting, ...]


class Eyes:
    """Two detectors that look for faces without knowing what was decided.

    A face is what CenterFace is sure of, in the whole picture or close up, or what both are sure
    of on average; where the picture was turned, both.

    Args:
        threshold: Confidence that counts as a face, 0 to 1.

    Raises:
        ModelError: An embedded model is missing or damaged.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        least = {Role.PROPOSER: _PROPOSED * threshold, Role.SECOND: _DOUBTED * threshold}
        self._finder = Finder(
            {role: make_detector(DETECTORS[role], share) for role, share in least.items()}
        )

    def close(self) -> None:
        """Let go of the detectors."""
        self._finder.close()

    def faces(
        self, scene: Scene, whole: Box, layer: Layer, turns: Iterable[int] = ALL_TURNS
    ) -> list[Detection]:
        """Find the faces in a layer of a frame.

        Args:
            scene: The frame.
            whole: All of it, in coded pixels.
            layer: The layer.
            turns: Clockwise quarter turns of the upright picture, one look for each.

        Returns:
            Faces in coded pixels, the surest first.
        """
        found: list[Detection] = []
        for turn in turns:
            looks = widened(_whole_looks(whole, turn), [layer], scene.sphere)
            seen = self._look(scene, looks)
            answers = [self._answer(scene, each, layer) for each in _proposals(seen, turn)]
            # A head and its collar look like a face upside down.
            found += [
                one
                for one in answers
                if one.confidence >= self._threshold
                and not any(is_same(one.box, other.box) for other in found)
            ]
        return nms(found, _SAME)

    def seen_close(self, scene: Scene, box: Box, layer: Layer) -> list[Box]:
        """Return what may be a face at a place, whichever way up, however doubtful.

        Args:
            scene: A frame.
            box: The place, in coded pixels.
            layer: The layer.
        """
        looks = _close(scene, box, ALL_TURNS, layer)
        return [detection.box for _, detection in self._look(scene, looks)]

    def _answer(self, scene: Scene, proposal: _Proposal, layer: Layer) -> Detection:
        """Return how sure the two are of a proposal."""
        close = self._look(scene, _close(scene, proposal.box, [proposal.turns], layer))
        again = [(role, one) for role, one in close if is_same(one.box, proposal.box)]
        seen = [*proposal.seen, *again]
        # Among pictures turned three ways, hands that look like a face to one of them abound.
        second = _surest(Role.SECOND, again if proposal.turns else seen)
        proposer = _surest(Role.PROPOSER, seen)
        if second is None:
            sure = 0.0 if proposal.turns or proposer is None else proposer.confidence / 2
            return Detection(proposal.box, sure)
        other = proposer.confidence if proposer else 0.0
        if proposal.turns:
            return replace(second, confidence=min(second.confidence, other))
        together = (second.confidence + other) / 2
        return replace(second, confidence=max(second.confidence, together))

    def _look(self, scene: Scene, looks: Sequence[Look]) -> list[_Sighting]:
        findings = self._finder.find(scene.view, looks, scene.time_ms, scene.view.turns)
        return [(finding.look.role, one) for finding in findings for one in finding.detections]


def _whole_looks(whole: Box, turns: int) -> list[Look]:
    sides = {Role.PROPOSER: SIDE, Role.SECOND: _TURNED_SIDE if turns else SIDE}
    looks = []
    for role, side in sides.items():
        scale = min(1.0, side / max(whole.width, whole.height))
        width, height = (max(1, round(length * scale)) for length in (whole.width, whole.height))
        looks.append(Look(role, whole, width, height, turns=turns))
    return looks


def _close(scene: Scene, box: Box, turns: Sequence[int], layer: Layer) -> list[Look]:
    extent = Box(0, 0, *scene.view.extent)
    looks = [close_look(box, extent, each) for each in turns]
    return [replace(look, role=role, layer=layer) for look in looks for role in DETECTORS]


def _proposals(seen: Sequence[_Sighting], turns: int) -> list[_Proposal]:
    """Return what either detector saw, each thing once."""
    return [
        _Proposal(thing.box, turns, tuple(one for one in seen if is_same(one[1].box, thing.box)))
        for thing in nms([one for _, one in seen], _SAME)
    ]


def _surest(role: Role, seen: Iterable[_Sighting]) -> Detection | None:
    found = (one for who, one in seen if who is role)
    return max(found, key=lambda one: one.confidence, default=None)


def is_same(one: Box, other: Box) -> bool:
    """Whether two boxes may be of the same face."""
    return iou(one, other) > _SAME or containment(one, other) > _INSIDE
