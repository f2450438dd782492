"""Which part each cover of a frame belongs to, with the covers that a person added."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from streamguard.analysis.records import FrameRecord
from streamguard.edits.edited_tracks import EditedTracks, Part
from streamguard.frames import Cover
from streamguard.outlines import to_pixels


class EditedCovers:
    """Gives the covers of frames after edits. It adds covers, and leaves none out.

    Args:
        edited: The tracks after the edits.
    """

    def __init__(self, edited: EditedTracks) -> None:
        self._drawings = list(edited.drawings.items())
        self._effects = edited.effects
        self._parts: dict[int, list[Part]] = {}
        for part in edited.parts.values():
            self._parts.setdefault(part.origin, []).append(part)

    def covers(self, record: FrameRecord) -> Iterator[tuple[int, Cover]]:
        """Yield each cover of a frame after the number of its part."""
        for cover in record.covers:
            yield self._named(cover, record.index)
        for origin, drawing in self._drawings:
            outline = drawing.at(record.index)
            if outline is not None:
                cover = Cover(to_pixels(outline), origin, drawing.label)
                yield self._named(cover, record.index)

    def _named(self, cover: Cover, frame: int) -> tuple[int, Cover]:
        for part in self._parts.get(cover.track_id, ()):
            if part.first <= frame <= part.last:
                return part.number, self._as_said(cover, part)
        # A cover that no part knows can be left clear by nobody.
        return 0, cover

    def _as_said(self, cover: Cover, part: Part) -> Cover:
        number, label = part.number, part.label
        effect = part.effect or self._effects.get(label) or cover.effect
        if (number, label, effect) == (cover.track_id, cover.label, cover.effect):
            return cover
        return replace(cover, track_id=number, label=label, effect=effect)
