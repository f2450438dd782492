"""Place the acts that cover more than the decision does."""

from __future__ import annotations

from collections.abc import Sequence

from streamguard.edits.acts import Believe, BoxAt, DrawBox, DrawPolygon, Follow, Pixels
from streamguard.edits.candidate_places import margin_of
from streamguard.edits.decision_content import DecisionContent
from streamguard.edits.edit_json import MAX_POINTS
from streamguard.edits.edited_tracks import Drawing, EditedTracks, Part
from streamguard.edits.stretches import Stretch
from streamguard.errors import EditError
from streamguard.geometry import Box
from streamguard.outlines import Outline, Polygon, bounds


def believe(act: Believe, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Make a part of a candidate."""
    if act.candidate not in content.candidates:
        raise EditError(
            f"there is no candidate {act.candidate}",
            "streamguard edit FILE show candidates lists them",
        )
    candidate = content.candidates[act.candidate]
    if any(d.candidate == act.candidate for d in edited.drawings.values()):
        raise EditError(f"candidate {act.candidate} is believed already")
    margin = margin_of(content.rate)
    first = max(0, candidate.first - margin) if act.first is None else act.first
    last = min(content.frames - 1, candidate.last + margin) if act.last is None else act.last
    span = content.stretch(first, last, content.whole)
    boxes = [(frame, *box) for frame, box in sorted(candidate.boxes.items())]
    drawing = Drawing(
        outlines=_between(boxes, span),
        span=span,
        edit=number,
        label=candidate.candidate.label,
        candidate=act.candidate,
    )
    _add(edited, act.new, drawing)


def box(act: DrawBox, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Make a part of a box that stays."""
    box = _checked_box(act.box, content)
    _add_still(edited, content, act, number, box)


def polygon(act: DrawPolygon, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Make a part of a polygon that stays."""
    if not 3 <= len(set(act.points)) <= MAX_POINTS:
        raise EditError(f"a polygon has 3 to {MAX_POINTS} different corners")
    outline = Polygon(tuple((float(x), float(y)) for x, y in act.points))
    x1, y1, x2, y2 = (round(v) for v in _corners(bounds(outline)))
    _checked_box((x1, y1, x2, y2), content)
    _add_still(edited, content, act, number, outline)


def follow(act: Follow, number: int, edited: EditedTracks, content: DecisionContent) -> None:
    """Make a part of a box that was followed."""
    frames = [frame for frame, *_ in act.boxes]
    if not frames:
        raise EditError("the box was not followed yet", "Draw and follow it again")
    if sorted(set(frames)) != frames:
        raise EditError("the boxes of a followed box do not stand in the order of frames")
    span = content.stretch(frames[0], frames[-1], content.whole)
    content.stretch(act.frame, act.frame, span)
    _checked_box(act.box, content)
    for _, *box in (*act.boxes, *act.corrections):
        x1, y1, x2, y2 = box
        if x2 <= x1 or y2 <= y1:
            raise EditError(f"the box {x1},{y1},{x2},{y2} is empty")
    drawing = Drawing(outlines=_between(act.boxes, span), span=span, edit=number, label=act.label)
    _add(edited, act.new, drawing)


def _add_still(
    edited: EditedTracks,
    content: DecisionContent,
    act: DrawBox | DrawPolygon,
    number: int,
    outline: Outline,
) -> None:
    span = content.stretch(act.first, act.last, content.whole)
    _add(edited, act.new, Drawing(outlines=outline, span=span, edit=number, label=act.label))


def _add(edited: EditedTracks, number: int, drawing: Drawing) -> None:
    """Make a part of a drawn thing."""
    first, last = drawing.span
    new = edited.take(number)
    edited.drawings[new] = drawing
    edited.parts[new] = Part(
        number=new, origin=new, first=first, last=last, best=first, label=drawing.label
    )


def _checked_box(box: Pixels, content: DecisionContent) -> Box:
    x1, y1, x2, y2 = box
    if x2 <= x1 or y2 <= y1:
        raise EditError(f"the box {x1},{y1},{x2},{y2} is empty", "Give x1,y1,x2,y2")
    if x2 <= 0 or y2 <= 0 or x1 >= content.width or y1 >= content.height:
        raise EditError(
            f"the box {x1},{y1},{x2},{y2} lies outside the picture",
            f"The picture has {content.width} by {content.height} pixels",
        )
    return Box(float(x1), float(y1), float(x2), float(y2))


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.x1, box.y1, box.x2, box.y2


def _between(boxes: Sequence[BoxAt], span: Stretch) -> dict[int, Outline]:
    """Return a box for every frame of a span: between two the way is straight, beyond it ends."""
    known = [(frame, Box(*map(float, box))) for frame, *box in boxes]
    found: dict[int, Outline] = {}
    place = 0
    for frame in range(span[0], span[1] + 1):
        while place + 1 < len(known) and known[place + 1][0] <= frame:
            place += 1
        at, box = known[place]
        if frame > at and place + 1 < len(known):
            later, other = known[place + 1]
            box = box.mix(other, (frame - at) / (later - at))
        found[frame] = box
    return found
