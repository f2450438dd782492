"""Whole pictures that show nothing but a word."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np

from streamguard.errors import RedactionError
from streamguard.frames import RedactedFrame
from streamguard.geometry import Box
from streamguard.media.planes import PictureLayout, native_layout, nearest_native
from streamguard.redaction.colors import samples_of
from streamguard.redaction.covers import Cover
from streamguard.redaction.effects import blend, constant, weights_of

_WHITE = (255, 255, 255)
_GREY = (128, 128, 128)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TEXT_SHARE = 0.6  # of the picture's shorter side
_LONGEST_TEXT = 40


def blank_slate(  # noqa: PLR0913 - what a picture is made of
    width: int,
    height: int,
    pix_fmt: str = "yuv420p",
    *,
    text: str = "",
    pts: int | None = None,
    time_base: Fraction | None = None,
    index: int = 0,
    quarter_turns: int = 0,
) -> RedactedFrame:
    """Return a grey picture with a word on it, for when there is no frame to cover.

    Args:
        width: Coded width in pixels.
        height: Coded height in pixels.
        pix_fmt: Pixel format; one that cannot be drawn on gives its nearest relative.
        text: What to write, ASCII; also the frame's ``slate``, ``blank`` when empty.
        pts: Presentation time stamp in ``time_base``.
        time_base: Unit of ``pts`` in seconds.
        index: Position in presentation order.
        quarter_turns: Clockwise turns that will bring the picture upright.

    Raises:
        RedactionError: There is no picture of this size and format.
    """
    try:
        native = nearest_native(pix_fmt)
        picture, layout = av.VideoFrame(width, height, native), native_layout(native)
        words = samples_of(_GREY, picture, layout)
        for view, plane in zip(layout.views(picture), layout.planes, strict=True):
            view[...] = constant(view, tuple(words[role] for role in plane.roles))
        write_text(picture, layout, text, quarter_turns)
    except (ValueError, MemoryError, av.error.FFmpegError) as error:
        raise RedactionError(f"no slate of {width}x{height} {pix_fmt}: {error}") from error
    picture.pts = pts
    if time_base is not None:
        picture.time_base = time_base
    return RedactedFrame(picture, index, (Box(0, 0, width, height),), text or "blank")


def make_opaque(picture: av.VideoFrame, layout: PictureLayout) -> None:
    """Fill alpha: its outline would show who stands there."""
    opaque = ((1 << layout.bits) - 1) << layout.shift
    for view, plane in zip(layout.views(picture), layout.planes, strict=True):
        if "a" in plane.roles:
            (view if view.ndim == 2 else view[..., plane.roles.index("a")])[...] = opaque


def write_text(
    picture: av.VideoFrame, layout: PictureLayout, text: str, quarter_turns: int
) -> None:
    """Write white text in the middle, upright for the viewer; nothing if there is no room."""
    upright = _text_mask(text, min(picture.width, picture.height))
    mask = np.ascontiguousarray(np.rot90(upright, quarter_turns), np.uint8)
    step_x, step_y = layout.alignment
    height, width = mask.shape
    x1 = (picture.width - width) // 2 // step_x * step_x
    y1 = (picture.height - height) // 2 // step_y * step_y
    if not mask.any() or x1 < 0 or y1 < 0:
        return
    words = samples_of(_WHITE, picture, layout)
    for view, plane in zip(layout.views(picture), layout.planes, strict=True):
        part = view[plane.cut((x1, y1, x1 + width, y1 + height))]
        white = constant(part, tuple(words[role] for role in plane.roles))
        blend(part, white, weights_of(mask, layout, plane))


def _text_mask(text: str, room: int) -> Cover:
    plain = text.encode("ascii", "replace").decode()[:_LONGEST_TEXT]
    (width, height), base = cv2.getTextSize(plain or " ", _FONT, 1.0, 1)
    scale = room * _TEXT_SHARE / width
    thick = max(1, round(2 * scale))
    (width, height), base = cv2.getTextSize(plain, _FONT, scale, thick)
    mask = np.zeros((height + base + 2 * thick, width + 2 * thick), np.uint8)
    cv2.putText(mask, plain, (thick, height + thick), _FONT, scale, 255, thick, cv2.LINE_AA)
    return mask
