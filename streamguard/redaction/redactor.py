"""The only maker of redacted frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import av
from av.video.frame import PictureType

from streamguard.errors import RedactionError
from streamguard.frames import Cover, Frame, RedactedFrame, Verdict
from streamguard.geometry import Box
from streamguard.media.planes import PictureLayout, Samples, native_layout, nearest_native
from streamguard.redaction.colors import samples_of
from streamguard.redaction.copying import PictureCopier
from streamguard.redaction.effects import constant
from streamguard.redaction.masks import Region, cells, region_of
from streamguard.redaction.painter import Painter
from streamguard.redaction.slates import make_opaque, write_text
from streamguard.settings import Effect, RedactionSettings

_GREEN = (0, 255, 0)


class MaskRedactor:
    """Covers outlines in the decoder's own pixel format. For one thread at a time.

    What stays of a covered region are at most 8 × 8 area averages of its original pixels,
    fewer for small ones; no other number about them leaves. Where regions overlap, the
    largest lies on top, so that a small box on a big face cannot show it in finer grain.

    Args:
        settings: What covered regions look like.
    """

    def __init__(self, settings: RedactionSettings) -> None:
        self._settings = settings
        self._effects = dict(settings.effects)
        self._by_effect = {effect: replace(settings, effect=effect) for effect in Effect}
        self._copier = PictureCopier()
        self._painter = Painter(settings)

    def redact(self, verdict: Verdict) -> RedactedFrame:
        """Cover what the verdict names; the frame's own pixels are never written to.

        A frame without boxes is passed on without copying.

        Raises:
            RedactionError: A region could not be covered; nothing may leave.
        """
        frame = verdict.frame
        try:
            if verdict.slate:
                return self._slate(frame, verdict.slate)
            return self._cover(frame, verdict.covers)
        except RedactionError:
            raise
        except Exception as error:
            raise RedactionError(
                f"frame {frame.index} could not be covered: {error}",
                "Nothing of it was written",
            ) from error

    def _cover(self, frame: Frame, covers: Sequence[Cover]) -> RedactedFrame:
        native = nearest_native(frame.picture.format.name)
        layout = native_layout(native)
        size = frame.width, frame.height
        found = [
            region_of(outline, *size, self._by_effect[effect], layout.alignment)
            for outline, effect in {(cover.outline, self._effect(cover)) for cover in covers}
        ]
        regions = sorted({r for r in found if r is not None}, key=lambda r: r.order)
        if not regions and native == frame.picture.format.name:
            frame.picture.pict_type = PictureType.NONE
            return RedactedFrame(frame.picture, frame.index)
        picture = self._own(frame.picture, native)
        self._painter.paint(picture, layout, regions)
        if self._settings.show_boxes:
            for cover in covers:
                _draw_box(picture, layout, cover.box)
        return RedactedFrame(picture, frame.index, tuple(r.core.clip(*size) for r in regions))

    def _effect(self, cover: Cover) -> Effect:
        return cover.effect or self._effects.get(cover.label, self._settings.effect)

    def _slate(self, frame: Frame, reason: str) -> RedactedFrame:
        native = nearest_native(frame.picture.format.name)
        picture, layout = self._own(frame.picture, native), native_layout(native)
        whole = Box(0, 0, frame.width, frame.height)
        region = Region(
            whole,
            (0, 0, frame.width, frame.height),
            (0, 0, frame.width, frame.height),
            cells(frame.width, frame.width),
            cells(frame.height, frame.height),
            feather=0,
            round=False,
            effect=self._settings.effect,
        )
        self._painter.paint(picture, layout, [region])
        make_opaque(picture, layout)
        write_text(picture, layout, reason, frame.quarter_turns)
        return RedactedFrame(picture, frame.index, (whole,), reason)

    def _own(self, picture: av.VideoFrame, native: str) -> av.VideoFrame:
        """Return a picture of the native format that shares no memory with the decoder."""
        if picture.format.name == native:
            return self._copier.copy(picture)
        result = picture.reformat(format=native)
        result.make_writable()
        result.pict_type = PictureType.NONE
        return result


def _draw_box(picture: av.VideoFrame, layout: PictureLayout, box: Box) -> None:
    """Draw the inner edge of a box in green."""
    words = samples_of(_GREEN, picture, layout)
    x1, y1, x2, y2 = box.pixels(picture.width, picture.height)
    line = max(2, round(picture.height / 360))
    strips = (
        (x1, y1, x2, min(y1 + line, y2)),
        (x1, max(y2 - line, y1), x2, y2),
        (x1, y1, min(x1 + line, x2), y2),
        (max(x2 - line, x1), y1, x2, y2),
    )
    for view, plane in zip(layout.views(picture), layout.planes, strict=True):
        for strip in strips:
            _fill(view[plane.cut(strip)], plane.roles, words)


def _fill(part: Samples, roles: str, words: dict[str, int]) -> None:
    part[...] = constant(part, [words[role] for role in roles])
