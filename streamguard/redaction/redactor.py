"""The only maker of redacted frames."""

from __future__ import annotations

from collections.abc import Sequence

import av
from av.video.frame import PictureType

from streamguard.errors import RedactionError
from streamguard.frames import Frame, RedactedFrame, Verdict
from streamguard.geometry import Box
from streamguard.redaction.colors import samples_of
from streamguard.redaction.copying import PictureCopier
from streamguard.redaction.effects import Weights, averages, blend, constant, spread, weights_of
from streamguard.redaction.masks import Region, cells, cover_of, region_of
from streamguard.redaction.planes import PictureLayout, Samples, native_layout, nearest_native
from streamguard.redaction.slates import make_opaque, write_text
from streamguard.settings import Effect, RedactionSettings

_GREEN = (0, 255, 0)


class MaskRedactor:
    """Covers boxes in the decoder's own pixel format. For one thread at a time.

    What stays of a covered region are at most 8 × 8 area averages of its original pixels,
    fewer for small ones; no other number about them leaves. Where regions overlap, the
    largest lies on top, so that a small box on a big face cannot show it in finer grain.

    Args:
        settings: What covered regions look like.
    """

    def __init__(self, settings: RedactionSettings) -> None:
        self._settings = settings
        self._copier = PictureCopier()

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
            return self._cover(frame, verdict.boxes)
        except RedactionError:
            raise
        except Exception as error:
            raise RedactionError(
                f"frame {frame.index} could not be covered: {error}",
                "nothing of it was written",
            ) from error

    def _cover(self, frame: Frame, boxes: Sequence[Box]) -> RedactedFrame:
        native = nearest_native(frame.picture.format.name)
        layout = native_layout(native)
        size = frame.width, frame.height
        found = [region_of(box, *size, self._settings, layout.alignment) for box in set(boxes)]
        regions = sorted((r for r in found if r is not None), key=lambda r: r.order)
        if not regions and native == frame.picture.format.name:
            frame.picture.pict_type = PictureType.NONE
            return RedactedFrame(frame.picture, frame.index)
        picture = self._own(frame.picture, native)
        _paint(picture, layout, regions, self._settings)
        if self._settings.show_boxes:
            for box in boxes:
                _outline(picture, layout, box)
        return RedactedFrame(picture, frame.index, tuple(r.core.clip(*size) for r in regions))

    def _slate(self, frame: Frame, reason: str) -> RedactedFrame:
        native = nearest_native(frame.picture.format.name)
        picture, layout = self._own(frame.picture, native), native_layout(native)
        whole = Box(0, 0, frame.width, frame.height)
        region = Region(
            whole,
            (0, 0, frame.width, frame.height),
            cells(frame.width, frame.width),
            cells(frame.height, frame.height),
            feather=0,
            round=False,
        )
        _paint(picture, layout, [region], self._settings)
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


def _paint(
    picture: av.VideoFrame,
    layout: PictureLayout,
    regions: Sequence[Region],
    settings: RedactionSettings,
) -> None:
    """Lay every region's effect over the picture, all made from the original pixels."""
    views = layout.views(picture)
    grids = [] if settings.effect is Effect.SOLID else [_grids(views, layout, r) for r in regions]
    words = samples_of(settings.color, picture, layout)
    for number, region in enumerate(regions):
        cover = cover_of(region)
        weights: dict[tuple[int, int, int], Weights] = {}
        for at, (view, plane) in enumerate(zip(views, layout.planes, strict=True)):
            if plane.roles == "a":
                continue
            part = view[plane.cut(region.rect)]
            if grids:
                effect = spread(grids[number][at], part.shape[1], part.shape[0], settings.effect)
            else:
                effect = constant(part, tuple(words[role] for role in plane.roles))
            kind = plane.kind
            if kind not in weights:
                weights[kind] = weights_of(cover, layout, plane)
            blend(part, effect, weights[kind])
            if layout.shift:  # interpolation leaves crumbs in the bits below a sample
                part &= 0xFFFF << layout.shift & 0xFFFF


def _grids(views: Sequence[Samples], layout: PictureLayout, region: Region) -> list[Samples]:
    return [
        averages(view[plane.cut(region.rect)], region.columns, region.rows)
        for view, plane in zip(views, layout.planes, strict=True)
    ]


def _outline(picture: av.VideoFrame, layout: PictureLayout, box: Box) -> None:
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
    if part.ndim == 2:
        if roles != "a":
            part[...] = words[roles]
        return
    for channel, role in enumerate(roles):
        if role != "a":
            part[..., channel] = words[role]
