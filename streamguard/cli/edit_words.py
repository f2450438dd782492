"""What ``streamguard edit`` says: the log, and tables of what has a number."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streamguard.edits.acts import Undo
from streamguard.edits.applying import active
from streamguard.edits.edit import Edit, arguments_of
from streamguard.errors import EditError

if TYPE_CHECKING:
    from streamguard.edits.editor import Editor
    from streamguard.edits.placing import Withheld

Row = dict[str, Any]


def edit_line(edit: Edit, state: str = "") -> str:
    """Return one line about an edit."""
    said = " ".join(f"{name} {_short(value)}" for name, value in arguments_of(edit.act).items())
    why = ", ".join(part for part in (edit.code, edit.why) if part)
    about = f"by {edit.who} at {edit.time}" + (f": {why}" if why else "")
    return f"{edit.number} {edit.kind} {said}{state} ({about})"


def log_lines(edits: Sequence[Edit], digest: str) -> Iterator[str]:
    """Yield every edit, whether it counts, and the digest over all of them."""
    counting = {edit.number for edit in active(edits)}
    for edit in edits:
        undone = edit.number not in counting and not isinstance(edit.act, Undo)
        yield edit_line(edit, " [undone]" if undone else "")
    yield f"{len(edits)} edits, digest {digest}"


def withheld_lines(withheld: Iterable[Withheld]) -> Iterator[str]:
    """Yield what stays covered, and what to look at and confirm so that it becomes clear."""
    for item in withheld:
        first, last = item.confirm
        line = f"track {item.track}: frames {item.first} to {item.last} stay covered until you"
        line += f" confirm frames {first} to {last}: {', '.join(item.reasons)}"
        if item.look is not None:
            line += f"; or undo it, look at frame {item.look}, and say --at {item.look}"
        yield line


def rows_of(editor: Editor, what: str) -> list[Row]:
    """Return what has a number, one row each.

    Args:
        editor: The open analysis.
        what: ``tracks``, ``people``, ``candidates``, ``doubts``, ``groups`` or ``clear``.
    """
    rows = {
        "tracks": _tracks,
        "people": _people,
        "candidates": _candidates,
        "doubts": _doubts,
        "groups": _groups,
        "clear": _clear,
    }[what]
    return list(rows(editor))


def rows_at(editor: Editor, frame: int) -> list[Row]:
    """Return where each track is in a frame, and whether it is covered there.

    Raises:
        EditError: There is no such frame.
    """
    record = next(iter(editor.analysis.frames(frame, frame + 1)), None)
    if record is None:
        raise EditError(f"there is no frame {frame}", f"There are {editor.analysis.frame_count}")
    placed = editor.placed()
    covers = [(cover, "covered") for cover in placed.apply(record)]
    covers += [(cover, "clear") for cover in placed.cleared(record)]
    return [
        {
            "track": cover.track_id,
            "label": cover.label,
            "state": state,
            "box": [round(v) for v in (cover.box.x1, cover.box.y1, cover.box.x2, cover.box.y2)],
        }
        for cover, state in sorted(covers, key=lambda pair: pair[0].track_id)
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield lines of a table: the names of columns, then a line for each row."""
    columns = list(rows[0])
    cells = [columns, *([_short(row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    for line in cells:
        padded = (text.ljust(width) for text, width in zip(line, widths, strict=True))
        yield "  ".join(padded).rstrip()


def _tracks(editor: Editor) -> Iterator[Row]:
    stored = {track.track_id: track for track in editor.analysis.tracks()}
    for part in editor.placed().edited.parts.values():
        track = stored.get(part.origin)
        yield {
            "track": part.number,
            "person": part.person or "",
            "label": part.label,
            "first": part.first,
            "last": part.last,
            "best": part.best,
            "confidence": round(track.confidence, 3) if track else "drawn",
        }


def _people(editor: Editor) -> Iterator[Row]:
    parts = editor.placed().edited.parts.values()
    for person in sorted({part.person for part in parts if part.person}):
        own = [part for part in parts if part.person == person]
        yield {
            "person": person,
            "first": min(part.first for part in own),
            "last": max(part.last for part in own),
            "tracks": [part.number for part in own],
        }


def _candidates(editor: Editor) -> Iterator[Row]:
    for stored in editor.analysis.candidates():
        box = stored.candidate.box
        yield {
            "candidate": stored.number,
            "label": stored.candidate.label,
            "first": stored.first,
            "last": stored.last,
            "confidence": round(stored.candidate.confidence, 3),
            "reason": str(stored.candidate.reason),
            "box": [round(v) for v in (box.x1, box.y1, box.x2, box.y2)],
        }


def _doubts(editor: Editor) -> Iterator[Row]:
    for doubt in editor.analysis.doubts():
        yield {
            "track": doubt.track_id or "",
            "candidate": doubt.candidate or "",
            "first": doubt.first,
            "last": doubt.last,
            "score": round(doubt.score, 2),
            "reasons": list(doubt.reasons),
        }


def _groups(editor: Editor) -> Iterator[Row]:
    for group in editor.proposed_groups():
        yield {"tracks": list(group)}


def _clear(editor: Editor) -> Iterator[Row]:
    placed = editor.placed()
    for item in placed.exemptions():
        yield {
            "track": item.track,
            "state": "clear" if item.is_face else "no face",
            "first": item.first,
            "last": item.last,
            "edit": item.edit,
            "why": ", ".join(part for part in (item.code, item.reason) if part),
        }
    for held in placed.withheld():
        yield {
            "track": held.track,
            "state": "covered",
            "first": held.first,
            "last": held.last,
            "edit": held.edit,
            "why": f"confirm {held.confirm[0]} to {held.confirm[1]}: {', '.join(held.reasons)}",
        }


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        text = json.dumps(value, separators=(",", ":"))
        return text if len(text) <= 60 else f"{text[:56]}...]"
    return str(value)
